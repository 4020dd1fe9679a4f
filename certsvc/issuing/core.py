"""The code of a certificate that no printable symbol holds: a token of its type's core profile.

It is a second token of the same certificate: same identifier, times, key and place in the status
list, fewer claims. Only the paper carries it. The certificate itself, with its place in the log,
is what the typed code beside it leads to.
"""

import hashlib
import hmac
import json
from typing import Any, Final

from certsvc.catalogue import Catalogue
from certsvc.issuing.plan import SEED_BYTES, Plan, Planned
from certsvc_sdk import sdjwt
from certsvc_sdk.sdjwt import Draft

#: Name of the profile that paper falls back to; a type without one has no such code.
CORE: Final = "core"
# Data bits of version 23-M (ISO/IEC 18004 table 7): the largest symbol that is printed.
_MAX_BITS: Final = 6880
# Modes and counts of a byte and a numeric segment in versions 10 to 26.
_HEAD_BITS: Final = 4 + 16 + 4 + 12


def fits_paper(prefix: str, digits: str) -> bool:
    """Tell whether a printable symbol holds the two segments of a QR text."""
    data = 8 * len(prefix) + 10 * (len(digits) // 3) + (0, 4, 7)[len(digits) % 3]
    return _HEAD_BITS + data <= _MAX_BITS


def core_draft(planned: Planned, catalogue: Catalogue) -> tuple[Draft, bytes] | None:
    """Return what to sign for the paper and the seed of its salts; None where there is no less.

    Everything follows from the recorded plan, so whoever finishes it makes the same.

    Args:
        planned: the plan.
        catalogue: the types.
    """
    kind = catalogue.get(planned.new.type, planned.new.type_version)
    plan = planned.plan
    if CORE not in kind.profiles or planned.new.profile == CORE:
        return None
    profile = kind.profile(CORE)
    payload: dict[str, Any] = json.loads(plan.payload_json)
    # Face claims stand in the payload under their own names, or as digests.
    registered = {
        name: value
        for name, value in payload.items()
        if name not in plan.claims and name not in ("_sd", "_sd_alg")
    }
    seed = core_seed(plan)
    draft = sdjwt.draft(
        header=json.loads(plan.header_json),
        claims={**registered, **profile.select(plan.claims)},
        disclose=profile.disclose,
        salts=sdjwt.salts_from_seed(seed),
    )
    return draft, seed


def core_seed(plan: Plan) -> bytes:
    """Return a seed of its own: who reads the paper's must learn nothing of what it leaves out."""
    return hmac.digest(plan.seed, b"core profile", hashlib.sha256)[:SEED_BYTES]
