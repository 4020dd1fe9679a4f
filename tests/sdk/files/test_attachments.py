"""Tokens attached to a PDF: found wherever they hang, within limits, and only tokens."""

import io

import pypdf
import pytest
from pypdf.annotations import FreeText
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from certsvc_sdk.errors import CertsvcError, FileTooLarge, NoCodeFound
from certsvc_sdk.file_limits import MAX_ATTACHMENTS
from certsvc_sdk.image import Code, read_codes, read_contents
from certsvc_sdk.strict import MAX_TOKEN

TOKEN = "eyJh.eyJp.c2ln~WyJd~"


def saved(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_files(*files: tuple[str, bytes], pages: int = 1) -> bytes:
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    for name, data in files:
        writer.add_attachment(name, data)
    return saved(writer)


def attached(data: bytes) -> list[tuple[str | None, str]]:
    codes = read_codes(data)
    assert all(one.kind == "attachment" and one.page is one.position is None for one in codes)
    return [(one.name, one.text) for one in codes]


def test_the_certificate_of_a_face() -> None:
    data = with_files(("certificate.jwt", TOKEN.encode()), pages=3)
    contents = read_contents(data)
    assert contents.pages == 3
    assert contents.codes == (Code(None, None, TOKEN, "attachment", "certificate.jwt"),)


def test_any_file_that_is_a_token() -> None:
    files = [
        ("invoice.xml", b"<x/>"),
        ("note.txt", b"a.b.c without a tilde"),
        ("a.txt", TOKEN.encode() + b"\n"),
        ("other.bin", b"\xff\xfe" * 50),
    ]
    assert attached(with_files(*files)) == [("a.txt", TOKEN)]


def test_two_different_tokens_are_two() -> None:
    other = TOKEN.replace("c2ln", "c2lO")
    found = attached(with_files(("certificate.jwt", TOKEN.encode()), ("b.jwt", other.encode())))
    assert sorted(text for _, text in found) == sorted([TOKEN, other])


@pytest.mark.parametrize(
    "content", [b"", b"no token", b"\xff\xfe\x00", b"{}", TOKEN.encode() + b" and more"]
)
def test_what_only_claims_to_be_a_certificate_is_reported(content: bytes) -> None:
    (code,) = read_codes(with_files(("Certificate.JWT", content)))
    assert code.kind == "attachment"
    assert code.text != TOKEN


def test_a_token_that_is_too_long_is_reported_unread() -> None:
    long = TOKEN + "A" * MAX_TOKEN + "~"
    (code,) = read_codes(with_files(("certificate.jwt", long.encode())))
    assert (code.text, code.is_broken) == ("", True)
    with pytest.raises(NoCodeFound):
        read_codes(with_files(("else.jwt", long.encode())))


def pinned(name: str, content: bytes) -> bytes:
    """A PDF of two pages with a file that hangs on the second."""
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    page = writer.add_blank_page(200, 200)
    writer.add_annotation(1, FreeText(text="note", rect=(10, 10, 90, 90)))
    data = DecodedStreamObject()
    data.set_data(content)
    files = DictionaryObject({NameObject("/F"): writer._add_object(data)})
    spec = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Filespec"),
            NameObject("/F"): TextStringObject("file"),
            NameObject("/UF"): TextStringObject(name),
            NameObject("/EF"): files,
        }
    )
    note = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/FileAttachment"),
            NameObject("/Rect"): ArrayObject([NumberObject(edge) for edge in (1, 1, 9, 9)]),
            NameObject("/FS"): writer._add_object(spec),
        }
    )
    page[NameObject("/Annots")].append(writer._add_object(note))
    return saved(writer)


def test_files_that_hang_on_a_page() -> None:
    assert attached(pinned("证照.txt", TOKEN.encode() + b"\n")) == [("证照.txt", TOKEN)]


def test_too_many_attachments() -> None:
    files = [(f"{number}.txt", b"x") for number in range(MAX_ATTACHMENTS)]
    with pytest.raises(NoCodeFound):
        read_codes(with_files(*files))
    with pytest.raises(FileTooLarge, match="attachments"):
        read_codes(with_files(*files, ("certificate.jwt", TOKEN.encode())))


def test_names_do_not_steer_a_screen() -> None:
    ((name, _),) = attached(pinned("a\u202egnp\x07b.jwt", TOKEN.encode()))
    assert name == "a\ufffdgnp\ufffdb.jwt"
    ((name, _),) = attached(pinned("x" * 5000, TOKEN.encode()))
    assert name == ""


def test_damaged_attachments_stay_in_our_tree() -> None:
    good = with_files(("certificate.jwt", TOKEN.encode()), ("b.bin", bytes(300)))
    for step in range(25):
        place = (step * 7919 + 13) % len(good)
        bad = good[:place] + bytes((good[place] ^ (1 << step % 8),)) + good[place + 1 :]
        for data in (bad, good[:place]):
            try:
                read_codes(data)
            except CertsvcError:
                continue
