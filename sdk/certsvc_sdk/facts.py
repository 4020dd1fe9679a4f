"""What header and payload of a certificate must hold; nothing in them is trusted yet."""

from collections.abc import Mapping
from typing import NamedTuple

from certsvc_sdk import strict
from certsvc_sdk.algorithms import ALGORITHMS, is_kid
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json

TYP = "dc+sd-jwt"

_HEADER = frozenset({"alg", "typ", "kid"})
_TEXTS = ("iss", "vct", "certificate_identifier")


class Facts(NamedTuple):
    """What every certificate says in the clear, of the right types (wire-formats, Credential).

    Attributes:
        iss: issuer identifier.
        vct: type with version, an address.
        identifier: 电子证照标识, `certificate_identifier`.
        issued: `iat`, Unix seconds.
        begin: `nbf`, Unix seconds, or None.
        end: `exp`, Unix seconds, or None.
    """

    iss: str
    vct: str
    identifier: str
    issued: int
    begin: int | None
    end: int | None


def header_code(header: Mapping[str, Json]) -> str | None:
    """Return what is wrong with a header: the verdict code, or None."""
    if not is_kid(header.get("kid")) or header.get("typ") != TYP or not header.keys() <= _HEADER:
        return "malformed"
    alg = header.get("alg")
    # The registry is closed: a name outside it can match no key record of this release.
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        return "algorithm_not_allowed"
    return None


def read_facts(payload: Mapping[str, Json]) -> Facts:
    """Return what a payload says in the clear.

    Raises:
        Malformed: something is missing or of another type, or the payload names an audience.
    """
    what = "payload"
    if "aud" in payload:
        # RFC 9901 section 7.1, step 6: made for somebody by name, and nobody here is that one.
        raise Malformed("a certificate is for every reader: it names no audience")
    iss, vct, identifier = strict.texts(payload, _TEXTS, what)
    issued = strict.integer(payload, "iat", what)
    begin = strict.optional_integer(payload, "nbf", what)
    end = strict.optional_integer(payload, "exp", what)
    return Facts(iss, vct, identifier, issued, begin, end)
