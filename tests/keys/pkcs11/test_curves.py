"""Spellings of curves and points that tokens differ in."""

import PyKCS11
import pytest

from keys.errors import AlgorithmUnsupported, StoreUnavailable
from keys.pkcs11.curves import curve, make_pair

X, Y = bytes(range(32)), bytes(range(32, 64))


class Choosy:
    """The library's session, refusing each spelling but those it knows."""

    def __init__(self, refusal: int, *known: bytes) -> None:
        self.refusal = refusal
        self.known = known

    def generateKeyPair(self, public, private, mechanism):  # noqa: N802 - the library's name
        spelling = dict(public)[PyKCS11.CKA_EC_PARAMS]
        if spelling not in self.known:
            raise PyKCS11.PyKCS11Error(self.refusal)
        return spelling, private


@pytest.mark.parametrize("wrapped", [True, False])
def test_points_come_wrapped_or_bare(wrapped: bool) -> None:
    p256, ed25519 = b"\x04" + X + Y, X
    if wrapped:
        p256, ed25519 = b"\x04\x41" + p256, b"\x04\x20" + ed25519
    assert set(curve("ES256").jwk(p256)) == {"kty", "crv", "x", "y"}
    assert curve("Ed25519").jwk(ed25519)["crv"] == "Ed25519"
    for alg, point in (("ES256", p256[:-1]), ("ES256", b"\x02" + X + Y), ("Ed25519", X[:-1])):
        with pytest.raises(StoreUnavailable):
            curve(alg).jwk(point)


def test_a_curve_is_spelt_until_the_token_knows_it() -> None:
    second = curve("Ed25519").parameters[1]
    refusing = Choosy(PyKCS11.CKR_CURVE_NOT_SUPPORTED, second)
    assert make_pair(refusing, curve("Ed25519"), label="x")[0] == second
    for alg in ("ES256", "Ed25519"):
        with pytest.raises(AlgorithmUnsupported):
            make_pair(Choosy(PyKCS11.CKR_DOMAIN_PARAMS_INVALID), curve(alg), label="x")
    with pytest.raises(PyKCS11.PyKCS11Error):
        make_pair(Choosy(PyKCS11.CKR_DEVICE_MEMORY), curve("ES256"), label="x")
    with pytest.raises(AlgorithmUnsupported):
        curve("SM2")
