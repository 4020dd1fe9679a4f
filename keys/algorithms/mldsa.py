"""ML-DSA-44 and ML-DSA-65 (FIPS 204, RFC 9964): certificates without a QR code."""

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
)

from keys.algorithms.algorithm import Algorithm, PrivateKey
from keys.algorithms.encoding import Jwk, b64u, unb64u
from keys.errors import AlgorithmUnsupported


def _algorithm(
    name: str,
    private_key: type[MLDSA44PrivateKey | MLDSA65PrivateKey],
    public_key: type[MLDSA44PublicKey | MLDSA65PublicKey],
) -> Algorithm:
    def generate() -> PrivateKey:
        try:
            return private_key.generate()
        except UnsupportedAlgorithm as error:
            raise AlgorithmUnsupported(f"{name} is not offered by this machine") from error

    def sign(private: PrivateKey, data: bytes) -> bytes:
        if not isinstance(private, private_key):
            raise AlgorithmUnsupported(f"{name} needs an {name} key")
        # RFC 9964 section 4: pure ML-DSA with an empty context.
        return private.sign(data)

    def verify(jwk: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        try:
            public_key.from_public_bytes(unb64u(jwk["pub"])).verify(signature, data)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            return False
        return True

    def public_jwk(private: PrivateKey) -> Jwk:
        if not isinstance(private, private_key):
            raise AlgorithmUnsupported(f"{name} needs an {name} key")
        return {"kty": "AKP", "alg": name, "pub": b64u(private.public_key().public_bytes_raw())}

    return Algorithm(name=name, generate=generate, sign=sign, verify=verify, public_jwk=public_jwk)


ML_DSA_44 = _algorithm("ML-DSA-44", MLDSA44PrivateKey, MLDSA44PublicKey)
ML_DSA_65 = _algorithm("ML-DSA-65", MLDSA65PrivateKey, MLDSA65PublicKey)
