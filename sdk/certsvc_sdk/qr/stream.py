"""The text inside a frame: header, payload and one line a disclosure, digests left out.

Every digest of a disclosed claim is recomputed by the reader, so it costs nothing in the code:
an `_sd` array is written `"_sd":[k]` with k the number of its disclosed entries, withheld digests
following as strings in ascending order; a disclosed array element is `{"...":""}` (RFC 9901
sections 4.2.4.1 and 4.2.4.2 name the full forms).

Lines stand in pre-order: the text is walked left to right; at each slot comes the disclosure, then
its own slots, before the next slot. Both directions work on text and never re-serialise JSON; a
slot is only ever seen outside JSON strings.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from certsvc_sdk.algorithms.digests import DEFAULT_DIGEST, PROFILES, Digest, digest_of
from certsvc_sdk.errors import (
    AlgorithmNotAllowed,
    DisclosureInvalid,
    FormatUnsupported,
    Malformed,
)
from certsvc_sdk.strict import MAX_DEPTH, b64u_decode, b64u_encode

# The salt's index is one byte.
MAX_DISCLOSURES = 256

# Bytes of a salt (128 bits, RFC 9901 section 9.3) and characters of its base64url form.
SALT_BYTES = 16
_SALT_TEXT = 22

_DIGEST = r"[A-Za-z0-9_-]{43}"
_DIGESTS = rf'"{_DIGEST}"(?:,"{_DIGEST}")*+'
# The string alternative comes last and swallows whole strings, so that text in a value which looks
# like a slot is never taken for one; a lone quote is a string that never ends.
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_FULL_SLOT = re.compile(
    rf'"_sd":\[(?P<sd>(?:{_DIGESTS})?)\]|\{{"\.\.\.":"(?P<element>{_DIGEST})"\}}|{_STRING}|"',
    re.DOTALL,
)
_SHORT_SLOT = re.compile(
    rf'"_sd":\[(?P<count>0|[1-9][0-9]{{0,2}})(?:,(?P<sd>{_DIGESTS}))?\]'
    rf'|\{{"\.\.\.":"(?P<element>(?:{_DIGEST})?)"\}}|(?P<odd>"_sd":)|{_STRING}|(?P<open>")',
    re.DOTALL,
)
_NAMED = re.compile(rf"({_STRING}):(.+)", re.DOTALL)
_DISCLOSURE = re.compile(rf'\["([A-Za-z0-9_-]*)",(?:({_STRING}),)?(.+)\]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A token's text as it travels.

    Attributes:
        payload: payload text with short slots.
        lines: one line a disclosure, in pre-order.
        salts: the salts of the lines, 16 bytes each.
        withheld: number of digests whose disclosure is not there.
    """

    payload: str
    lines: tuple[str, ...]
    salts: tuple[bytes, ...]
    withheld: int


@dataclass(frozen=True, slots=True)
class Expanded:
    """A token's text as it was signed: payload, encoded disclosures, number of withheld digests."""

    payload: str
    disclosures: tuple[str, ...]
    withheld: int


def collapse(payload: str, disclosures: Sequence[str]) -> Collapsed:
    """Leave the digests out of a payload and write its disclosures as lines.

    Args:
        payload: exact payload text of the token.
        disclosures: encoded disclosures in the token's order.

    Raises:
        DisclosureInvalid: too many disclosures, one that no digest references, a salt that is not
            16 bytes, or nesting deeper than the parser allows.
        Malformed: a disclosure is not canonical base64url of UTF-8 text.
    """
    return _Collapser(disclosures).run(payload)


def expand(payload: str, lines: Sequence[str], salts: Sequence[bytes]) -> Expanded:
    """Rebuild disclosures and digests bottom-up.

    Args:
        payload: payload text with short slots.
        lines: one line a disclosure, in pre-order, at most `MAX_DISCLOSURES`.
        salts: one salt a line.

    Raises:
        Malformed: missing or unused lines, nesting deeper than the parser allows, or a slot that
            is not written in the one allowed way.
    """
    return _Expander(lines, salts, _digest_of(payload)).run(payload)


def _digest_of(payload: str) -> Digest:
    """Return the digest that a payload names; a frame is unpacked whatever the profiles say.

    In strings quotes are escaped, so the text looked for is a member. One in the wrong place makes
    a frame that `pack` refuses and a token that does not verify.
    """
    if '"_sd_alg":"sm3"' not in payload:
        return digest_of(DEFAULT_DIGEST)
    try:
        return digest_of("sm3", PROFILES)
    except AlgorithmNotAllowed as error:
        raise FormatUnsupported(str(error)) from error


def _may_hold_slots(text: str) -> bool:
    """Spare most lines the walk; a false alarm from inside a string does no harm."""
    return '"_sd"' in text or '"..."' in text


@dataclass(slots=True)
class _Collapser:
    disclosures: Sequence[str]
    withheld: int = 0
    lines: list[str] = field(default_factory=list)
    salts: list[bytes] = field(default_factory=list)
    order: dict[str, int] = field(default_factory=dict)

    def run(self, payload: str) -> Collapsed:
        if len(self.disclosures) > MAX_DISCLOSURES:
            raise DisclosureInvalid(f"more than {MAX_DISCLOSURES} disclosures")
        digest = _digest_of(payload)
        self.order = {
            b64u_encode(digest(item.encode("ascii"))): index
            for index, item in enumerate(self.disclosures)
        }
        text = self._text(payload, 0)
        if len(self.lines) != len(self.disclosures):
            raise DisclosureInvalid("a disclosure is referenced by no digest, or by two")
        return Collapsed(text, tuple(self.lines), tuple(self.salts), self.withheld)

    def _text(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise DisclosureInvalid(f"disclosures are nested deeper than {MAX_DEPTH}")

        def slot(match: re.Match[str]) -> str:
            element = match["element"]
            if match["sd"] is not None:
                return self._sd(match["sd"].replace('"', ""), depth)
            if element is not None and element in self.order:
                self._line(self.order[element], named=False, depth=depth)
                return '{"...":""}'
            self.withheld += element is not None
            return match[0]

        return _FULL_SLOT.sub(slot, text) if _may_hold_slots(text) else text

    def _sd(self, digests: str, depth: int) -> str:
        entries = digests.split(",") if digests else []
        disclosed = sorted(self.order[entry] for entry in entries if entry in self.order)
        withheld = sorted(entry for entry in entries if entry not in self.order)
        self.withheld += len(withheld)
        for index in disclosed:
            self._line(index, named=True, depth=depth)
        tail = "".join(f',"{entry}"' for entry in withheld)
        return f'"_sd":[{len(disclosed)}{tail}]'

    def _line(self, index: int, *, named: bool, depth: int) -> None:
        if len(self.lines) >= len(self.disclosures):
            raise DisclosureInvalid("a disclosure is referenced by two digests")
        try:
            raw = b64u_decode(self.disclosures[index], what="disclosure").decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("a disclosure is not UTF-8") from error
        parts = _DISCLOSURE.fullmatch(raw)
        if not parts or len(parts[1]) != _SALT_TEXT or (parts[2] is not None) != named:
            raise DisclosureInvalid("a disclosure has a form that a QR frame cannot carry")
        self.salts.append(b64u_decode(parts[1], what="salt"))
        at = len(self.lines)
        self.lines.append("")
        value = self._text(parts[3], depth + 1)
        self.lines[at] = f"{parts[2]}:{value}" if named else value


@dataclass(slots=True)
class _Expander:
    lines: Sequence[str]
    salts: Sequence[bytes]
    digest: Digest
    withheld: int = 0
    used: int = 0
    disclosures: list[str] = field(default_factory=list)

    def run(self, payload: str) -> Expanded:
        self.disclosures = [""] * len(self.lines)
        text = self._text(payload, 0)
        if self.used != len(self.lines):
            raise Malformed("the frame has lines that no slot uses")
        return Expanded(text, tuple(self.disclosures), self.withheld)

    def _text(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise Malformed(f"disclosures are nested deeper than {MAX_DEPTH}")

        def slot(match: re.Match[str]) -> str:
            if match["odd"] is not None or match["open"] is not None:
                raise Malformed("the frame holds an `_sd` of another form or an endless string")
            if match["count"] is not None:
                return self._sd(int(match["count"]), match["sd"], depth)
            element = match["element"]
            if element == "":
                return f'{{"...":"{self._line(named=False, depth=depth)}"}}'
            self.withheld += element is not None
            return match[0]

        return _SHORT_SLOT.sub(slot, text) if _may_hold_slots(text) else text

    def _sd(self, count: int, withheld: str | None, depth: int) -> str:
        hidden = withheld.replace('"', "").split(",") if withheld else []
        if hidden != sorted(hidden):
            raise Malformed("withheld digests are not in ascending order")
        self.withheld += len(hidden)
        disclosed = [self._line(named=True, depth=depth) for _ in range(count)]
        return '"_sd":[' + ",".join(f'"{entry}"' for entry in sorted(disclosed + hidden)) + "]"

    def _line(self, *, named: bool, depth: int) -> str:
        """Take the next line, rebuild its disclosure after those inside it; return its digest."""
        at = self.used
        if at >= len(self.lines):
            raise Malformed("the frame has fewer lines than slots")
        self.used += 1
        name, value = "", self.lines[at]
        if named:
            parts = _NAMED.fullmatch(value)
            if not parts:
                raise Malformed("a line has no claim name")
            name, value = f"{parts[1]},", parts[2]
        if not value:
            raise Malformed("a line has no value")
        salt = b64u_encode(self.salts[at])
        text = f'["{salt}",{name}{self._text(value, depth + 1)}]'
        self.disclosures[at] = b64u_encode(text.encode("utf-8"))
        return b64u_encode(self.digest(self.disclosures[at].encode("ascii")))
