"""SD-JWT VC type metadata: what a type is called, and what its certificates hold.

For showing certificates and for a department's own rules. No verdict depends on it: what an issuer
may issue stands in its signed trust record (docs/adr/0012-type-metadata-apart-from-verdicts.md).
"""

from certsvc_sdk.typemetadata.document import ClaimMetadata, ClaimPath, Display, Document, Sd, parse
from certsvc_sdk.typemetadata.integrity import check_integrity, integrity_of
from certsvc_sdk.typemetadata.resolving import TypeMetadata, resolve
from certsvc_sdk.typemetadata.rules import Breach, Rule, check_claims

__all__ = [
    "Breach",
    "ClaimMetadata",
    "ClaimPath",
    "Display",
    "Document",
    "Rule",
    "Sd",
    "TypeMetadata",
    "check_claims",
    "check_integrity",
    "integrity_of",
    "parse",
    "resolve",
]
