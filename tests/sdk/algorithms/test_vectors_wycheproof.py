"""Project Wycheproof: ECDSA P-256 in JOSE form, the same in DER form, Ed25519."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import KeyFormatInvalid, SignatureInvalid

pytestmark = pytest.mark.vectors
Find = Callable[[str], Path]


def groups_of(find: Find, name: str) -> list[dict[str, Any]]:
    data = json.loads(find(name).read_text(encoding="utf-8"))
    groups: list[dict[str, Any]] = data["testGroups"]
    assert sum(len(group["tests"]) for group in groups) == data["numberOfTests"]
    return groups


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def p256(group: dict[str, Any]) -> PublicKey:
    point = bytes.fromhex(group["publicKey"]["uncompressed"])
    jwk = {"kty": "EC", "crv": "P-256", "x": b64u(point[1:33]), "y": b64u(point[33:])}
    return PublicKey.from_jwk(jwk, "ES256")


def verifies(key: PublicKey, test: dict[str, Any]) -> bool:
    try:
        key.verify(bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
    except SignatureInvalid:
        return False
    return True


def test_ecdsa_p1363(vector_file: Find) -> None:
    name = "wycheproof-ecdsa/testvectors_v1/ecdsa_secp256r1_sha256_p1363_test.json"
    counts = {"valid": 0, "invalid": 0}
    for group in groups_of(vector_file, name):
        key = p256(group)
        for test in group["tests"]:
            assert verifies(key, test) == (test["result"] == "valid"), test["tcId"]
            counts[test["result"]] += 1
    assert min(counts.values()) > 80


def test_ecdsa_der_is_not_jose(vector_file: Find) -> None:
    name = "wycheproof-ecdsa/testvectors_v1/ecdsa_secp256r1_sha256_test.json"
    tried = 0
    for group in groups_of(vector_file, name):
        key = p256(group)
        for test in group["tests"]:
            assert not verifies(key, test), test["tcId"]
            tried += 1
    assert tried > 400


@pytest.mark.parametrize("curve", ["secp384r1_sha384", "secp521r1_sha512"])
def test_other_curves_are_no_es256_keys(vector_file: Find, curve: str) -> None:
    name = f"wycheproof-ecdsa/testvectors_v1/ecdsa_{curve}_p1363_test.json"
    for group in groups_of(vector_file, name):
        if "publicKeyJwk" in group:
            with pytest.raises(KeyFormatInvalid):
                PublicKey.from_jwk(group["publicKeyJwk"], "ES256")


@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA"])
def test_ed25519(vector_file: Find, alg: str) -> None:
    counts = {"valid": 0, "invalid": 0}
    for group in groups_of(vector_file, "wycheproof-eddsa/testvectors_v1/ed25519_test.json"):
        encoded = bytes.fromhex(group["publicKey"]["pk"])
        key = PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64u(encoded)}, alg)
        for test in group["tests"]:
            assert verifies(key, test) == (test["result"] == "valid"), test["tcId"]
            counts[test["result"]] += 1
    assert min(counts.values()) > 50
