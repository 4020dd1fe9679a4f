"""Whether the text of a document says what its certificate says; the certificate is what counts.

Every text among the disclosed claims must stand in the document, on its own and once for each
claim. White space, width, line and page breaks do not matter, and a date may stand in any of the
forms people write. What is missing was altered, left out or hidden. The reverse is not claimed: a
document may say more than its certificate, and its letters may look like others.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from certsvc_sdk.strict import Json

#: Claims of the token that no face prints as its content.
TECHNICAL: Final = frozenset(
    {"iss", "vct", "iat", "nbf", "exp", "status", "cnf", "certificate_identifier"}
    | {"vct#integrity", "aka_vcts", "_sd_alg"}
)

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
# Between two dates of a period, and around a value in a sentence.
_JOINERS: Final = frozenset("至到")
# Shorter texts do not run over two pages, and no page holds less of one.
_MIN_SPLIT: Final = 24
_MIN_PIECE: Final = 8
_TAKEN: Final = "\0"
_SELECTORS: Final = range(0xFE00, 0xFE10)


class _Page:
    """A page's text without white space, and where white space stood."""

    def __init__(self, text: str) -> None:
        signs: list[str] = []
        self.breaks: set[int] = {0}
        for sign in unicodedata.normalize("NFKC", text):
            if sign.isspace():
                self.breaks.add(len(signs))
            elif not _is_unseen(sign):
                signs.append(sign)
        self.breaks.add(len(signs))
        self.text = "".join(signs)

    def find(self, wanted: str, *, open_start: bool = False, open_end: bool = False) -> int:
        """Return where a text stands on its own, -1 where it does not.

        Args:
            wanted: normal form.
            open_start: it goes on from the page before.
            open_end: it goes on on the next page.
        """
        at = self.text.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if (open_start or self._parts(at)) and (open_end or self._parts(end)):
                return at
            at = self.text.find(wanted, at + 1)
        return -1

    def take(self, at: int, length: int) -> None:
        """Use a text up: it answers for one claim."""
        self.text = self.text[:at] + _TAKEN * length + self.text[at + length :]

    def _parts(self, at: int) -> bool:
        """Tell whether one text may end and another begin at a place."""
        if at in self.breaks:
            return True
        return any(
            sign in _JOINERS or not sign.isalnum() for sign in (self.text[at - 1], self.text[at])
        )


def missing_claims(claims: Mapping[str, Json], pages: Sequence[str]) -> tuple[str, ...]:
    """Return what a certificate says and a document does not.

    Args:
        claims: all claims that are shown, disclosed ones in their places.
        pages: readable text of the document's pages, in their order.

    Returns:
        JSON pointers of the claims whose text is nowhere in it, in the claims' order.
    """
    read = [_Page(text) for text in pages]
    found = list(_texts("", {k: v for k, v in claims.items() if k not in TECHNICAL}))
    missing = set()
    # The longest first: a short text must not be found within a long one that is still wanted.
    for value in sorted((value for _, value in found), key=len, reverse=True):
        if not any(_take(read, form) for form in _forms(value)):
            missing.add(value)
    # Of claims that say the same nobody can tell which one is missing.
    return tuple(pointer for pointer, value in found if value in missing)


def _texts(pointer: str, value: Json) -> Iterator[tuple[str, str]]:
    """Yield every text that is not empty; numbers and truth values are not printed as such."""
    if isinstance(value, str):
        if plain := _plain(value):
            yield pointer, plain
    elif isinstance(value, Mapping):
        for name, item in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _texts(f"{pointer}/{escaped}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(f"{pointer}/{number}", item)


def _plain(text: str) -> str:
    kept = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in kept if not sign.isspace() and not _is_unseen(sign))


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cf") or ord(sign) in _SELECTORS


def _forms(text: str) -> tuple[str, ...]:
    """Return the forms in which a text may stand: a date has several."""
    match = _DATE.fullmatch(text)
    if match is None:
        return (text,)
    year, month, day = match.groups()
    m, d = month.lstrip("0"), day.lstrip("0")
    return (
        f"{year}年{m}月{d}日",
        f"{year}年{month}月{day}日",
        text,
        *(f"{year}{mark}{month}{mark}{day}" for mark in "./"),
        *(f"{year}{mark}{m}{mark}{d}" for mark in "-./"),
    )


def _take(pages: Sequence[_Page], wanted: str) -> bool:
    for page in pages:
        at = page.find(wanted)
        if at >= 0:
            page.take(at, len(wanted))
            return True
    return len(wanted) >= _MIN_SPLIT and _take_split(pages, wanted)


def _take_split(pages: Sequence[_Page], wanted: str) -> bool:
    """Take a long text that begins on one page and goes on on the next ones."""
    for start in range(len(pages) - 1):
        pieces: list[tuple[_Page, int, int]] = []
        rest = wanted
        for page in pages[start:]:
            length = _longest(page, rest, is_first=not pieces)
            if length < _MIN_PIECE:
                break
            at = page.find(rest[:length], open_start=bool(pieces), open_end=length < len(rest))
            pieces.append((page, at, length))
            rest = rest[length:]
            if not rest:
                for one, place, taken in pieces:
                    one.take(place, taken)
                return True
    return False


def _longest(page: _Page, rest: str, *, is_first: bool) -> int:
    """Return how much of the rest's beginning stands on a page."""
    if page.find(rest, open_start=not is_first) >= 0:
        return len(rest)
    low, high = 0, len(rest)
    while low + 1 < high:
        middle = (low + high) // 2
        if page.find(rest[:middle], open_start=not is_first, open_end=True) >= 0:
            low = middle
        else:
            high = middle
    return low
