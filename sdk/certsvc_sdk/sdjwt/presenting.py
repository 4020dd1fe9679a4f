"""Choose what a holder shows: a presentation with fewer disclosures (RFC 9901 section 7.2)."""

from collections.abc import Collection

from certsvc_sdk.algorithms.digests import PROFILES
from certsvc_sdk.sdjwt.disclosure import Path, Pointers
from certsvc_sdk.sdjwt.reading import parse


def present(token: str, keep: Collection[str]) -> str:
    """Keep only some disclosures of an SD-JWT; a key-binding JWT falls away.

    Args:
        token: compact SD-JWT.
        keep: JSON pointers into its processed claims (`*` stands for every array element);
            parents of a kept disclosure are kept, children must be named themselves.

    Returns:
        Compact SD-JWT that ends in `~`, disclosures in their order.

    Raises:
        Malformed: the token breaks its grammar.
        DisclosureInvalid: its disclosures do not fit, or a pointer does not start with `/`.
    """
    pointers = Pointers.of(keep)
    parsed = parse(token)
    disclosed = parsed.claims(profiles=PROFILES).disclosed
    shown: set[Path] = set()
    for item in disclosed:
        if pointers.matches(item.path):
            shown.update(item.path[:length] for length in range(1, len(item.path) + 1))
    signed = parsed.issuer_part.partition("~")[0]
    return "~".join((signed, *(item.encoded for item in disclosed if item.path in shown), ""))
