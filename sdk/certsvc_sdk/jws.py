"""JWS compact serialisation (RFC 7515), read by one strict grammar and written.

The algorithm is always the key's own (RFC 8725 section 3.1): a header can only agree with it.
Signatures are made elsewhere; this module prepares what is signed and takes apart what was.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from certsvc_sdk import strict
from certsvc_sdk.algorithms import is_kid
from certsvc_sdk.errors import AlgorithmNotAllowed, Malformed
from certsvc_sdk.strict import MAX_HEADER, MAX_TOKEN, Json

_HEADER_MEMBERS: Final = frozenset({"alg", "typ", "kid"})
# Longer ones are no header of ours, and not worth remembering.
_KNOWN_LENGTH: Final = 256


class Compact(NamedTuple):
    """A JWS taken apart; nothing in it is trusted yet.

    Attributes:
        header: parsed JOSE header.
        payload: decoded payload, never empty.
        signature: decoded signature, possibly empty.
        signing_input: ASCII `header.payload` as received.
    """

    header: Mapping[str, Json]
    payload: bytes
    signature: bytes
    signing_input: bytes


def parse(token: str | bytes, *, max_bytes: int = MAX_TOKEN) -> Compact:
    """Take a compact JWS apart by its strict grammar, once.

    Raises:
        Malformed: too long, not three base64url parts, empty payload, header not an object.
    """
    if len(token) > max_bytes:
        raise Malformed(f"token is longer than {max_bytes} bytes")
    raw = token if isinstance(token, bytes) else ascii_bytes(token)
    # Parts of pure base64url: JSON serialisations and polyglots end here (CVE-2022-39227).
    first = raw.find(b".")
    second = raw.find(b".", first + 1)
    # A third full stop is no base64url.
    if first < 1 or second <= first + 1:
        raise Malformed("token is not a compact JWS")
    # An empty signature is grammatical: `alg: none` is then refused by its name, not its shape.
    protected = raw[:first]
    return Compact(
        _known(protected) if len(protected) <= _KNOWN_LENGTH else _header(protected),
        strict.b64u_bytes(raw[first + 1 : second], what="payload"),
        strict.b64u_bytes(raw[second + 1 :], what="signature"),
        raw[:second],
    )


def _header(protected: bytes) -> Mapping[str, Json]:
    text = strict.b64u_bytes(protected, what="header")
    return MappingProxyType(strict.loads_object(text, max_bytes=MAX_HEADER, what="header"))


# All tokens of a key share their header, so a verifier reads the same few over and over.
_known = lru_cache(maxsize=256)(_header)


def ascii_bytes(token: str) -> bytes:
    """Return a token's bytes.

    Raises:
        Malformed: it holds another character.
    """
    try:
        return token.encode("ascii")
    except UnicodeEncodeError as error:
        raise Malformed("token holds characters beyond ASCII") from error


def signing_input(header: Mapping[str, Json], payload: bytes) -> bytes:
    """Return the bytes to sign, ASCII `header.payload` (RFC 7515 section 5.1).

    Raises:
        Malformed: the header has no JSON form or the payload is empty.
    """
    if not payload:
        raise Malformed("payload is empty")
    return join(strict.dumps(header), payload)


def join(header_json: bytes, payload: bytes) -> bytes:
    """Return ASCII `header.payload` for a header that is JSON text already."""
    return strict.b64u_ascii(header_json) + b"." + strict.b64u_ascii(payload)


def attach(signing_input: bytes, signature: bytes) -> str:
    """Join a signing input and its signature to a compact JWS."""
    return f"{signing_input.decode('ascii')}.{strict.b64u_encode(signature)}"


def require_header(header: Mapping[str, Json], *, typ: str, alg: str) -> None:
    """Demand a header of exactly `alg`, `typ` and `kid`.

    No `crit`, `b64`, `zip`, `jwk`, `jku`, `x5c` or `x5u` can mean anything here, so none may stand.

    Args:
        header: parsed JOSE header.
        typ: the one media type of this context.
        alg: algorithm of the key record.

    Raises:
        AlgorithmNotAllowed: `alg` is missing or another one.
        Malformed: any other difference.
    """
    if header.get("alg") != alg:
        raise AlgorithmNotAllowed("header and key record name different algorithms")
    if header.keys() != _HEADER_MEMBERS:
        raise Malformed("header must hold alg, typ and kid and nothing else")
    if header["typ"] != typ:
        raise Malformed(f"header typ is not {typ}")
    if not is_kid(header["kid"]):
        raise Malformed("header kid breaks its grammar")
