"""Take an SD-JWT apart and put its disclosed claims back (RFC 9901 section 7.1)."""

from dataclasses import dataclass
from typing import Final

from certsvc_sdk import jws, strict
from certsvc_sdk.errors import AlgorithmNotAllowed, DisclosureInvalid, Malformed
from certsvc_sdk.jws import Compact
from certsvc_sdk.sdjwt.disclosure import (
    ALWAYS_CLEAR,
    DIGEST_ALGORITHM,
    ELEMENT,
    MAX_DISCLOSURES,
    SD,
    SD_ALG,
    Disclosure,
    Path,
    digest,
)
from certsvc_sdk.strict import MAX_DEPTH, MAX_TOKEN, Json

# Reserved for the profile with SM2 signatures; named so that the answer is not "forged".
_RESERVED_ALGORITHMS: Final = frozenset({"sm3"})
_DIGEST_LENGTH: Final = 43
_CLAIM_ITEMS: Final = 3
_ELEMENT_ITEMS: Final = 2
_NESTED: Final = (dict, list)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a token says after its disclosures are put back.

    Attributes:
        claims: processed payload, without `_sd`, `_sd_alg` and `...`.
        disclosed: the disclosures in token order.
        withheld: number of digests without a disclosure, decoys included.
    """

    claims: dict[str, Json]
    disclosed: tuple[Disclosure, ...]
    withheld: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """An SD-JWT split by its grammar; nothing in it is trusted yet.

    Attributes:
        jws: the issuer-signed JWS.
        disclosures: encoded disclosures in token order.
        kb_jwt: the key-binding JWT, or None.
        issuer_part: everything up to the last `~`, which `sd_hash` covers.
    """

    jws: Compact
    disclosures: tuple[str, ...]
    kb_jwt: str | None
    issuer_part: str

    def claims(self) -> Presented:
        """Put the disclosed claims back into the payload; call it after the signature check.

        Raises:
            Malformed: payload or a disclosure is not the JSON it must be.
            AlgorithmNotAllowed: `_sd_alg` names a digest of a profile that is not enabled.
            DisclosureInvalid: digests and disclosures do not fit (RFC 9901 section 7.1, step 3).
        """
        payload = strict.loads_object(self.jws.payload, max_bytes=MAX_TOKEN, what="payload")
        # Absent means sha-256 (RFC 9901 section 4.1.1).
        algorithm = payload.pop(SD_ALG, DIGEST_ALGORITHM)
        if algorithm != DIGEST_ALGORITHM:
            if isinstance(algorithm, str) and algorithm in _RESERVED_ALGORITHMS:
                raise AlgorithmNotAllowed(f"digest algorithm {algorithm} is not enabled")
            raise DisclosureInvalid("_sd_alg is not sha-256")
        reader = _Reader(self.disclosures)
        claims = reader.mapping(payload, (), 1)
        return Presented(claims, reader.disclosed(), reader.withheld)


def parse(token: str) -> Parsed:
    """Split `<jws>~<disclosure>~…~[<kb-jwt>]` (RFC 9901 section 4).

    Raises:
        Malformed: longer than 64 KiB, no `~`, an empty or foreign part, too many disclosures.
    """
    if len(token) > MAX_TOKEN:
        raise Malformed(f"token is longer than {MAX_TOKEN} bytes")
    tildes = token.count("~")
    if not tildes:
        raise Malformed("token has no ~: it is not an SD-JWT")
    if tildes > MAX_DISCLOSURES + 1:
        raise Malformed(f"more than {MAX_DISCLOSURES} disclosures")
    signed, *disclosures, binding = token.split("~")
    if not all(disclosures) or not strict.is_b64u("".join(disclosures)):
        raise Malformed("a disclosure is empty or not base64url")
    if binding:
        # Grammar only; `check_key_binding` reads it.
        jws.parse(binding)
    return Parsed(
        jws=jws.parse(signed),
        disclosures=tuple(disclosures),
        kb_jwt=binding or None,
        issuer_part=token[: len(token) - len(binding)],
    )


class _Reader:
    """Walks a payload from the top, replacing digests by what they disclose.

    Lines are known by their number in token order.
    """

    def __init__(self, disclosures: tuple[str, ...]) -> None:
        self._encoded = disclosures
        self._contents = [_content(encoded) for encoded in disclosures]
        self._paths: list[Path | None] = [None] * len(disclosures)
        self._lines = {digest(encoded): line for line, encoded in enumerate(disclosures)}
        if len(self._lines) != len(disclosures):
            raise DisclosureInvalid("the same disclosure stands twice")
        self._seen: set[str] = set()
        self.withheld = 0

    def disclosed(self) -> tuple[Disclosure, ...]:
        """Return all disclosures with their places.

        Raises:
            DisclosureInvalid: no digest references one of them, or one lies in a claim that
                must stay clear (SD-JWT VC section 2.2.2).
        """
        result = []
        for encoded, content, path in zip(self._encoded, self._contents, self._paths, strict=True):
            if path is None:
                raise DisclosureInvalid("no digest references a disclosure")
            if path[0] in ALWAYS_CLEAR:
                raise DisclosureInvalid(f"{path[0]} must stand in the clear")
            # An element's path ends in its index, a claim's in its name.
            name = path[-1] if isinstance(path[-1], str) else None
            result.append(Disclosure(encoded, str(content[0]), name, path))
        return tuple(result)

    def mapping(self, obj: dict[str, Json], path: Path, depth: int) -> dict[str, Json]:
        """Return the object with its disclosed members in place, in token order."""
        if ELEMENT in obj or SD_ALG in obj:
            raise DisclosureInvalid("a reserved name stands where it means nothing")
        digests = obj.pop(SD, [])
        claims = {
            name: self._value(value, (*path, name), depth) if type(value) in _NESTED else value
            for name, value in obj.items()
        }
        if not isinstance(digests, list):
            raise DisclosureInvalid("_sd is not an array")
        if not digests:
            return claims
        found = [line for text in digests if (line := self._take(text)) is not None]
        for line in sorted(found):
            name, value = _claim(self._contents[line])
            if name in claims:
                raise DisclosureInvalid("a disclosure overwrites a claim")
            here = self._paths[line] = (*path, name)
            claims[name] = self._value(value, here, depth) if type(value) in _NESTED else value
        return claims

    def _value(self, value: Json, path: Path, depth: int) -> Json:
        # Disclosures nest in each other, so the parser's own limit does not bound this walk.
        if depth >= MAX_DEPTH and isinstance(value, _NESTED):
            raise DisclosureInvalid(f"claims are nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return self.mapping(value, path, depth + 1)
        if isinstance(value, list):
            return self._array(value, path, depth + 1)
        return value

    def _array(self, items: list[Json], path: Path, depth: int) -> list[Json]:
        result: list[Json] = []
        for item in items:
            here = (*path, len(result))
            if not (isinstance(item, dict) and ELEMENT in item):
                result.append(self._value(item, here, depth))
                continue
            if len(item) != 1:
                raise DisclosureInvalid("an array digest has members beside it")
            line = self._take(item[ELEMENT])
            if line is not None:
                content = self._contents[line]
                if len(content) != _ELEMENT_ITEMS:
                    raise DisclosureInvalid("a claim is disclosed as an array element")
                self._paths[line] = here
                result.append(self._value(content[1], here, depth))
        return result

    def _take(self, text: Json) -> int | None:
        """Return the line a digest references; no digest may stand twice anywhere."""
        if not isinstance(text, str) or len(text) != _DIGEST_LENGTH:
            raise DisclosureInvalid("a digest is not 43 characters of base64url")
        if text in self._seen:
            raise DisclosureInvalid("a digest stands twice")
        self._seen.add(text)
        line = self._lines.get(text)
        if line is None:
            self.withheld += 1
        return line


def _content(encoded: str) -> list[Json]:
    """Decode a disclosure: an array of salt and value, or salt, name and value."""
    raw = strict.b64u_decode(encoded, what="disclosure")
    content = strict.loads(raw, max_bytes=MAX_TOKEN, what="disclosure")
    if not isinstance(content, list) or not _ELEMENT_ITEMS <= len(content) <= _CLAIM_ITEMS:
        raise DisclosureInvalid("a disclosure is not an array of two or three items")
    if not isinstance(content[0], str):
        raise DisclosureInvalid("the salt of a disclosure is not a string")
    return content


def _claim(content: list[Json]) -> tuple[str, Json]:
    """Return name and value of a disclosure that `_sd` references."""
    if len(content) != _CLAIM_ITEMS:
        raise DisclosureInvalid("an array element is disclosed as a claim")
    name = content[1]
    if not isinstance(name, str):
        raise DisclosureInvalid("the name of a disclosed claim is not a string")
    if name in (SD, SD_ALG, ELEMENT):
        raise DisclosureInvalid(f"a disclosed claim must not be named {name}")
    return name, content[2]
