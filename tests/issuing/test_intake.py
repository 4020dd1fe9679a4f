"""Files of records as offices really have them."""

import json

import pytest

from certsvc.issuing import errors, intake
from certsvc.issuing.intake import format_of, read_rows

KNOWN = ("name", "code")


def test_csv_with_and_without_a_byte_order_mark():
    for data in (b"name,code\r\nA,1\r\n", b"\xef\xbb\xbfname,code\nA,1"):
        found = read_rows(data, "csv", known=KNOWN)
        assert [row.record for row in found.rows] == [{"name": "A", "code": "1"}]
        assert found.encoding == "utf-8"
        assert found.unknown_columns == ()


def test_gb18030_is_read_where_utf8_fails():
    found = read_rows("name,code\n某某有限公司,㐀\n".encode("gb18030"), "csv", known=KNOWN)
    assert found.encoding == "gb18030"
    assert found.rows[0].record == {"name": "某某有限公司", "code": "㐀"}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding):
    for text, file_format in (
        ("name,code\n某某,1\n", "csv"),
        ('{"name":"某某","code":"1"}', "jsonl"),
    ):
        found = read_rows(f"\ufeff{text}".encode(encoding), file_format, known=KNOWN)
        assert (found.encoding, found.unknown_columns) == (encoding, ())
        assert [(row.record, row.errors) for row in found.rows] == [
            ({"name": "某某", "code": "1"}, ())
        ]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("kept", [1, 2])
def test_torn_utf8_does_not_become_garbage_names(mark, kept):
    """Most byte pairs of it read as some Chinese character in GB18030."""
    data = mark + "name,code\n某某有限公司,1\n示例科技中心,2\n".encode()
    torn = data.replace("示".encode(), "示".encode()[:kept])
    with pytest.raises(errors.EncodingUnknown):
        read_rows(torn, "csv", known=KNOWN)


def test_samples_in_gb18030_are_no_torn_utf8(samples):
    text = (samples / "business-licences.csv").read_text(encoding="utf-8")
    assert read_rows(text.encode("gb18030"), "csv", known=()).encoding == "gb18030"


def test_utf16_is_refused_by_name():
    with pytest.raises(errors.EncodingUnknown):
        read_rows("name\nA\n".encode("utf-16"), "csv", known=KNOWN)


def test_the_samples_are_read_in_both_formats(samples):
    lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
    known = set(json.loads(lines[0]))
    by_csv = read_rows((samples / "business-licences.csv").read_bytes(), "csv", known=known)
    by_lines = read_rows((samples / "business-licences.jsonl").read_bytes(), "jsonl", known=known)
    assert len(by_csv.rows) == len(by_lines.rows) == 300
    assert by_csv.unknown_columns == by_lines.unknown_columns == ()
    for one, other in zip(by_csv.rows, by_lines.rows, strict=True):
        assert one.record == {name: value for name, value in other.record.items() if value}


def test_rows_are_numbered_and_placed():
    data = b'name,code\n"A\nB",1\n\n ,\nC,2\n'
    found = read_rows(data, "csv", known=KNOWN).rows
    assert [(row.number, row.line, row.record) for row in found] == [
        (1, 2, {"name": "A\nB", "code": "1"}),
        (2, 6, {"name": "C", "code": "2"}),
    ]
    lines = read_rows(b'{"name":"A"}\n\n  \n{"name":"B"}', "jsonl", known=KNOWN).rows
    assert [(row.number, row.line) for row in lines] == [(1, 1), (2, 4)]


def test_unknown_columns_are_reported_and_kept():
    data = b"name,colour,expected_code\nA,red,x\n"
    found = read_rows(data, "csv", known=KNOWN)
    assert found.unknown_columns == ("colour", "expected_code")
    assert found.rows[0].record["expected_code"] == "x"
    told = read_rows(data, "csv", known=KNOWN, ignore={"expected_code"})
    assert told.unknown_columns == ("colour",)
    assert "expected_code" not in told.rows[0].record


def test_a_bad_row_is_a_row_with_an_error():
    found = read_rows(b"name,code\nA\nB,2,3\nC,3\n", "csv", known=KNOWN).rows
    assert [[error.code for error in row.errors] for row in found] == [
        ["column_count"],
        ["column_count"],
        [],
    ]
    lines = b'{"a":1,"a":2}\n[1]\n{"a":NaN}\nnot json\n{"name":"A"}\n{"a":"\\ud800"}\n'
    codes = [
        [error.code for error in row.errors] for row in read_rows(lines, "jsonl", known=KNOWN).rows
    ]
    assert codes == [["row_malformed"]] * 4 + [[]] + [["row_malformed"]]


def test_the_line_cap():
    long = "x" * (intake.MAX_LINE_BYTES + 1)
    for data, kind in (
        (f"name,code\n{long},1\nB,2\n", "csv"),
        (f'{{"a":"{long}"}}\n{{}}', "jsonl"),
    ):
        found = read_rows(data.encode(), kind, known=KNOWN).rows
        assert [[error.code for error in row.errors] for row in found] == [["line_too_long"], []]


def test_the_file_and_row_caps(monkeypatch):
    monkeypatch.setattr(intake, "MAX_ROWS", 3)
    assert len(read_rows(b"name\nA\nB\nC\n", "csv", known=KNOWN).rows) == 3
    with pytest.raises(errors.TooManyRows):
        read_rows(b"name\nA\nB\nC\nD\n", "csv", known=KNOWN)
    monkeypatch.setattr(intake, "MAX_FILE_BYTES", 10)
    with pytest.raises(errors.FileTooLarge):
        read_rows(b"name\nABCDEFGH\n", "csv", known=KNOWN)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"name,,code\n",
        b"name,name\nA,B\n",
        b'name\n"A\n',
        b'name\n"A"B\n',
        b"name\nA\x00\n",
        b",".join(b"c%d" % number for number in range(300)),
        b"name\n" + b"x" * 200_000,
    ],
)
def test_what_is_no_csv_at_all(data):
    with pytest.raises(errors.FileMalformed):
        read_rows(data, "csv", known=KNOWN)


def test_formats_by_name():
    assert format_of("a.CSV") == "csv"
    assert format_of("a.b.jsonl") == "jsonl"
    assert format_of("a.ndjson") == "jsonl"
    with pytest.raises(errors.FileMalformed):
        format_of("a.xlsx")
