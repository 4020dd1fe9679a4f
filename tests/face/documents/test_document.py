"""The PDF as a file: PDF/A-3, the certificate attached, the same bytes each time."""

import dataclasses
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pypdfium2
import pytest
from pypdf.generic import DictionaryObject, IndirectObject

from certsvc.face.document import ATTACHMENT, ATTACHMENT_TYPE, Printed, Typesetter, render
from certsvc.face.errors import CharacterUnprintable, GlyphMissing
from certsvc_sdk.errors import Unreadable

LICENCE = "02-shortest-licence"


@pytest.fixture
def reader(document: Callable[[str], bytes]) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(document(LICENCE)), strict=True)


@pytest.fixture
def licence(specimens: dict[str, Any]) -> Printed:
    one: Printed = specimens[LICENCE]
    return one


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    pages = [document[index].get_textpage().get_text_range() for index in range(len(document))]
    return "".join("".join(pages).split())


def _with(printed: Printed, **claims: str) -> Printed:
    return dataclasses.replace(printed, claims={**printed.claims, **claims})


def test_token_is_attached_as_it_is(reader: pypdf.PdfReader, licence: Printed) -> None:
    root = reader.trailer["/Root"]
    (attached,) = [one.get_object() for one in root["/AF"]]
    assert attached["/F"] == attached["/UF"] == ATTACHMENT
    assert attached["/AFRelationship"] == "/Source"
    stream = attached["/EF"]["/F"].get_object()
    assert stream.get_data() == licence.token.encode()
    assert stream["/Subtype"] == f"/{ATTACHMENT_TYPE}"
    assert list(reader.attachments) == [ATTACHMENT]


def test_says_what_it_is(reader: pypdf.PdfReader, licence: Printed) -> None:
    packet = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in packet
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in packet
    assert "<pdfuaid:part>1</pdfuaid:part>" in packet
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"
    assert reader.trailer["/Root"]["/OutputIntents"]
    assert reader.metadata is not None
    assert reader.metadata.title == f"营业执照 {licence.identifier}"
    assert reader.metadata.author == licence.issuer_name
    assert reader.metadata.creation_date is not None
    assert int(reader.metadata.creation_date.timestamp()) == licence.issued_at


def test_every_font_is_embedded_and_nothing_is_active(reader: pypdf.PdfReader) -> None:
    fonts = 0
    for number in range(1, reader.trailer["/Size"]):
        thing = IndirectObject(number, 0, reader).get_object()
        if not isinstance(thing, DictionaryObject):
            continue
        assert not {"/JS", "/JavaScript", "/Launch", "/OpenAction", "/AA"} & set(thing)
        if thing.get("/Type") == "/FontDescriptor":
            fonts += 1
            assert "/FontFile3" in thing
    assert fonts >= 2


def test_the_same_certificate_gives_the_same_bytes(
    document: Callable[[str], bytes], licence: Printed
) -> None:
    assert render(licence, Typesetter()) == document(LICENCE)


def test_threads_may_share_a_typesetter(
    specimens: dict[str, Any], document: Callable[[str], bytes], typesetter: Typesetter
) -> None:
    names = ["02-shortest-licence", "10-smallest-household"] * 3
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda name: typesetter.render(specimens[name]), names))
    assert made == [document(name) for name in names]


def test_language_of_labels(licence: Printed, typesetter: Typesetter) -> None:
    both = _text(typesetter.render(dataclasses.replace(licence, language="zh-en")))
    only = _text(typesetter.render(licence))
    assert "BUSINESSLICENCE" in both
    assert "Dateofestablishment" in both
    assert "Dateofestablishment" not in only
    assert "成立日期" in both


def test_line_in_place_of_a_seal(
    specimens_module: ModuleType, licence: Printed, typesetter: Typesetter
) -> None:
    line = f"本件由{licence.issuer_name}电子签发，以扫码核验为准。"
    assert line in _text(typesetter.render(licence))
    sealed = dataclasses.replace(licence, seal=specimens_module.seal())
    pdf = typesetter.render(sealed)
    assert line not in _text(pdf)
    images = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]
    assert "/Image" in repr(
        [one.get_object().get("/Subtype") for one in _x_objects(images.get("/Resources"))]
    )


def _x_objects(resources: Any) -> list[Any]:
    found = []
    for one in (resources or {}).get("/XObject", {}).values():
        found.append(one)
        found += _x_objects(one.get_object().get("/Resources"))
    return found


def test_no_seal_and_no_image_unless_one_is_handed_in(reader: pypdf.PdfReader) -> None:
    kinds = {one.get_object()["/Subtype"] for one in _x_objects(reader.pages[0]["/Resources"])}
    assert kinds <= {"/Form"}


def test_demonstration_says_so_on_every_page(document: Callable[[str], bytes]) -> None:
    pages = pypdfium2.PdfDocument(document("08-twelve-full-members"))
    for index in range(len(pages)):
        assert "SPECIMEN" in pages[index].get_textpage().get_text_range()
    assert "SPECIMEN" not in _text(document("07-six-members"))


def test_word_of_law_stands_across_the_page(document: Callable[[str], bytes]) -> None:
    assert _text(document("16-revoked-demo")).count("吊销") == 2


def test_dates_and_open_end(licence: Printed, typesetter: Typesetter) -> None:
    claims = {name: value for name, value in licence.claims.items() if name != "operating_to"}
    one = dataclasses.replace(licence, claims={**claims, "operating_from": "2021-01-09"})
    assert "2021年1月9日至长期" in _text(typesetter.render(one))
    closed = _with(one, operating_to="2041-12-31")
    assert "2021年1月9日至2041年12月31日" in _text(typesetter.render(closed))
    none = dataclasses.replace(
        one, claims={name: value for name, value in claims.items() if name != "operating_from"}
    )
    assert "营业期限" not in _text(typesetter.render(none))


def test_person_in_charge_is_called_what_the_claim_says(
    licence: Printed, typesetter: Typesetter
) -> None:
    one = _with(licence, legal_representative_title="执行事务合伙人")
    assert "执行事务合伙人" in _text(typesetter.render(one))


def test_withheld_claims_leave_no_label(licence: Printed, typesetter: Typesetter) -> None:
    few = {"name": licence.claims["name"]}
    text = _text(typesetter.render(dataclasses.replace(licence, claims=few)))
    assert str(few["name"]) in text
    for label in ("经营范围", "住所", "登记机关", "（正本）"):
        assert label not in text


@pytest.mark.parametrize("character", ["𠮷", "\U0002a6a5", "ﷺ", "😀", "\ue000"])
def test_missing_glyph_is_an_error_that_names_it(
    licence: Printed, typesetter: Typesetter, character: str
) -> None:
    with pytest.raises(GlyphMissing) as caught:
        typesetter.render(_with(licence, legal_representative=f"张{character}"))
    assert caught.value.code == "glyph_missing"
    assert caught.value.where == "/legal_representative"
    assert caught.value.character == character
    assert f"U+{ord(character):04X}" in str(caught.value)


@pytest.mark.parametrize(
    "point", [0x00, 0x07, 0x0A, 0x7F, 0x200B, 0x202E, 0x2066, 0xD800, 0xFEFF, 0xFFFE, 0xE0041]
)
def test_unseen_characters_are_refused(
    licence: Printed, typesetter: Typesetter, point: int
) -> None:
    with pytest.raises(CharacterUnprintable) as caught:
        typesetter.render(_with(licence, domicile=f"甲{chr(point)}乙"))
    assert caught.value.code == "character_unprintable"
    assert caught.value.where == "/domicile"


def test_place_of_a_bad_character_in_a_list(
    specimens: dict[str, Any], typesetter: Typesetter
) -> None:
    household: Printed = specimens["10-smallest-household"]
    claims = json.loads(json.dumps(household.claims))
    claims["members"][0]["birthplace"] = "𠮷县"
    with pytest.raises(GlyphMissing) as caught:
        typesetter.render(dataclasses.replace(household, claims=claims))
    assert caught.value.where == "/members/0/birthplace"


@pytest.mark.parametrize("name", ["issuer_name", "check_url", "identifier"])
def test_what_surrounds_the_claims_is_checked_too(
    licence: Printed, typesetter: Typesetter, name: str
) -> None:
    with pytest.raises(GlyphMissing):
        typesetter.render(dataclasses.replace(licence, **{name: "𠮷"}))


def test_typed_code_with_a_wrong_check_character_is_refused(
    licence: Printed, typesetter: Typesetter
) -> None:
    with pytest.raises(Unreadable):
        typesetter.render(dataclasses.replace(licence, typed_code="2222-2222-2222-2223"))


def test_text_is_never_markup(licence: Printed, typesetter: Typesetter) -> None:
    texts = (
        '#read("/etc/passwd")',
        "#sys.inputs.token",
        "*a* _b_ `c` $d$ <e> @f",
        "= 标题",
        "\\u{41}",
        '"); #panic(',
        "-- --- ... ~",
        "https://example.cn/#x",
        "{{ 1 }} {% x %}",
        "’“’”'\"",
    )
    for text in texts:
        pdf = typesetter.render(_with(licence, name=text))
        assert "".join(text.split()) in _text(pdf)


def test_blank_and_wide_spaces_print_as_spaces(licence: Printed, typesetter: Typesetter) -> None:
    pdf = typesetter.render(_with(licence, name="甲\u00a0乙\u2003丙\u3000丁"))
    assert "甲乙丙丁" in _text(pdf)


@pytest.mark.parametrize("length", [300, 2000, 10_000])
def test_long_texts_are_printed_whole(
    licence: Printed, typesetter: Typesetter, length: int
) -> None:
    scope = "".join(f"{index}项；" for index in range(length))[:length]
    pdf = typesetter.render(_with(licence, business_scope=scope))
    text = _text(pdf)
    if length <= 2000:
        assert scope in text
    for index in range(0, length - 60, 500):
        assert scope[index : index + 10] in text


def test_any_record_of_the_samples_can_be_printed(
    specimens_module: ModuleType, typesetter: Typesetter
) -> None:
    for file, kind in (
        ("business-licences.jsonl", specimens_module.LICENCE),
        ("households.jsonl", specimens_module.HOUSEHOLD),
    ):
        for record in specimens_module.records(file)[::60]:
            pdf = typesetter.render(specimens_module.printed(kind, record))
            assert len(pypdfium2.PdfDocument(pdf)) <= 3


def test_specimens_are_written_as_pictures(
    specimens_module: ModuleType,
    document: Callable[[str], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    specimens: dict[str, Any],
) -> None:
    one = {LICENCE: specimens[LICENCE]}
    monkeypatch.setattr(specimens_module, "specimens", lambda: one)
    specimens_module.main(tmp_path, lambda printed: document(LICENCE))
    assert (tmp_path / f"{LICENCE}-1.png").stat().st_size > 10_000
