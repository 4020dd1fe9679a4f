"""Take an SD-JWT apart and put its disclosed claims back (RFC 9901 section 7.1)."""

import re
from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

from certsvc_sdk import jws, strict
from certsvc_sdk.algorithms.digests import DEFAULT_DIGEST, Digest, digest_of
from certsvc_sdk.errors import DisclosureInvalid, Malformed
from certsvc_sdk.jws import Compact
from certsvc_sdk.sdjwt.disclosure import (
    ALWAYS_CLEAR,
    ELEMENT,
    MAX_DISCLOSURES,
    SD,
    SD_ALG,
    Disclosure,
    Place,
    digests_of,
)
from certsvc_sdk.strict import MAX_DEPTH, MAX_TOKEN, Json

_RESERVED_NAMES: Final = frozenset({SD, SD_ALG, ELEMENT})
_RESERVED_AT_TOP: Final = _RESERVED_NAMES | ALWAYS_CLEAR
_DIGEST_LENGTH: Final = 43
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_CLAIM_ITEMS: Final = 3
_ELEMENT_ITEMS: Final = 2
# What stands in place of a line's number once a digest referenced it.
_TAKEN: Final = -1
_LENGTHS: Final = frozenset({_CLAIM_ITEMS, _ELEMENT_ITEMS})
_NESTED: Final = (dict, list)
_CONTAINERS: Final = frozenset(_NESTED)


class Presented(NamedTuple):
    """What a token says after its disclosures are put back.

    Attributes:
        claims: processed payload, without `_sd`, `_sd_alg` and `...`.
        withheld: number of digests without a disclosure, decoys included.
        parsed: the token.
        digest: digest of its disclosures; None is SHA-256.
    """

    claims: dict[str, Json]
    withheld: int
    parsed: "Parsed"
    digest: Digest | None

    @property
    def disclosed(self) -> tuple[Disclosure, ...]:
        """The disclosures in token order; found when asked for, a verification needs none."""
        places: dict[int, Place] = {}
        reader = _Reader(self.parsed, self.digest, places)
        reader.top(self.parsed.payload())
        return tuple(
            Disclosure.at(encoded, content, places[line])
            for line, (encoded, content) in enumerate(
                zip(self.parsed.encoded, reader.contents, strict=True)
            )
        )


class Parsed(NamedTuple):
    """An SD-JWT split by its grammar; nothing in it is trusted yet.

    Attributes:
        jws: the issuer-signed JWS.
        encoded: encoded disclosures in token order, ASCII.
        lines: the same decoded, for `strict.loads_lines`.
        kb_jwt: the key-binding JWT, or None.
        token: the whole text.
    """

    jws: Compact
    encoded: list[bytes]
    lines: bytes
    kb_jwt: str | None
    token: str

    @property
    def disclosures(self) -> tuple[str, ...]:
        """Encoded disclosures in token order."""
        return tuple(text.decode("ascii") for text in self.encoded)

    @property
    def issuer_part(self) -> str:
        """Everything up to the last `~`, which `sd_hash` covers."""
        return self.token[: len(self.token) - len(self.kb_jwt or "")]

    def payload(self) -> dict[str, Json]:
        """Parse the payload as it stands, digests and all.

        Raises:
            Malformed: it is not a JSON object within the limits.
        """
        return strict.loads_object(self.jws.payload, max_bytes=MAX_TOKEN, what="payload")

    def claims(
        self, payload: Mapping[str, Json] | None = None, *, profiles: Collection[str] = ()
    ) -> Presented:
        """Put the disclosed claims back into the payload; call it after the signature check.

        Args:
            payload: what `payload()` gave before, which is not changed; None: parsed now.
            profiles: algorithm profiles that are switched on (`certsvc_sdk.algorithms.digests`).

        Raises:
            Malformed: payload or a disclosure is not the JSON it must be.
            AlgorithmNotAllowed: `_sd_alg` names a digest of a profile that is not enabled.
            DisclosureInvalid: digests and disclosures do not fit (RFC 9901 section 7.1, step 3).
        """
        top = self.payload() if payload is None else payload
        # Absent means sha-256 (RFC 9901 section 4.1.1).
        name = top.get(SD_ALG, DEFAULT_DIGEST)
        digest = None if name == DEFAULT_DIGEST else digest_of(name, profiles)
        reader = _Reader(self, digest)
        return Presented(reader.top(top), reader.withheld, self, digest)


def parse(token: str) -> Parsed:
    """Split `<jws>~<disclosure>~…~[<kb-jwt>]` (RFC 9901 section 4).

    Raises:
        Malformed: longer than 64 KiB, no `~`, an empty or foreign part, too many disclosures.
    """
    if len(token) > MAX_TOKEN:
        raise Malformed(f"token is longer than {MAX_TOKEN} bytes")
    compact, tilde, rest = jws.ascii_bytes(token).partition(b"~")
    if not tilde:
        raise Malformed("token has no ~: it is not an SD-JWT")
    disclosures = rest.split(b"~", MAX_DISCLOSURES + 1)
    binding = disclosures.pop()
    if len(disclosures) > MAX_DISCLOSURES:
        raise Malformed(f"more than {MAX_DISCLOSURES} disclosures")
    if binding:
        # Grammar only; `check_key_binding` reads it.
        jws.parse(binding)
    lines = strict.b64u_lines(disclosures, what="disclosure")
    kb_jwt = binding.decode("ascii") if binding else None
    return Parsed(jws.parse(compact), disclosures, lines, kb_jwt, token)


class _Reader:
    """Walks a payload from the top, replacing digests by what they disclose.

    Lines are known by their number in token order, places by a chain of steps to the top.
    """

    def __init__(
        self, parsed: Parsed, digest: Digest | None, places: dict[int, Place] | None = None
    ) -> None:
        self._places = places
        self.contents = _contents(parsed)
        count = len(self.contents)
        digests = digests_of(parsed.encoded, digest)
        self._lines: dict[object, int] = {one: line for line, one in enumerate(digests)}
        if len(self._lines) != count:
            raise DisclosureInvalid("the same disclosure stands twice")
        self._taken = 0
        self._unknown: set[str] = set()

    @property
    def withheld(self) -> int:
        """Number of digests that no line belongs to."""
        return len(self._unknown)

    def top(self, payload: Mapping[str, Json]) -> dict[str, Json]:
        """Return the payload with its disclosed claims in place, in token order.

        Raises:
            DisclosureInvalid: besides what `mapping` finds, a disclosure lies in a claim that
                must stay clear (SD-JWT VC section 2.2.2), or no digest references it.
        """
        if ELEMENT in payload:
            raise DisclosureInvalid("a reserved name stands where it means nothing")
        claims = dict(payload)
        claims.pop(SD_ALG, None)
        digests = claims.pop(SD, None)
        for name, value in claims.items():
            if type(value) is not str and isinstance(value, _NESTED):
                before = self._taken
                claims[name] = self._value(value, (None, name), 1)
                if name in ALWAYS_CLEAR and self._taken != before:
                    raise DisclosureInvalid(f"{name} must stand in the clear")
        if SD in payload:
            self._disclose(claims, digests, None, 1)
        if self._taken != len(self.contents):
            raise DisclosureInvalid("no digest references a disclosure")
        return claims

    def mapping(self, obj: dict[str, Json], place: Place, depth: int) -> dict[str, Json]:
        """Return the object with its disclosed members in place, in token order."""
        if ELEMENT in obj or SD_ALG in obj:
            raise DisclosureInvalid("a reserved name stands where it means nothing")
        claims = obj.copy()
        digests = claims.pop(SD, None)
        if not _CONTAINERS.isdisjoint(map(type, claims.values())):
            for name, value in claims.items():
                claims[name] = self._value(value, (place, name), depth)
        if SD in obj:
            self._disclose(claims, digests, place, depth)
        return claims

    def _disclose(
        self, claims: dict[str, Json], digests: Json, place: Place | None, depth: int
    ) -> None:
        """Put what the digests of one `_sd` disclose beside the claims that stand in the clear."""
        if not isinstance(digests, list):
            raise DisclosureInvalid("_sd is not an array")
        reserved = _RESERVED_AT_TOP if place is None else _RESERVED_NAMES
        for line in sorted(self._take(digests)):
            content = self.contents[line]
            if len(content) != _CLAIM_ITEMS:
                raise DisclosureInvalid("an array element is disclosed as a claim")
            _, name, value = content
            if type(name) is not str:
                raise DisclosureInvalid("the name of a disclosed claim is not a string")
            if name in reserved:
                raise DisclosureInvalid("a disclosed claim has a reserved name")
            if name in claims:
                raise DisclosureInvalid("a disclosure overwrites a claim")
            if self._places is not None:
                self._places[line] = (place, name)
            # Most are strings, and a call for each would cost more than all else here.
            claims[name] = value if type(value) is str else self._value(value, (place, name), depth)

    def _value(self, value: Json, place: Place, depth: int) -> Json:
        if not isinstance(value, _NESTED):
            return value
        # Disclosures nest in each other, so the parser's own limit does not bound this walk.
        if depth >= MAX_DEPTH:
            raise DisclosureInvalid(f"claims are nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return self.mapping(value, place, depth + 1)
        return self._array(value, place, depth + 1)

    def _array(self, items: list[Json], place: Place, depth: int) -> list[Json]:
        result: list[Json] = []
        for item in items:
            here = (place, len(result))
            if not (isinstance(item, dict) and ELEMENT in item):
                result.append(self._value(item, here, depth))
                continue
            if len(item) != 1:
                raise DisclosureInvalid("an array digest has members beside it")
            for line in self._take([item[ELEMENT]]):
                content = self.contents[line]
                if len(content) != _ELEMENT_ITEMS:
                    raise DisclosureInvalid("a claim is disclosed as an array element")
                if self._places is not None:
                    self._places[line] = here
                result.append(self._value(content[1], here, depth))
        return result

    def _take(self, digests: list[Json]) -> list[int]:
        """Return the lines that digests reference; no digest may stand twice anywhere."""
        known = self._lines
        lines: list[int] = []
        unknown: list[Json] = []
        for digest in digests:
            # Anything but a string cannot be asked for, or is no digest of a line.
            line = known.get(digest) if type(digest) is str else None
            if line is None:
                unknown.append(digest)
            elif line == _TAKEN:
                raise DisclosureInvalid("a digest stands twice")
            else:
                known[digest] = _TAKEN
                lines.append(line)
        self._taken += len(lines)
        if unknown:
            self._withhold(unknown)
        return lines

    def _withhold(self, digests: list[Json]) -> None:
        """Count digests that no disclosure belongs to: withheld claims, and decoys."""
        texts = [text for text in digests if isinstance(text, str) and len(text) == _DIGEST_LENGTH]
        if len(texts) != len(digests) or not _BASE64URL.fullmatch("".join(texts)):
            raise DisclosureInvalid("a digest is not 43 characters of base64url")
        before = len(self._unknown)
        self._unknown.update(texts)
        if len(self._unknown) != before + len(texts):
            raise DisclosureInvalid("a digest stands twice")


def _contents(parsed: Parsed) -> list[Any]:
    """Read disclosures: arrays of salt and value, or salt, name and value."""
    if not parsed.encoded:
        return []
    contents: list[Any] = strict.loads_lines(parsed.lines, parsed.encoded, what="disclosure")
    count = len(contents)
    arrays = list(map(type, contents)).count(list) == count
    if not arrays or not _LENGTHS.issuperset(map(len, contents)):
        raise DisclosureInvalid("a disclosure is not an array of two or three items")
    if list(map(type, map(itemgetter(0), contents))).count(str) != count:
        raise DisclosureInvalid("the salt of a disclosure is not a string")
    return contents
