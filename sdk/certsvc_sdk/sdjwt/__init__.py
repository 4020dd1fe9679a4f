"""SD-JWT (RFC 9901) with the rules of SD-JWT VC: draft, read, present, bind to a holder."""

from certsvc_sdk.sdjwt.binding import check_key_binding, key_binding_input
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
from certsvc_sdk.sdjwt.presenting import present
from certsvc_sdk.sdjwt.reading import Parsed, Presented, parse

__all__ = [
    "ALWAYS_CLEAR",
    "MAX_DISCLOSURES",
    "Disclosure",
    "Draft",
    "Parsed",
    "Pointers",
    "Presented",
    "check_key_binding",
    "digest",
    "draft",
    "individual_salts",
    "key_binding_input",
    "parse",
    "present",
    "salts_from_seed",
]
