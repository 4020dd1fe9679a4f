"""SD-JWT (RFC 9901) with the rules of SD-JWT VC: draft, read, present, bind to a holder."""

from certsvc_sdk.sdjwt.binding import (
    HOLDER_ALGORITHMS,
    check_key_binding,
    holder_jwk,
    key_binding_input,
)
from certsvc_sdk.sdjwt.disclosure import (
    ALWAYS_CLEAR,
    MAX_DISCLOSURES,
    Disclosure,
    Pointers,
    digest,
    individual_salts,
    salts_from_seed,
)
from certsvc_sdk.sdjwt.drafting import Draft, draft
from certsvc_sdk.sdjwt.holder import present_bound
from certsvc_sdk.sdjwt.presenting import present
from certsvc_sdk.sdjwt.reading import Parsed, Presented, parse

__all__ = [
    "ALWAYS_CLEAR",
    "HOLDER_ALGORITHMS",
    "MAX_DISCLOSURES",
    "Disclosure",
    "Draft",
    "Parsed",
    "Pointers",
    "Presented",
    "check_key_binding",
    "digest",
    "draft",
    "holder_jwk",
    "individual_salts",
    "key_binding_input",
    "parse",
    "present",
    "present_bound",
    "salts_from_seed",
]
