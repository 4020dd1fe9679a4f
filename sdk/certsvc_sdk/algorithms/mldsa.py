"""ML-DSA-44 and ML-DSA-65 (FIPS 204) in JOSE (RFC 9964): too large for any QR code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.algorithms.algorithm import Algorithm, Check, refusing
from certsvc_sdk.errors import KeyFormatInvalid


def _algorithm(level: int, *, public_bytes: int, signature_bytes: int) -> Algorithm:
    """Describe one parameter set; lengths in bytes (FIPS 204 table 2)."""
    name = f"ML-DSA-{level}"

    def load(jwk: Mapping[str, str]) -> Check:
        # Imported here: importing the package must not pay for cryptography.
        try:
            from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric import mldsa
        except ImportError:
            return refusing(f"{name} needs a newer release of cryptography")

        key: mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey
        public = strict.b64u_decode(jwk["pub"], what="JWK member")
        try:
            if level == 44:
                key = mldsa.MLDSA44PublicKey.from_public_bytes(public)
            else:
                key = mldsa.MLDSA65PublicKey.from_public_bytes(public)
        except UnsupportedAlgorithm:
            return refusing(f"{name} is not offered by the installed cryptography library")
        except ValueError as error:
            raise KeyFormatInvalid(f"JWK is not a usable {name} key") from error
        verify = key.verify

        def check(signing_input: bytes, signature: bytes) -> bool:
            try:
                # RFC 9964 section 4: pure ML-DSA with an empty context.
                verify(signature, signing_input)
            except InvalidSignature:
                return False
            return True

        return check

    return Algorithm(
        spellings=(name,),
        fixed=MappingProxyType({"kty": "AKP", "alg": name}),
        sizes=MappingProxyType({"pub": public_bytes}),
        signature_bytes=signature_bytes,
        load=load,
    )


ML_DSA_44: Final = _algorithm(44, public_bytes=1312, signature_bytes=2420)
ML_DSA_65: Final = _algorithm(65, public_bytes=1952, signature_bytes=3309)
