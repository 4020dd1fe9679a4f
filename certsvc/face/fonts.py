"""The fonts of printed certificates, and which characters they have.

Only the fonts of a package and those an installation adds: the same certificate looks the same on
every machine, whatever is installed there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pylopdf_fonts_zh_cn
import typst
from fontTools.ttLib import TTFont, TTLibError

from certsvc.catalogue.text import check_text
from certsvc.face.errors import CharacterUnprintable, FontsInvalid, GlyphMissing

_SERIF = "Noto Serif SC"
_SANS = "Noto Sans SC"
_OWN = (_SERIF, _SANS)
_NOTDEF = ".notdef"
_SUFFIXES = {".otf", ".ttf", ".otc", ".ttc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FontSet:
    """Fonts in the order in which a character is looked for.

    Attributes:
        fonts: as typst takes them.
        serif: families for values and titles, best first.
        sans: families for labels and small type, best first.
        characters: code points that some font of the set has.
    """

    fonts: typst.Fonts = field(repr=False)
    serif: tuple[str, ...]
    sans: tuple[str, ...]
    characters: frozenset[int] = field(repr=False)

    def checked(self, text: str, where: str) -> str:
        """Return a text as it is printed: composed, with plain spaces.

        Args:
            text: what is to be printed.
            where: pointer of the claim, or what else the text is, for the error.

        Raises:
            CharacterUnprintable: it holds a control, bidirectional or invisible character.
            GlyphMissing: no font has one of its characters.
        """
        fault = check_text(text)
        if fault is not None:
            raise CharacterUnprintable(where=where, zh=fault.zh, en=fault.en)
        plain = unicodedata.normalize("NFC", text).translate(_SPACES)
        for character in plain:
            if ord(character) not in self.characters:
                raise GlyphMissing(where=where, character=character)
        return plain


# Spaces of other widths, and those that forbid a break, print as what they look like.
_SPACES = dict.fromkeys([0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F], " ")


def load_fonts(folders: Sequence[Path] = ()) -> FontSet:
    """Load the fonts of the package, then those of an installation's own folders.

    Args:
        folders: with TrueType or OpenType fonts for characters that the package's fonts lack.

    Raises:
        FontsInvalid: a folder is none, or holds a font nobody can read.
    """
    folders = [folder.resolve() for folder in folders]
    for folder in folders:
        if not folder.is_dir():
            raise FontsInvalid(f"no folder of fonts: {folder}")
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[pylopdf_fonts_zh_cn.serif_path().parent, *folders],
    )
    characters: set[int] = set()
    read: set[Path] = set()
    for info in fonts.fonts():
        if info.path is not None:
            read.add(Path(info.path))
            characters.update(_characters(Path(info.path), info.index))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in _SUFFIXES and path not in read:
                raise FontsInvalid(f"no font: {path}")
    families = fonts.families()
    if any(own not in families for own in _OWN):
        raise FontsInvalid(f"the fonts {_OWN} are not installed")
    others = tuple(family for family in families if family not in _OWN)
    return FontSet(
        fonts=fonts,
        serif=(_SERIF, _SANS, *others),
        sans=(_SANS, _SERIF, *others),
        characters=frozenset(characters),
    )


def _characters(path: Path, index: int) -> set[int]:
    """Code points of one font (OpenType 1.9.1, "cmap"), those of its missing glyph left out."""
    try:
        with TTFont(path, fontNumber=index, lazy=True) as font:
            return {point for point, glyph in font.getBestCmap().items() if glyph != _NOTDEF}
    except (TTLibError, OSError, AttributeError, ValueError) as error:
        raise FontsInvalid(f"cannot read the font {path}: {error}") from error
