"""Names of files that are safe on every system, in an archive and in an HTTP header."""

import unicodedata
from urllib.parse import quote

# Most file systems take 255 bytes; room for a number and an ending.
MAX_BYTES = 120
# Windows takes none of these, whatever the ending.
_RESERVED = frozenset({"con", "prn", "aux", "nul"}) | {
    f"{name}{number}" for name in ("com", "lpt") for number in range(10)
}
_FALLBACK = "certificate"


def safe_name(*parts: str, ending: str) -> str:
    """Join parts to one file name of letters, digits, `-`, `_` and `.`.

    Args:
        parts: texts from anywhere; path separators, control and format characters become `_`.
        ending: with its dot; taken as it is.

    Returns:
        A name of at most `MAX_BYTES` bytes of UTF-8 and the ending; it never begins with a dot.
    """
    kept = (_cleaned(unicodedata.normalize("NFC", part)) for part in parts)
    name = "_".join(filter(None, kept)).encode()[:MAX_BYTES].decode(errors="ignore").strip("._")
    if not name:
        name = _FALLBACK
    if name.split(".")[0].lower() in _RESERVED:
        name = f"_{name}"
    return name + ending


def _cleaned(text: str) -> str:
    marked = "".join(
        one if unicodedata.category(one)[0] in "LN" or one in "-." else " " for one in text
    )
    # Neither `..` nor a dot before an ending that is not ours.
    return "_".join(word for word in marked.replace(".", " ").split() if word)


class Names:
    """Names that stand in one archive: none twice, whatever the case of their letters."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, *parts: str, ending: str) -> str:
        """A safe name that was not given out before; see `safe_name`."""
        name = safe_name(*parts, ending=ending)
        number = 2
        while name.casefold() in self._taken:
            name = safe_name(*parts, ending=f"-{number}{ending}")
            number += 1
        self._taken.add(name.casefold())
        return name


def disposition(name: str, *, plain: str) -> str:
    """The header `Content-Disposition` of a download (RFC 6266, with RFC 8187 for UTF-8).

    Args:
        name: of `safe_name`.
        plain: the same for who reads ASCII only.
    """
    readable = plain.encode("ascii", "replace").decode().replace("?", "_")
    header = f'attachment; filename="{readable}"'
    return header if readable == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"
