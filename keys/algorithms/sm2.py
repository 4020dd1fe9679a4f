"""SM2 with SM3 (GB/T 32918.2) in software, by the extra `sm2`: for trials, not for an office's key.

The library draws each nonce from the operating system and makes no promise about side channels;
the state's rules ask for certified hardware. A store therefore refuses it unless told otherwise.
"""

from collections.abc import Mapping
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from keys.algorithms.algorithm import Algorithm, PrivateKey, Sm2PrivateKey
from keys.algorithms.encoding import Jwk, b64u, unb64u
from keys.errors import AlgorithmUnsupported, FileMalformed

NAME = "SM2"
# Where nothing else is agreed (GM/T 0009 section 10).
IDENTITY = b"1234567812345678"
# PKCS#8 (RFC 5958) around an RFC 5915 key, all lengths fixed: ecPublicKey, 1.2.156.10197.1.301.
_BEFORE_SECRET = bytes.fromhex(
    "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
)
_BEFORE_PUBLIC = bytes.fromhex("a14403420004")


def _library() -> ModuleType:
    try:
        import gmssl_pyx
    except ImportError as error:
        raise AlgorithmUnsupported("SM2 needs the extra: pip install 'certsvc[sm2]'") from error
    found: ModuleType = gmssl_pyx
    return found


def _own(private: PrivateKey) -> Sm2PrivateKey:
    if not isinstance(private, Sm2PrivateKey):
        raise AlgorithmUnsupported("SM2 needs an SM2 key")
    return private


def _generate() -> PrivateKey:
    public, secret = _library().sm2_key_generate()
    return Sm2PrivateKey(secret, public)


def _sign(private: PrivateKey, data: bytes) -> bytes:
    key, library = _own(private), _library()
    try:
        der = library.sm2_sign(key.secret, key.public, data, IDENTITY)
    except library.GmsslInnerError as error:
        raise AlgorithmUnsupported("the SM2 library refuses the key") from error
    # s stays as it is: only ES256 has a second signature that anybody can compute.
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _verify(jwk: Mapping[str, str], data: bytes, signature: bytes) -> bool:
    library = _library()
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    public = unb64u(jwk["x"]) + unb64u(jwk["y"])
    try:
        done = library.sm2_verify(public, data, encode_dss_signature(r, s), IDENTITY)
    except library.GmsslInnerError:
        return False
    return done is True


def _public_jwk(private: PrivateKey) -> Jwk:
    public = _own(private).public
    return {"kty": "EC", "crv": "SM2", "x": b64u(public[:32]), "y": b64u(public[32:])}


def _dump(private: PrivateKey) -> bytes:
    key = _own(private)
    return _BEFORE_SECRET + key.secret + _BEFORE_PUBLIC + key.public


def _load(der: bytes) -> PrivateKey:
    start = len(_BEFORE_SECRET)
    key = Sm2PrivateKey(der[start : start + 32], der[-64:])
    if _dump(key) != der:
        raise FileMalformed("not an SM2 private key")
    return key


SM2 = Algorithm(
    name=NAME,
    generate=_generate,
    sign=_sign,
    verify=_verify,
    public_jwk=_public_jwk,
    dump=_dump,
    load=_load,
)
