"""PDFs made for these tests: by the typesetter where they look like real ones, else by hand."""

import io
from collections.abc import Callable
from typing import Any

import pylopdf_fonts_zh_cn
import pytest
import typst

HEAD = """
#set page(paper: "a4", margin: 2cm)
#set text(font: "Noto Sans SC", size: 11pt)
"""
LINES = "名称 示例科技有限公司 \\\n住所 北京市朝阳区建国路八十八号 \\\n注册资本 一百万元整 \\\n"


@pytest.fixture(scope="session")
def typeset() -> Callable[[str], bytes]:
    """A PDF of typst markup; lines that every page of a certificate might have come first."""
    fonts = [str(pylopdf_fonts_zh_cn.sans_path().parent)]

    def made(markup: str, *, lines: str = LINES, inputs: dict[str, str] | None = None) -> bytes:
        # Single quotes in the tests: typst knows double ones only.
        source = (HEAD + lines + markup.replace("'", '"')).encode()
        data = typst.compile(
            source, font_paths=fonts, ignore_system_fonts=True, sys_inputs=inputs or {}
        )
        assert isinstance(data, bytes)
        return data

    return made


@pytest.fixture(scope="session")
def pdf_of() -> Callable[..., bytes]:
    """A PDF of numbered objects, written by hand with its cross-reference table."""

    def made(*objects: bytes) -> bytes:
        out = io.BytesIO()
        out.write(b"%PDF-1.7\n")
        places = []
        for number, content in enumerate(objects, start=1):
            places.append(out.tell())
            out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        start = out.tell()
        rows = b"".join(b"%010d 00000 n \n" % place for place in places)
        out.write(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows))
        out.write(b"trailer<</Root 1 0 R/Size %d>>\n" % (len(objects) + 1))
        out.write(b"startxref\n%d\n%%%%EOF" % start)
        return out.getvalue()

    return made


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), entries, content)


@pytest.fixture(scope="session")
def as_stream() -> Callable[..., Any]:
    return stream
