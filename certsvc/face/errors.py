# ruff: noqa: N818 — names say what is wrong
"""Every way this room says no.

FaceError
├── SymbolTooLarge   the text does not fit a symbol that prints and scans well
├── PrintTooSmall    modules would be under 0.33 mm at the size asked for
├── FontsInvalid         a folder of fonts is none, or a font cannot be read
├── GlyphMissing         no font has a character that is to be printed
├── CharacterUnprintable a text holds a control, bidirectional or invisible character
├── SealImageInvalid     what the signing service returned is no image that can be printed
└── TypesettingFailed    the typesetter refused the document
"""


class FaceError(Exception):
    """Root of the errors of this package; `code` is stable and documented."""

    code: str = "face_error"


class SymbolTooLarge(FaceError):
    """No allowed QR version holds the text; issue the core profile instead."""

    code = "qr_too_large"


class PrintTooSmall(FaceError):
    """No scanner would read the symbol at that size.

    Attributes:
        smallest_mm: the smallest side that works, quiet zone included, in millimetres.
    """

    code = "print_too_small"

    def __init__(self, *, smallest_mm: float) -> None:
        super().__init__(f"the smallest side of this symbol that scanners read is {smallest_mm} mm")
        self.smallest_mm = smallest_mm


class FontsInvalid(FaceError):
    """The fonts of the installation cannot be used."""

    code = "fonts_invalid"


class GlyphMissing(FaceError):
    """A character would print as an empty box: the paper would not say what the code says.

    Attributes:
        where: pointer of the claim, or what else the text is.
        character: the character no font has.
    """

    code = "glyph_missing"

    def __init__(self, *, where: str, character: str) -> None:
        self.where = where
        self.character = character
        self.point = f"U+{ord(character):04X}"
        super().__init__(f"{where}: no font has the character {character} ({self.point})")


class CharacterUnprintable(FaceError):
    """A text holds a character nobody would see on paper.

    Attributes:
        where: pointer of the claim, or what else the text is.
        zh: what is wrong, in Chinese.
        en: what is wrong, in English.
    """

    code = "character_unprintable"

    def __init__(self, *, where: str, zh: str, en: str) -> None:
        self.where, self.zh, self.en = where, zh, en
        super().__init__(f"{where}: {en}")


class SealImageInvalid(FaceError):
    """The image of a seal is no PNG of a sensible size."""

    code = "seal_image_invalid"


class TypesettingFailed(FaceError):
    """The typesetter refused the document; no certificate should bring it to that."""

    code = "typesetting_failed"
