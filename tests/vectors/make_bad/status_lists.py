"""T37 bombs and broken compression, T38 indexes, T41 widths and bit order."""

import gzip
import zlib
from typing import Any

from signing import b64u
from tokens import (
    NOW,
    REVOKED,
    SUPERSEDED,
    SUSPENDED,
    URI,
    claims,
    status,
    token,
    usual,
)
from vector import Row
from worlds import ENTRIES, VALUES, bits, served, status_list

MISSING = ("status_unavailable", "status_list")
CAP = 2 * 1024 * 1024


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_compression(), _indexes(), _widths()]


def _compression() -> Row:
    row = Row("T37", "threats.md T37; Token Status List sections 4.2 and 11")
    row.good("zlib", "zlib 压缩的清单", "A list compressed by zlib", usual())
    row.good(
        "at-the-cap", "恰为 2 MiB", "Exactly 2 MiB", usual(), **served(status_list(data=bytes(CAP)))
    )
    data = bits(VALUES)
    packed = zlib.compress(data, 9)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    forms: dict[str, bytes] = {
        "one-byte-beyond-the-cap": zlib.compress(bytes(CAP + 1), 9),
        "bomb-of-200-mib": _bomb(200),
        "cut": packed[:-8],
        "cut-checksum": packed[:-1],
        "wrong-checksum": packed[:-1] + bytes([packed[-1] ^ 1]),
        "bytes-after-its-end": packed + b"\x00",
        "a-second-stream-after-its-end": packed + packed,
        "gzip": gzip.compress(data, 9, mtime=0),
        "raw-deflate": raw.compress(data) + raw.flush(),
        "not-compressed": bytes(64),
        "empty": b"",
        "preset-dictionary": b"\x78\xbb" + packed[2:],
        "noise": b"\xff" * 64,
    }
    for name, made in forms.items():
        title = (f"清单压缩有误：{name}", f"A list's compression is wrong: {name}")
        row.bad(name, *title, usual(), *MISSING, **served(status_list(lst=b64u(made))))
    title = ("清单为空：下标都在其外", "A list of no bytes: every index lies outside")
    row.bad(
        "list-of-nothing", *title, usual(), "malformed", "status", **served(status_list(data=b""))
    )
    for name, text in {
        "not-a-token": "x",
        "html": "<html>404</html>",
        "empty-text": "",
        "token-of-5-mib": "A" * (5 * 1024 * 1024),
        "two-parts": status_list().rpartition(".")[0],
        "not-ascii": status_list() + "é",
        "with-tilde": status_list() + "~",
    }.items():
        title = (f"所供之物不是清单：{name}", f"What is served is no list: {name}")
        row.bad(name, *title, usual(), *MISSING, **served(text))
    for name, changes in _claims().items():
        title = (f"清单声明有误：{name}", f"A list's claims are wrong: {name}")
        row.bad(f"claim-{name}", *title, usual(), *MISSING, **served(status_list(**changes)))
    for name, payload in {"list": b"[]", "not-json": b"{", "text": b'"x"'}.items():
        title = (f"清单载荷是 {name}", f"A list's payload is {name}")
        row.bad(f"payload-{name}", *title, usual(), *MISSING, **served(status_list(raw=payload)))
    _true_but_large(row)
    row.bad(
        "not-served",
        "没有清单可取",
        "No list to be had",
        usual(),
        *MISSING,
        status_lists={URI: None},
    )
    return row


def _true_but_large(row: Row) -> None:
    title = ("真实的清单超过 4 MiB", "A true list beyond 4 MiB")
    large = served(status_list(note="x" * 3_300_000))
    row.bad("true-list-beyond-4-mib", *title, usual(), *MISSING, **large)
    title = ("真实的清单含十万个值", "A true list that holds a hundred thousand values")
    many = served(status_list(note=[[0] * 1000] * 100))
    row.bad("true-list-of-many-values", *title, usual(), *MISSING, **many)
    title = ("真实的长清单含非 ASCII 字符", "A true long list with one character beyond ASCII")
    wide = served(status_list(note="x" * 70_000 + "示"))
    row.bad("true-list-long-and-not-ascii", *title, usual(), *MISSING, **wide)
    row.good(
        "long-list", "长清单", "A long list", usual(), **served(status_list(note="x" * 70_000))
    )


def _bomb(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(1024 * 1024)
    return b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush()


def _claims() -> dict[str, dict[str, Any]]:
    lst = b64u(zlib.compress(bytes(1000), 9))
    return {
        "sub-missing": {"sub": ...},
        "sub-number": {"sub": 1},
        "iat-missing": {"iat": ...},
        "exp-null": {"exp": None},
        "ttl-null": {"ttl": None},
        "ttl-zero": {"ttl": 0},
        "ttl-negative": {"ttl": -1},
        "version-null": {"version": None},
        "status-list-missing": {"status_list": ...},
        "status-list-null": {"entry": "x"},
        "status-list-array": {"entry": [2, lst]},
        "bits-missing": {"entry": {"lst": lst}},
        "lst-missing": {"entry": {"bits": 2}},
        "lst-number": {"entry": {"bits": 2, "lst": 1}},
        "lst-array": {"entry": {"bits": 2, "lst": [0, 0]}},
    }


def _indexes() -> Row:
    row = Row("T38", "threats.md T38; Token Status List sections 6.1 and 8.3")
    row.good("first", "第一个下标", "The first index", usual(status=status(0)))
    row.good("last", "最后一个下标", "The last index", usual(status=status(ENTRIES - 1)))
    for name, idx in {
        "one-beyond": ENTRIES,
        "far-beyond": 10**9,
        "largest-integer": 2**53 - 1,
    }.items():
        title = (f"下标在清单之外：{name}", f"An index outside the list: {name}")
        row.bad(f"idx-{name}", *title, usual(status=status(idx)), "malformed", "status")
    wrong: dict[str, Any] = {
        "negative": -1,
        "minus-the-length": -ENTRIES,
        "true": True,
        "false": False,
        "fraction": 7.0,
        "half": 7.5,
        "string": "7",
        "hex-string": "0x7",
        "null": None,
        "list": [7],
        "object": {"idx": 7},
        "empty-string": "",
    }
    for name, idx in wrong.items():
        title = (f"下标不是非负整数：{name}", f"An index that is no number from 0: {name}")
        row.bad(f"idx-{name}", *title, usual(status=status(idx)), "malformed", "status_reference")
    for name, idx in {
        "two-to-the-53": 2**53,
        "two-to-the-63": 2**63,
        "two-to-the-64": 2**64,
    }.items():
        title = (f"下标过大：{name}", f"An index beyond integers: {name}")
        row.bad(f"idx-{name}", *title, usual(status=status(idx)), "malformed", "payload")
    shapes: dict[str, Any] = {
        "status-null": None,
        "status-string": URI,
        "status-empty": {},
        "status-list-string": {"status_list": URI},
        "status-list-array": {"status_list": [7, URI]},
        "status-list-null": {"status_list": None},
        "idx-missing": {"status_list": {"uri": URI}},
        "uri-missing": {"status_list": {"idx": 7}},
        "uri-number": {"status_list": {"idx": 7, "uri": 1}},
        "uri-list": {"status_list": {"idx": 7, "uri": [URI]}},
        "another-mechanism": {"status_assertion": {"idx": 7, "uri": URI}},
    }
    for name, value in shapes.items():
        title = (f"status 形状不对：{name}", f"A status of another shape: {name}")
        row.bad(name, *title, token(claims(status=value)), "malformed", "status_reference")
    return row


# Token Status List section 4.1: the example arrays.
_ONE_BIT = bytes([0xB9, 0xA3])
_TWO_BITS = bytes([0xC9, 0x44, 0xF9])


def _widths() -> Row:
    row = Row("T41", "threats.md T41; Token Status List sections 4.1 and 7.1")
    for width, idx in ((1, 1), (2, 1), (4, 1), (8, 1)):
        made = served(status_list({0: 1, 2: 1}, width=width, data=bits({0: 1, 2: 1}, width, 1024)))
        row.good(
            f"bits-{width}",
            f"{width} 位，此项有效",
            f"{width} bits, this entry is valid",
            usual(status=status(idx)),
            **made,
        )
        row.bad(
            f"bits-{width}-revoked",
            f"{width} 位，此项已吊销",
            f"{width} bits, this entry is revoked",
            usual(status=status(2)),
            "revoked",
            "status",
            **made,
        )
    for number, value in enumerate((1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1)):
        made = served(status_list(data=_ONE_BIT, width=1))
        _by_value(row, f"standard-one-bit-{number:02}", number, value, made)
    for number, value in enumerate((1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3)):
        made = served(status_list(data=_TWO_BITS))
        _by_value(row, f"standard-two-bits-{number:02}", number, value, made)
    for width, value in ((4, 4), (4, 15), (8, 4), (8, 255), (4, 12)):
        made = served(status_list(width=width, data=bits({7: value}, width, 1024)))
        title = (
            f"{width} 位的值 {value} 含义未定：绝不作有效",
            f"{width} bits of value {value} mean some ending",
        )
        row.bad(f"bits-{width}-value-{value}", *title, usual(), "revoked", "status", **made)
    for name, width in {
        "zero": 0,
        "three": 3,
        "five": 5,
        "sixteen": 16,
        "minus-one": -1,
        "minus-two": -2,
        "string": "2",
        "true": True,
        "null": None,
        "fraction": 2.0,
        "list": [2],
    }.items():
        title = (f"位宽不在 1、2、4、8：{name}", f"A width that is none of 1, 2, 4, 8: {name}")
        row.bad(f"width-{name}", *title, usual(), *MISSING, **served(status_list(width=width)))
    data = bytes([0, 0b0100_0000]) + bytes(1022)
    title = ("低位在前：此处第 7 项已吊销", "Least significant bits first: this is entry 7")
    row.bad("bit-order", *title, usual(), "revoked", "status", **served(status_list(data=data)))
    data = bytes([0, 0b0000_0001]) + bytes(1022)
    row.good(
        "bit-order-mirrored",
        "高位在前的读法会误作吊销",
        "A reader of the other order would call it revoked",
        usual(),
        **served(status_list(data=data)),
    )
    for name, idx, code in (
        ("revoked", REVOKED, "revoked"),
        ("suspended", SUSPENDED, "suspended"),
        ("superseded", SUPERSEDED, "superseded"),
    ):
        row.bad(name, f"状态：{name}", f"Status: {name}", usual(status=status(idx)), code, "status")
    title = ("吊销且清单过期：仍为吊销", "Revoked by a stale list: still revoked")
    old = served(status_list(iat=NOW - 90_000, exp=NOW - 3600))
    row.bad(
        "revoked-by-a-stale-list", *title, usual(status=status(REVOKED)), "revoked", "status", **old
    )
    row.bad(
        "superseded-by-a-stale-list",
        "换发且清单过期：仍为换发",
        "Superseded by a stale list: still so",
        usual(status=status(SUPERSEDED)),
        "superseded",
        "status",
        **old,
    )
    row.bad(
        "suspended-by-a-stale-list",
        "暂停且清单过期：待查",
        "Suspended by a stale list: unknown",
        usual(status=status(SUSPENDED)),
        "status_stale",
        "status_list",
        **old,
    )
    return row


def _by_value(row: Row, name: str, idx: int, value: int, made: dict[str, Any]) -> None:
    text = usual(status=status(idx))
    title = (f"标准例子第 {idx} 项为 {value}", f"Entry {idx} of the standard's example is {value}")
    if value == 0:
        row.good(name, *title, text, **made)
    else:
        code = {1: "revoked", 2: "suspended", 3: "superseded"}[value]
        row.bad(name, *title, text, code, "status", **made)
