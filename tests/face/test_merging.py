"""Many PDFs in one: pages, attachments, and what is not taken along."""

import io
from typing import Any

import pypdf
import pypdfium2
import pytest
import typst

from certsvc.face.errors import TypesettingFailed
from certsvc.face.merging import MergedPdf

SOURCE = """
#let token = sys.inputs.token
#set document(title: "x", date: datetime(year: 2026, month: 11, day: 23))
#set page(width: 80mm, height: 60mm)
#pdf.attach("certificate.jwt", bytes(token), relationship: "source", description: "x",
  mime-type: "application/dc+sd-jwt")
= Certificate #token
#link("https://certs.example/v")[check] #link(<end>)[end]
#pagebreak()
second page <end>
"""


def _face(token: str, tmp: Any) -> bytes:
    source = tmp / "face.typ"
    source.write_text(SOURCE)
    made = typst.compile(
        source, format="pdf", sys_inputs={"token": token}, pdf_standards=["a-3b"], timestamp=1
    )
    assert isinstance(made, bytes)
    return made


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    tmp = tmp_path_factory.mktemp("faces")
    return [_face(f"token-{number}", tmp) for number in range(3)]


def _merged(faces: list[bytes]) -> bytes:
    document = MergedPdf(title="汇编 <&>")
    parts = [document.add(one, attachment=f"c-{n}.jwt") for n, one in enumerate(faces)]
    parts.append(document.attach("manifest.jsonl", b"{}\n", media_type="application/jsonl"))
    return b"".join([*parts, document.close()])


def test_pages_and_attachments_are_kept(faces: list[bytes]) -> None:
    read = pypdf.PdfReader(io.BytesIO(_merged(faces)), strict=True)
    texts = [page.extract_text() for page in read.pages]
    assert [text.split("\n")[0] for text in texts] == [
        text for number in range(3) for text in (f"Certificate token-{number}", "second page")
    ]
    expected = {f"c-{number}.jwt": [f"token-{number}".encode()] for number in range(3)}
    assert dict(read.attachments.items()) == expected | {"manifest.jsonl": [b"{}\n"]}
    first = read.pages[2]["/AF"][0].get_object()
    assert (first["/UF"], first["/AFRelationship"]) == ("c-1.jwt", "/Source")


def test_another_program_draws_the_same_pages(faces: list[bytes]) -> None:
    merged = pypdfium2.PdfDocument(_merged(faces))
    single = pypdfium2.PdfDocument(faces[1])
    for number in range(2):
        both = [
            document[page].render(scale=1).to_pil().tobytes()
            for document, page in ((merged, 2 + number), (single, number))
        ]
        assert both[0] == both[1]
    assert merged.count_attachments() == 4
    merged.close()
    single.close()


def test_the_document_claims_pdf_a_3b(faces: list[bytes]) -> None:
    root = pypdf.PdfReader(io.BytesIO(_merged(faces))).root_object
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B<" in xmp
    assert "汇编 &lt;&amp;&gt;" in xmp
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    # Tags and outlines point into the single files.
    assert not {"/StructTreeRoot", "/MarkInfo", "/Outlines"} & set(root)


def test_no_page_of_the_single_files_is_left_behind(faces: list[bytes]) -> None:
    assert _merged(faces).count(b"/Type /Page\n") <= 6


def test_the_same_faces_make_the_same_bytes(faces: list[bytes]) -> None:
    assert _merged(faces) == _merged(faces)


@pytest.mark.parametrize(
    "broken",
    [b"", b"%PDF-1.7\n", b"x" * 1000, None],
    ids=["nothing", "header", "no-pdf", "cut"],
)
def test_a_broken_part_leaves_the_document_whole(faces: list[bytes], broken: bytes | None) -> None:
    document = MergedPdf(title="x")
    parts = [document.add(faces[0], attachment="a.jwt")]
    with pytest.raises(TypesettingFailed):
        document.add(faces[1][:-2000] if broken is None else broken, attachment="b.jwt")
    parts += [document.add(faces[2], attachment="c.jwt"), document.close()]
    read = pypdf.PdfReader(io.BytesIO(b"".join(parts)), strict=True)
    assert (len(read.pages), list(read.attachments)) == (4, ["a.jwt", "c.jwt"])
