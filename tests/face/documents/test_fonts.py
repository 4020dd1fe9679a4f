"""Fonts: what they have, what an installation adds, what is wrong with a folder."""

import dataclasses
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import pypdfium2
import pytest
from fontTools import subset

from certsvc.face.document import Typesetter
from certsvc.face.errors import FontsInvalid, GlyphMissing
from certsvc.face.fonts import load_fonts

RARE = "𠮷"
PRIVATE = "\ue000"


def _font(folder: Path) -> None:
    """A font of one character, as an installation might add a large one: 𬭎 in place of 𠮷."""
    options = subset.Options(notdef_outline=True, layout_features=[])
    with subset.load_font(pylopdf_fonts_zh_cn.serif_path(), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="𬭎")
        subsetter.subset(font)
        (glyph,) = font.getBestCmap().values()
        for table in font["cmap"].tables:
            if table.format == 12:
                table.cmap = {ord(RARE): glyph, ord(PRIVATE): glyph}
        for name in font["name"].names:
            name.string = str(name).replace("Noto Serif SC", "Rare")
        font.save(folder / "rare.otf")


def test_fonts_of_the_package_have_the_characters_of_names_in_use() -> None:
    fonts = load_fonts()
    for character in "㛃䶮㛿䲟𬭎𬴂镕喆堃骉鿍〇①㎡㎥Ω·—…éïÑ℃":
        assert fonts.checked(character, "x") == character


def test_own_fonts_supply_what_the_package_lacks(tmp_path: Path, specimens: dict[str, Any]) -> None:
    _font(tmp_path)
    one = specimens["02-shortest-licence"]
    one = dataclasses.replace(one, claims={**one.claims, "legal_representative": f"张{RARE}"})
    with pytest.raises(GlyphMissing):
        Typesetter().render(one)
    pdf = Typesetter(load_fonts([tmp_path])).render(one)
    text = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    assert f"张{RARE}" in text


def test_private_use_characters_need_a_font_and_print(
    tmp_path: Path, specimens: dict[str, Any]
) -> None:
    _font(tmp_path)
    one = specimens["10-smallest-household"]
    one = dataclasses.replace(one, claims={**one.claims, "head_name": f"张{PRIVATE}"})
    pdf = Typesetter(load_fonts([tmp_path])).render(one)
    assert b"<pdfaid:conformance>U</pdfaid:conformance>" in pdf
    text = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    assert f"张{PRIVATE}" in text


def test_text_is_composed() -> None:
    assert load_fonts().checked("e\u0301", "x") == "é"


def test_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FontsInvalid) as caught:
        load_fonts([tmp_path / "absent"])
    assert caught.value.code == "fonts_invalid"


def test_font_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.otf").write_bytes(b"OTTO" + bytes(100))
    with pytest.raises(FontsInvalid, match=r"broken\.otf"):
        load_fonts([tmp_path])
