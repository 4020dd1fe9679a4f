"""Signatures in JOSE form, held to an independent library; thumbprints to the RFC's example."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from keys.algorithms import ALGORITHMS, algorithm, b64u, kid_of, thumbprint, unb64u
from keys.algorithms.es256 import P256_ORDER
from keys.errors import AlgorithmUnsupported, FileMalformed


def test_thumbprint_is_that_of_rfc_8037_appendix_a3() -> None:
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert kid_of({**jwk, "use": "sig"}) == "kPrK_qmxVWa"


@pytest.mark.parametrize(("name", "reader"), [("ES256", ECKey), ("Ed25519", OKPKey)])
def test_an_independent_library_accepts_the_signature(name: str, reader: type) -> None:
    chosen = algorithm(name)
    private = chosen.generate()
    jwk = chosen.public_jwk(private)
    header = b64u(json.dumps({"alg": name}).encode())
    signing_input = f"{header}.{b64u(b'payload')}"
    signature = chosen.sign(private, signing_input.encode())
    assert len(signature) == 64
    token = f"{signing_input}.{b64u(signature)}"
    key = reader.import_key(jwk)
    assert jws.deserialize_compact(token, key, algorithms=[name]).payload == b"payload"
    assert reader.import_key(jwk).thumbprint() == thumbprint(jwk)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_signatures_verify_and_altered_ones_do_not(name: str) -> None:
    chosen = algorithm(name)
    private = chosen.generate()
    jwk = chosen.public_jwk(private)
    signature = chosen.sign(private, b"data")
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    assert chosen.verify(jwk, b"data", signature)
    assert not chosen.verify(jwk, b"other", signature)
    assert not chosen.verify(jwk, b"data", flipped)
    assert not chosen.verify(jwk, b"data", signature[:-1])
    assert not chosen.verify(jwk, b"data", bytes(len(signature)))
    assert not chosen.verify(jwk, b"data", bytes(64))


def test_es256_is_deterministic_and_low_s() -> None:
    chosen = algorithm("ES256")
    private = chosen.generate()
    for number in range(40):
        data = number.to_bytes(1, "big")
        signature = chosen.sign(private, data)
        assert int.from_bytes(signature[32:], "big") <= P256_ORDER // 2
        assert signature == chosen.sign(private, data)


def test_the_registry_is_closed() -> None:
    with pytest.raises(AlgorithmUnsupported):
        algorithm("none")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_key_of_another_algorithm_is_refused(name: str) -> None:
    private = algorithm(name).generate()
    for chosen in ALGORITHMS.values():
        if chosen.name == name:
            continue
        with pytest.raises(AlgorithmUnsupported):
            chosen.sign(private, b"")
        with pytest.raises(AlgorithmUnsupported):
            chosen.public_jwk(private)


def test_a_key_of_another_curve_is_refused() -> None:
    with pytest.raises(AlgorithmUnsupported):
        algorithm("ES256").public_jwk(ec.generate_private_key(ec.SECP384R1()))


def test_private_keys_round_trip() -> None:
    for chosen in ALGORITHMS.values():
        private = chosen.generate()
        loaded = chosen.load(chosen.dump(private))
        assert chosen.public_jwk(loaded) == chosen.public_jwk(private)


def test_other_private_keys_are_refused() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    der = rsa_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for chosen in ALGORITHMS.values():
        for data in (b"", b"not DER", der):
            with pytest.raises(FileMalformed):
                chosen.load(data)


@pytest.mark.parametrize("text", ["AB==", "A", "AB", "A B", "é"])
def test_only_canonical_base64url(text: str) -> None:
    with pytest.raises(FileMalformed):
        unb64u(text)
