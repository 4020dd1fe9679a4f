"""T03, T10, T11: keys of the right kind, signatures in range."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc_sdk.algorithms import ALGORITHMS, PublicKey, kid_of, thumbprint
from certsvc_sdk.errors import KeyFormatInvalid, SignatureInvalid

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# RFC 8037 appendix A: key and thumbprint.
RFC8037_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
RFC8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_keys_are_values(es256_signer: Any, make_signer: Any) -> None:
    again = PublicKey.from_jwk(es256_signer.jwk, "ES256")
    assert again == es256_signer.public
    assert hash(again) == hash(es256_signer.public)
    assert again != make_signer("ES256", 8).public
    assert "d" not in again.jwk


def test_registry_is_closed() -> None:
    assert set(ALGORITHMS) == {
        "ES256",
        "Ed25519",
        "EdDSA",
        "ML-DSA-44",
        "ML-DSA-65",
        "SM2",
    }
    with pytest.raises(TypeError):
        ALGORITHMS["HS256"] = ALGORITHMS["ES256"]  # type: ignore[index]


def test_thumbprint_and_kid() -> None:
    assert thumbprint(RFC8037_JWK) == RFC8037_THUMBPRINT
    assert thumbprint({**RFC8037_JWK, "kid": "x", "use": "sig"}) == RFC8037_THUMBPRINT
    assert kid_of(RFC8037_JWK) == RFC8037_THUMBPRINT[:11]
    assert PublicKey.from_jwk(RFC8037_JWK, "Ed25519").kid == RFC8037_THUMBPRINT[:11]
    assert PublicKey.from_jwk(RFC8037_JWK, "Ed25519", kid="mine").kid == "mine"
    with pytest.raises(KeyFormatInvalid):
        thumbprint({"kty": "RSA", "n": "AQAB", "e": "AQAB"})


def _ec(curve: ec.EllipticCurve, crv: str) -> dict[str, str]:
    numbers = ec.derive_private_key(7, curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
    return {"kty": "EC", "crv": crv, "x": b64u(x), "y": b64u(y)}


def _okp(encoded: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(encoded)}


GOOD_EC = _ec(ec.SECP256R1(), "P-256")
P25519 = 2**255 - 19
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
BAD_KEYS: list[tuple[str, dict[str, Any], str]] = [
    ("P-384 key", _ec(ec.SECP384R1(), "P-384"), "ES256"),
    ("P-384 point named P-256", _ec(ec.SECP384R1(), "P-256"), "ES256"),
    ("secp256k1 key", _ec(ec.SECP256K1(), "secp256k1"), "ES256"),
    ("secp256k1 point named P-256", _ec(ec.SECP256K1(), "P-256"), "ES256"),
    ("off the curve", {**GOOD_EC, "x": GOOD_EC["y"]}, "ES256"),
    ("point at zero", {**GOOD_EC, "x": b64u(bytes(32)), "y": b64u(bytes(32))}, "ES256"),
    ("coordinate beyond p", {**GOOD_EC, "x": b64u(b"\xff" * 32)}, "ES256"),
    ("short coordinate", {**GOOD_EC, "x": b64u(bytes(31))}, "ES256"),
    ("long coordinate", {**GOOD_EC, "x": b64u(bytes(33))}, "ES256"),
    ("padded coordinate", {**GOOD_EC, "x": GOOD_EC["x"] + "="}, "ES256"),
    ("other base64 alphabet", {**GOOD_EC, "y": GOOD_EC["y"][:-1] + "+"}, "ES256"),
    ("number for a coordinate", {**GOOD_EC, "x": 5}, "ES256"),
    ("missing y", {name: GOOD_EC[name] for name in ("kty", "crv", "x")}, "ES256"),
    ("private key", {**GOOD_EC, "d": b64u(bytes(31) + b"\x07")}, "ES256"),
    ("certificate chain", {**GOOD_EC, "x5c": []}, "ES256"),
    ("encryption key", {**GOOD_EC, "use": "enc"}, "ES256"),
    ("key for another algorithm", {**GOOD_EC, "alg": "ES384"}, "ES256"),
    ("EC key for Ed25519", GOOD_EC, "Ed25519"),
    ("Ed25519 key for ES256", RFC8037_JWK, "ES256"),
    ("Ed25519 with y", {**RFC8037_JWK, "y": RFC8037_JWK["x"]}, "Ed25519"),
    ("Ed448 curve", {**RFC8037_JWK, "crv": "Ed448"}, "EdDSA"),
    ("X25519 curve", {**RFC8037_JWK, "crv": "X25519"}, "EdDSA"),
    ("symmetric key", {"kty": "oct", "k": "AAAA"}, "ES256"),
    ("RSA key", {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "ES256"),
    ("empty", {}, "ES256"),
    ("order 1", _okp((1).to_bytes(32, "little")), "Ed25519"),
    ("order 1 with sign", _okp((1 + 2**255).to_bytes(32, "little")), "Ed25519"),
    ("order 2", _okp((P25519 - 1).to_bytes(32, "little")), "Ed25519"),
    ("order 4", _okp(bytes(32)), "Ed25519"),
    ("order 4 with sign", _okp(bytes(31) + b"\x80"), "Ed25519"),
    ("order 8", _okp(ORDER_8), "Ed25519"),
    ("order 8 with sign", _okp(ORDER_8[:31] + bytes([ORDER_8[31] | 0x80])), "Ed25519"),
    ("not canonical", _okp((P25519 + 3).to_bytes(32, "little")), "Ed25519"),
    ("not a point", _okp((2).to_bytes(32, "little")), "Ed25519"),
]


@pytest.mark.parametrize(
    ("jwk", "alg"), [row[1:] for row in BAD_KEYS], ids=[r[0] for r in BAD_KEYS]
)
def test_t03_bad_keys_are_refused(jwk: dict[str, Any], alg: str) -> None:
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(jwk, alg)


@pytest.mark.parametrize("number", range(12))
def test_t03_good_keys_are_taken(number: int, make_signer: Any) -> None:
    for alg in ("ES256", "Ed25519"):
        signer = make_signer(alg, number)
        signer.public.verify(b"data", signer.sign(b"data"))
    jwk = {**make_signer("Ed25519", number).jwk, "kid": "x", "alg": "EdDSA", "use": "sig"}
    assert PublicKey.from_jwk(jwk, "Ed25519").jwk == make_signer("Ed25519", number).jwk


def test_private_ed25519_jwk_is_refused() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    jwk = {**_okp(private.public_key().public_bytes_raw()), "d": b64u(private.private_bytes_raw())}
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(jwk, "Ed25519")


def test_t10_values_out_of_range(es256_signer: Any) -> None:
    data = b"data"
    good = es256_signer.sign(data)
    es256_signer.public.verify(data, good)
    r, s = good[:32], good[32:]
    order = P256_ORDER.to_bytes(32, "big")
    der = es256_signer.private.sign(data, ec.ECDSA(hashes.SHA256()))
    above = ((int.from_bytes(s, "big") + P256_ORDER) % 2**256).to_bytes(32, "big")
    bad = [
        bytes(64), bytes(32) + s, r + bytes(32), order + s, r + order, b"\xff" * 64, order + order,
        r + above, s + r, good[:63], good + b"\x00", b"\x00" + good, b"", der,
        der[:64].ljust(64, b"\x00"),
        bytes(31) + b"\x01" + bytes(31) + b"\x01",
    ]  # fmt: skip
    for signature in bad:
        with pytest.raises(SignatureInvalid):
            es256_signer.public.verify(data, signature)
    with pytest.raises(SignatureInvalid):
        es256_signer.public.verify(b"Data", good)


def test_t10_ed25519_lengths_and_high_s(ed25519_signer: Any) -> None:
    data = b"data"
    good = ed25519_signer.sign(data)
    group = 2**252 + 27742317777372353535851937790883648493
    high = (int.from_bytes(good[32:], "little") + group).to_bytes(32, "little")
    for signature in (good[:63], good + b"\x00", b"", bytes(64), good[:32] + high):
        with pytest.raises(SignatureInvalid):
            ed25519_signer.public.verify(data, signature)


def test_t11_high_s_is_read_and_is_not_an_identity(es256_signer: Any) -> None:
    low = es256_signer.sign(b"data")
    s = int.from_bytes(low[32:], "big")
    high = low[:32] + (P256_ORDER - s).to_bytes(32, "big")
    es256_signer.public.verify(b"data", low)
    es256_signer.public.verify(b"data", high)
    assert s <= P256_ORDER // 2


def test_wrong_key(es256_signer: Any, ed25519_signer: Any, make_signer: Any) -> None:
    for signer, other in (
        (es256_signer, make_signer("ES256", 5)),
        (ed25519_signer, make_signer("Ed25519", 5)),
        (es256_signer, ed25519_signer),
        (ed25519_signer, es256_signer),
    ):
        with pytest.raises(SignatureInvalid):
            signer.public.verify(b"data", other.sign(b"data"))


def test_signer_makes_low_s(es256_signer: Any) -> None:
    raw = es256_signer.sign(b"x")
    assert len(raw) == 64
    assert int.from_bytes(raw[32:], "big") <= P256_ORDER // 2
    with pytest.raises(ValueError):  # noqa: PT011 — cryptography's own
        decode_dss_signature(raw)
