"""Reads files of records: CSV as spreadsheets write it, and JSON Lines.

A bad row is a row with an error; only a file that cannot be told apart into rows is refused.
"""

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from certsvc.catalogue import FieldError
from certsvc.issuing import errors
from certsvc.issuing.model import canonical
from certsvc_sdk import strict
from certsvc_sdk.errors import Malformed

FileFormat = Literal["csv", "jsonl"]

# A county's whole register of businesses; more is better split, so that a report can be read.
MAX_FILE_BYTES = 64 * 1024 * 1024
# A household of fifty with every field; a longer line is not a record.
MAX_LINE_BYTES = 64 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 256

_BOM = "\ufeff"
# U+4000 to U+9FFF; bytes of GB18030 text look like this by rare chance only.
_CHINESE_IN_UTF8 = re.compile(rb"[\xe4-\xe9][\x80-\xbf]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record of a file.

    Attributes:
        number: 1 for the first record, blank lines not counted.
        line: Line of the file where the record begins, 1 for the first.
        record: The claims as they stand there; empty for a row that could not be read.
        errors: Why the row could not be read.
    """

    number: int
    line: int
    record: Mapping[str, object]
    errors: tuple[FieldError, ...] = ()

    def digest(self) -> str:
        """SHA-256 of the record as canonical JSON, 64 hex characters."""
        return hashlib.sha256(canonical(dict(self.record))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A file taken apart.

    Attributes:
        sha256: SHA-256 of the file, 64 hex characters.
        encoding: `utf-8` or `gb18030`.
        rows: The records in order.
        unknown_columns: Names in the file that the type does not know; their rows will be refused.
    """

    sha256: str
    encoding: str
    rows: Sequence[Row]
    unknown_columns: tuple[str, ...]


def format_of(file_name: str) -> FileFormat:
    """Tell the format by a file's name.

    Raises:
        FileMalformed: It ends in neither .csv nor .jsonl.
    """
    suffix = file_name.lower().rpartition(".")[2]
    if suffix == "csv":
        return "csv"
    if suffix in ("jsonl", "ndjson"):
        return "jsonl"
    raise errors.FileMalformed("the file's name must end in .csv or .jsonl")


def read_rows(
    data: bytes, file_format: FileFormat, *, known: Collection[str], ignore: Collection[str] = ()
) -> Intake:
    """Take a file apart.

    Args:
        data: The file.
        file_format: `csv` or `jsonl`.
        known: Member names of the type.
        ignore: Columns to drop, such as `expected_code` of the samples with defects.

    Returns:
        The rows; an empty cell is an absent member.

    Raises:
        FileTooLarge: More than `MAX_FILE_BYTES`.
        TooManyRows: More than `MAX_ROWS`.
        EncodingUnknown: Neither UTF-8 nor GB18030.
        FileMalformed: Not a file of this format at all, such as a header with a name twice.
    """
    if len(data) > MAX_FILE_BYTES:
        raise errors.FileTooLarge(f"the file is larger than {MAX_FILE_BYTES} bytes")
    digest = hashlib.sha256(data).hexdigest()
    text, encoding = _decode(data)
    rows = _csv_rows(text) if file_format == "csv" else _jsonl_rows(text)
    dropped, names = frozenset(ignore), dict[str, None]()
    taken: list[Row] = []
    for row in rows:
        if len(taken) >= MAX_ROWS:
            raise errors.TooManyRows(f"the file has more than {MAX_ROWS} rows")
        kept = {name: value for name, value in row.record.items() if name not in dropped}
        names.update(dict.fromkeys(kept))
        taken.append(Row(number=row.number, line=row.line, record=kept, errors=row.errors))
    unknown = tuple(name for name in names if name not in known)
    return Intake(sha256=digest, encoding=encoding, rows=taken, unknown_columns=unknown)


def _decode(data: bytes) -> tuple[str, str]:
    # Chinese Windows writes GB18030; hardly any text in it happens to be UTF-8 as well.
    for encoding in ("utf-8", "gb18030"):
        try:
            # A byte order mark is no part of the first name, whichever encoding wrote it.
            return data.decode(encoding).removeprefix(_BOM), encoding
        except UnicodeDecodeError:
            if _is_torn_utf8(data):
                break
    raise errors.EncodingUnknown("the file is neither UTF-8 nor GB18030, or a part of it is torn")


def _is_torn_utf8(data: bytes) -> bool:
    """Say whether UTF-8 with a few bad bytes was read: as GB18030 every name would be garbage."""
    whole = sum(1 for _ in _CHINESE_IN_UTF8.finditer(data))
    torn = data.decode("utf-8", "replace").count("\ufffd")
    return data.startswith(_BOM.encode()) or whole > torn


def _csv_rows(text: str) -> Iterator[Row]:
    if "\0" in text:
        raise errors.FileMalformed("the file holds U+0000")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        number, line = 0, reader.line_num + 1
        for cells in reader:
            begin, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            number += 1
            yield _csv_row(header, cells, number=number, line=begin)
    except csv.Error as error:
        raise errors.FileMalformed(f"line {reader.line_num}: {error}") from error


def _check_header(header: Sequence[str]) -> None:
    if not header or not all(header):
        raise errors.FileMalformed("the first line must name every column")
    if len(set(header)) != len(header):
        raise errors.FileMalformed("a column stands twice")
    if len(header) > MAX_COLUMNS:
        raise errors.FileMalformed(f"more than {MAX_COLUMNS} columns")


def _csv_row(header: Sequence[str], cells: Sequence[str], *, number: int, line: int) -> Row:
    if len(cells) != len(header):
        wrong = FieldError(
            "",
            "column_count",
            f"应有 {len(header)} 列，实际 {len(cells)} 列",
            f"{len(header)} columns expected, {len(cells)} found",
        )
        return Row(number=number, line=line, record={}, errors=(wrong,))
    if sum(len(cell.encode("utf-8", "replace")) for cell in cells) > MAX_LINE_BYTES:
        return Row(number=number, line=line, record={}, errors=(_too_long(),))
    record = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    return Row(number=number, line=line, record=record)


def _jsonl_rows(text: str) -> Iterator[Row]:
    number = 0
    # Split at LF alone: U+2028 and its like may stand inside a JSON string.
    for line, content in enumerate(text.split("\n"), 1):
        data = content.strip(" \t\r").encode()
        if not data:
            continue
        number += 1
        if len(data) > MAX_LINE_BYTES:
            yield Row(number=number, line=line, record={}, errors=(_too_long(),))
            continue
        try:
            record = strict.loads_object(data, max_bytes=MAX_LINE_BYTES, what="record")
        except Malformed:
            yield Row(number=number, line=line, record={}, errors=(_not_json(),))
            continue
        yield Row(number=number, line=line, record=record)


def _too_long() -> FieldError:
    return FieldError(
        "",
        "line_too_long",
        f"一行最多 {MAX_LINE_BYTES} 字节",
        f"a line has at most {MAX_LINE_BYTES} bytes",
    )


def _not_json() -> FieldError:
    return FieldError(
        "",
        "row_malformed",
        "此行不是合格的 JSON 对象（例如成员名重复、数值过大）",
        "the line is no acceptable JSON object (a name twice, a number too large, …)",
    )
