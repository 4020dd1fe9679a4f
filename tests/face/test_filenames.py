"""Names of files: nothing of them leads out of a folder, into a header or onto a device."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.face.filenames import MAX_BYTES, Names, disposition, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etc_passwd.pdf"),
        ("..\\..\\boot.ini", "boot_ini.pdf"),
        ("a\r\nSet-Cookie: x=1", "a_Set-Cookie_x_1.pdf"),
        ('a"; filename="b', "a_filename_b.pdf"),
        ("", "certificate.pdf"),
        ("...", "certificate.pdf"),
        ("con", "_con.pdf"),
        ("COM1", "_COM1.pdf"),
        ("a\u202efdp.exe", "a_fdp_exe.pdf"),
        ("x\ud800y", "x_y.pdf"),
        ("a\x00b", "a_b.pdf"),
        ("营业执照", "营业执照.pdf"),
    ],
    ids=lambda text: ascii(text)[:24],
)
def test_names(text: str, name: str) -> None:
    assert safe_name(text, ending=".pdf") == name


def test_a_long_name_is_cut_between_characters() -> None:
    name = safe_name("示" * 500, ending=".pdf")
    assert name == "示" * (MAX_BYTES // 3) + ".pdf"


@settings(max_examples=200, derandomize=True)
@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_makes_a_name(text: str) -> None:
    name = safe_name(text, "1", ending=".pdf")
    assert len(name.encode()) <= MAX_BYTES + 4
    assert not set(name) & set('/\\:*?"<>|\r\n\t\0 ')
    assert not name.startswith(".")
    assert all(unicodedata.category(one)[0] in "LN" or one in "-_." for one in name)
    header = disposition(name, plain="x.pdf")
    assert header.isascii()
    assert header.isprintable()


def test_no_name_is_given_twice() -> None:
    names = Names()
    given_out = [names.take(text, ending=".pdf") for text in ("a b", "A_B", "a/b", "a-b")]
    assert given_out == ["a_b.pdf", "A_B-2.pdf", "a_b-3.pdf", "a-b.pdf"]


def test_a_header_for_who_reads_ascii_only() -> None:
    assert disposition("执照_1.pdf", plain="licence_1.pdf") == (
        "attachment; filename=\"licence_1.pdf\"; filename*=UTF-8''%E6%89%A7%E7%85%A7_1.pdf"
    )
    assert disposition("a.pdf", plain="a.pdf") == 'attachment; filename="a.pdf"'
