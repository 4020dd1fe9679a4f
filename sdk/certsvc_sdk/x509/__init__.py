"""X.509 for those who need it: a chain of certificates for an issuer's key, checked in one call.

No verdict depends on it: who may issue what is the trust repository's matter (docs/x509.md).
"""

from certsvc_sdk.x509.chain import Expected, ValidChain, validate_chain, validate_issuer
from certsvc_sdk.x509.requests import certificates_file
from certsvc_sdk.x509.revocation import UsedList

__all__ = [
    "Expected",
    "UsedList",
    "ValidChain",
    "certificates_file",
    "validate_chain",
    "validate_issuer",
]
