"""SM2 (GB/T 32918): the standard's example, openssl as a peer, and hostile keys and signatures."""

import base64
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk.algorithms import PublicKey, kid_of, thumbprint
from certsvc_sdk.errors import AlgorithmNotAllowed, KeyFormatInvalid, SignatureInvalid

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
# GB/T 32918.5-2017 annex A.2 (the same in GM/T 0003.5-2012).
EXAMPLE_X = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
EXAMPLE_Y = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
EXAMPLE_R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
EXAMPLE_S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
EXAMPLE_MESSAGE = b"message digest"
# SubjectPublicKeyInfo of an uncompressed SM2 point (RFC 5480; the curve is 1.2.156.10197.1.301).
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
SIGNING = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
Openssl = Callable[..., bytes]


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk_of(x: bytes, y: bytes) -> dict[str, Any]:
    return {"kty": "EC", "crv": "SM2", "x": b64u(x), "y": b64u(y)}


EXAMPLE_JWK = jwk_of(bytes.fromhex(EXAMPLE_X), bytes.fromhex(EXAMPLE_Y))
EXAMPLE_SIGNATURE = bytes.fromhex(EXAMPLE_R + EXAMPLE_S)


def accepts(key: PublicKey, data: bytes, signature: bytes) -> bool:
    try:
        key.verify(data, signature)
    except SignatureInvalid:
        return False
    return True


def test_the_standards_example_verifies() -> None:
    key = PublicKey.from_jwk(EXAMPLE_JWK, "SM2")
    key.verify(EXAMPLE_MESSAGE, EXAMPLE_SIGNATURE)
    assert not accepts(key, EXAMPLE_MESSAGE + b".", EXAMPLE_SIGNATURE)
    for at in range(64):
        changed = bytearray(EXAMPLE_SIGNATURE)
        changed[at] ^= 1
        assert not accepts(key, EXAMPLE_MESSAGE, bytes(changed))


def test_thumbprint_takes_crv_kty_x_y() -> None:
    assert PublicKey.from_jwk(EXAMPLE_JWK, "SM2").kid == kid_of(EXAMPLE_JWK)
    assert thumbprint(EXAMPLE_JWK) != thumbprint({**jwk_of(bytes(32), bytes(32))})


def test_openssl_signs_and_we_verify(openssl: Openssl) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "key.pem")
    public = openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
    assert public.startswith(SPKI)
    point = public[len(SPKI) :]
    key = PublicKey.from_jwk(jwk_of(point[:32], point[32:]), "SM2")
    for data in (b"x", "证照".encode(), bytes(5000)):
        der = openssl("pkeyutl", "-sign", *SIGNING, "-inkey", "key.pem", "-in", "data", data=data)
        r, s = decode_dss_signature(der)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        key.verify(data, raw)
        assert not accepts(key, data + b"x", raw)


def test_openssl_takes_the_example_as_we_do(openssl: Openssl) -> None:
    # The same identity and the same point: what we hold true is no private reading of ours.
    r, s = int(EXAMPLE_R, 16), int(EXAMPLE_S, 16)
    said = openssl(
        *("pkeyutl", "-verify", *SIGNING, "-pubin", "-keyform", "DER", "-inkey", "public"),
        *("-in", "data", "-sigfile", "signature"),
        public=SPKI + bytes.fromhex(EXAMPLE_X + EXAMPLE_Y),
        data=EXAMPLE_MESSAGE,
        signature=encode_dss_signature(r, s),
    )
    assert b"Success" in said


def test_another_identity_is_another_signature(sm2_signer: Any) -> None:
    key = PublicKey.from_jwk(sm2_signer.jwk, "SM2")
    key.verify(b"data", sm2_signer.sign(b"data"))
    for identity in (b"ALICE123@YAHOO.COM", b"12345678", None):
        assert not accepts(key, b"data", sm2_signer.sign(b"data", identity))


def test_high_s_stays_and_has_no_twin(sm2_signer: Any) -> None:
    key = PublicKey.from_jwk(sm2_signer.jwk, "SM2")
    high = 0
    for number in range(12):
        data = b"%d" % number
        signature = sm2_signer.sign(data)
        key.verify(data, signature)
        s = int.from_bytes(signature[32:], "big")
        high += s > ORDER // 2
        assert not accepts(key, data, signature[:32] + (ORDER - s).to_bytes(32, "big"))
    assert high


def test_t10_values_out_of_range(sm2_signer: Any) -> None:
    key = PublicKey.from_jwk(sm2_signer.jwk, "SM2")
    good = sm2_signer.sign(b"data")
    r, s = good[:32], good[32:]
    order = ORDER.to_bytes(32, "big")
    opposite = (ORDER - int.from_bytes(r, "big")).to_bytes(32, "big")
    low_r, low_s = int.from_bytes(r, "big") + ORDER, int.from_bytes(s, "big") + ORDER
    bad = [
        bytes(64), bytes(32) + s, r + bytes(32), order + s, r + order, b"\xff" * 64,
        order + order, r + opposite, s + r, good[:63], good + b"\x00", b"\x00" + good, b"",
        encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")),
        (low_r % 2**256).to_bytes(32, "big") + s, r + (low_s % 2**256).to_bytes(32, "big"),
        bytes(31) + b"\x01" + bytes(31) + b"\x01",
    ]  # fmt: skip
    for signature in bad:
        assert not accepts(key, b"data", signature)


X, Y = (bytes.fromhex(text) for text in (EXAMPLE_X, EXAMPLE_Y))
BAD_KEYS: list[tuple[str, dict[str, Any]]] = [
    ("off the curve", jwk_of(X, X)),
    ("zero", jwk_of(bytes(32), bytes(32))),
    ("y of another point", jwk_of(X, bytes([Y[0] ^ 1]) + Y[1:])),
    # A number beyond the field that is the right one modulo p.
    ("y beyond p", jwk_of(X, b"\xff" * 32)),
    ("x beyond p", jwk_of(b"\xff" * 32, Y)),
    ("p itself", jwk_of(P.to_bytes(32, "big"), Y)),
    ("short", jwk_of(X[:31], Y)),
    ("long", jwk_of(X + b"\x00", Y)),
    ("no y", {"kty": "EC", "crv": "SM2", "x": b64u(X)}),
    ("private", {**EXAMPLE_JWK, "d": b64u(bytes(31) + b"\x01")}),
    ("P-256 by name", {**EXAMPLE_JWK, "crv": "P-256"}),
    ("for another algorithm", {**EXAMPLE_JWK, "alg": "ES256"}),
]


@pytest.mark.parametrize("jwk", [row[1] for row in BAD_KEYS], ids=[row[0] for row in BAD_KEYS])
def test_t03_bad_keys_are_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(jwk, "SM2")


def test_t03_curves_are_not_mixed_up(es256_signer: Any) -> None:
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(EXAMPLE_JWK, "ES256")
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(es256_signer.jwk, "SM2")
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk({**es256_signer.jwk, "crv": "SM2"}, "SM2")
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk({**EXAMPLE_JWK, "crv": "P-256"}, "ES256")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=130), st.binary(min_size=64, max_size=64)),
    st.dictionaries(st.integers(0, 63), st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)), max_size=4),
    st.binary(max_size=200),
)
def test_hostile_signatures_never_leave_the_tree(
    sm2_signer: Any, raw: bytes, changes: dict[int, int], data: bytes
) -> None:
    # The library is C: a crash would end this process, and the run with it.
    key = PublicKey.from_jwk(sm2_signer.jwk, "SM2")
    assert not accepts(key, data, raw)
    changed = bytearray(EXAMPLE_SIGNATURE)
    for at, value in changes.items():
        changed[at] = value
    assert not accepts(key, data, bytes(changed))


def test_without_the_extra_the_key_is_read_and_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    key = PublicKey.from_jwk(EXAMPLE_JWK, "SM2")
    assert key.kid == kid_of(EXAMPLE_JWK)
    with pytest.raises(AlgorithmNotAllowed, match=r"certsvc-sdk\[sm2\]"):
        key.verify(EXAMPLE_MESSAGE, EXAMPLE_SIGNATURE)
    with pytest.raises(KeyFormatInvalid):
        PublicKey.from_jwk(jwk_of(X, X), "SM2")
