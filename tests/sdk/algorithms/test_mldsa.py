"""ML-DSA (RFC 9964): the document's keys and tokens, Project Wycheproof, and what is refused."""

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa

from certsvc_sdk import jws, qr
from certsvc_sdk.algorithms import PublicKey, kid_of, thumbprint
from certsvc_sdk.errors import (
    AlgorithmNotAllowed,
    FormatUnsupported,
    KeyFormatInvalid,
    SignatureInvalid,
)

Find = Callable[[str], Path]
PRIVATE = {
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32)),
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32)),
}
SIZES = {"ML-DSA-44": (1312, 2420), "ML-DSA-65": (1952, 3309)}


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk_of(alg: str, public: bytes | None = None) -> dict[str, Any]:
    public = PRIVATE[alg].public_key().public_bytes_raw() if public is None else public
    return {"kty": "AKP", "alg": alg, "pub": b64u(public)}


@pytest.mark.vectors
@pytest.mark.parametrize("alg", PRIVATE)
def test_the_rfcs_examples_verify(vector_file: Find, alg: str) -> None:
    name = f"rfc9964-mldsa-jose/examples/jose/examples/{alg.replace('-', '_')}.jose.json"
    example = json.loads(vector_file(name).read_text(encoding="utf-8"))
    public = {name: value for name, value in example["jwk"].items() if name != "priv"}
    assert thumbprint(public) == example["jwk"]["kid"]
    key = PublicKey.from_jwk(public, alg)
    token = jws.parse(example["jws"])
    key.verify(token.signing_input, token.signature)
    assert token.signing_input == bytes.fromhex(example["raw_to_be_signed"])
    with pytest.raises(SignatureInvalid):
        key.verify(token.signing_input + b"x", token.signature)
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(example["jwk"], alg)


@pytest.mark.vectors
def test_wycheproof(vector_file: Find) -> None:
    data = json.loads(
        vector_file("wycheproof-mldsa44/testvectors_v1/mldsa_44_verify_test.json").read_text(
            encoding="utf-8"
        )
    )
    counts = {"valid": 0, "invalid": 0}
    for group in data["testGroups"]:
        jwk = jwk_of("ML-DSA-44", bytes.fromhex(group["publicKey"]))
        for test in group["tests"]:
            try:
                key = PublicKey.from_jwk(jwk, "ML-DSA-44")
                key.verify(bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
                found = "valid"
            except (KeyFormatInvalid, SignatureInvalid):
                found = "invalid"
            # JOSE knows no context: what was signed with one verifies nowhere here.
            expected = "invalid" if test.get("ctx") else test["result"]
            assert found == expected, test["tcId"]
            counts[found] += 1
    assert min(counts.values()) > 50
    assert sum(counts.values()) == data["numberOfTests"]


@pytest.mark.parametrize("alg", PRIVATE)
def test_sizes_and_alterations(alg: str) -> None:
    public_bytes, signature_bytes = SIZES[alg]
    key = PublicKey.from_jwk(jwk_of(alg), alg)
    assert key.kid == kid_of(jwk_of(alg))
    good = PRIVATE[alg].sign(b"data")
    assert len(good) == signature_bytes
    key.verify(b"data", good)
    for at in (0, 1, signature_bytes // 2, signature_bytes - 1):
        changed = bytearray(good)
        changed[at] ^= 1
        with pytest.raises(SignatureInvalid):
            key.verify(b"data", bytes(changed))
    in_context = PRIVATE[alg].sign(b"data", b"context")
    for signature in (good[:-1], good + b"\x00", b"", bytes(64), in_context):
        with pytest.raises(SignatureInvalid):
            key.verify(b"data", signature)
    for public in (bytes(public_bytes - 1), bytes(public_bytes + 1), b""):
        with pytest.raises(KeyFormatInvalid):
            PublicKey.from_jwk(jwk_of(alg, public), alg)


def test_one_parameter_set_is_not_the_other() -> None:
    for alg, other in (("ML-DSA-44", "ML-DSA-65"), ("ML-DSA-65", "ML-DSA-44")):
        for jwk in (jwk_of(other), {**jwk_of(other), "alg": alg}):
            with pytest.raises(KeyFormatInvalid):
                PublicKey.from_jwk(jwk, alg)
        with pytest.raises(SignatureInvalid):
            PublicKey.from_jwk(jwk_of(alg), alg).verify(b"data", PRIVATE[other].sign(b"data"))
    without_alg = {"kty": "AKP", "pub": jwk_of("ML-DSA-44")["pub"]}
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(without_alg, "ML-DSA-44")
    with pytest.raises(KeyFormatInvalid):
        thumbprint(without_alg)
    with pytest.raises(AlgorithmNotAllowed):
        PublicKey.from_jwk({**without_alg, "alg": "ML-DSA-87"}, "ML-DSA-87")


def test_an_old_library_refuses_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    good = PRIVATE["ML-DSA-44"].sign(b"data")

    class Old:
        @staticmethod
        def from_public_bytes(_: bytes) -> None:
            raise UnsupportedAlgorithm("not in this OpenSSL")

    monkeypatch.setattr(mldsa, "MLDSA44PublicKey", Old)
    key = PublicKey.from_jwk(jwk_of("ML-DSA-44"), "ML-DSA-44")
    with pytest.raises(AlgorithmNotAllowed, match="ML-DSA-44 is not offered"):
        key.verify(b"data", good)
    monkeypatch.delattr("cryptography.hazmat.primitives.asymmetric.mldsa")
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    key = PublicKey.from_jwk(jwk_of("ML-DSA-65"), "ML-DSA-65")
    with pytest.raises(AlgorithmNotAllowed, match="newer release of cryptography"):
        key.verify(b"data", PRIVATE["ML-DSA-65"].sign(b"data"))


@pytest.mark.parametrize("alg", PRIVATE)
def test_never_in_a_qr_code(alg: str) -> None:
    header = {"alg": alg, "typ": "dc+sd-jwt", "kid": kid_of(jwk_of(alg))}
    data = jws.signing_input(header, b'{"a":1}')
    token = jws.attach(data, PRIVATE[alg].sign(data)) + "~"
    assert not qr.frame.carries(token)
    with pytest.raises(FormatUnsupported, match="64 bytes, not of"):
        qr.frame.pack(token, None, dictionary=0)
