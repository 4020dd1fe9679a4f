"""SM2 signatures (GB/T 32918.2) with SM3, by the extra `sm2`.

JOSE has no registration for SM2, so this is the system's own: JWK `kty` EC and `crv` SM2,
signature r ‖ s in 64 bytes, e = SM3(ZA ‖ input) with the signer's default identity. High s is as
good as low s: an SM2 signature has no twin, so nothing is normalised.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.algorithms import der
from certsvc_sdk.algorithms.algorithm import Algorithm, Check, refusing
from certsvc_sdk.errors import KeyFormatInvalid

# Field, curve and group order (GB/T 32918.5).
_P: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
_A: Final = _P - 3
_B: Final = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
_ORDER: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
# Where nothing else is agreed (GM/T 0009 section 10).
_IDENTITY: Final = b"1234567812345678"


def _load(jwk: Mapping[str, str]) -> Check:
    x, y = (strict.b64u_decode(jwk[name], what="JWK member") for name in ("x", "y"))
    _check_point(int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    # Imported here: it is an extra, and only who meets an SM2 key pays for it.
    try:
        from gmssl_pyx import GmsslInnerError, sm2_verify
    except ImportError:
        return refusing("SM2 needs the extra: pip install 'certsvc-sdk[sm2]'")
    public = x + y

    def check(signing_input: bytes, signature: bytes) -> bool:
        r, s = signature[:32], signature[32:]
        first, second = int.from_bytes(r, "big"), int.from_bytes(s, "big")
        # GB/T 32918.2 section 7.1, steps B1, B2 and B5: r and s in 1..n-1, and t is not zero.
        if not (0 < first < _ORDER and 0 < second < _ORDER and first + second != _ORDER):
            return False
        try:
            return sm2_verify(public, signing_input, der.from_raw(r, s), _IDENTITY) is True
        except GmsslInnerError:
            return False

    return check


def _check_point(x: int, y: int) -> None:
    """Refuse coordinates that are no point of the curve; its group has no small subgroup."""
    if x >= _P or y >= _P or (y * y - x * x * x - _A * x - _B) % _P:
        raise KeyFormatInvalid("JWK is not a point of its curve")


SM2: Final = Algorithm(
    spellings=("SM2",),
    fixed=MappingProxyType({"kty": "EC", "crv": "SM2"}),
    sizes=MappingProxyType({"x": 32, "y": 32}),
    signature_bytes=64,
    load=_load,
)
