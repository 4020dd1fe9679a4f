"""T14: numbers that are none, and things in a number's place."""

from signing import js
from tokens import NOW, claim, claims, sd, status, token, usual
from vector import Row
from worlds import PATH, raw, record, served, status_list, with_key

BAD = ("malformed", "payload")


def rows() -> list[Row]:
    """Vectors of this module."""
    row = Row("T14", "threats.md T14; RFC 8259 section 6; RFC 7519 section 2")
    row.good("integer", "整数", "Integers", usual())
    row.good("no-exp", "长期有效", "No exp", token(claims(exp=...)))
    for name, literal in {
        "fraction": b"1.5",
        "small-exponent": b"1e-7",
        "largest-integer": b"9007199254740991",
        "smallest-integer": b"-9007199254740991",
        "shortest-double": b"1.7976931348623157e308",
        "negative-zero": b"-0",
    }.items():
        made = token(_spelled("extra", literal))
        row.good(f"extra-{name}", f"其他成员：{name}", f"Another member: {name}", made)
    _not_json(row)
    _types(row)
    _elsewhere(row)
    return [row]


def _spelled(name: str, literal: bytes) -> bytes:
    """The payload with this very text as a member's value."""
    return js(claims(**{name: "@"})).replace(b'"@"', literal)


def _not_json(row: Row) -> None:
    for name, literal in {
        "nan": b"NaN",
        "infinity": b"Infinity",
        "minus-infinity": b"-Infinity",
        "beyond-double": b"1e400",
        "minus-beyond-double": b"-1e400",
        "two-to-the-53": b"9007199254740992",
        "minus-two-to-the-53": b"-9007199254740992",
        "two-to-the-63": b"9223372036854775808",
        "two-to-the-64": b"18446744073709551616",
        "thirty-digits": b"1" * 30,
        "five-thousand-digits": b"1" * 5000,
        "forty-digit-fraction": b"0." + b"1" * 40,
        "leading-zero": b"01",
        "plus-sign": b"+1",
        "hexadecimal": b"0x10",
        "underscore": b"1_000",
        "no-integer-part": b".5",
        "no-fraction": b"5.",
        "no-exponent": b"1e",
        "arabic-digits": "١٢".encode(),
        "full-width-digits": "１２".encode(),
        "undefined": b"undefined",
        "true-capital": b"True",
        "none": b"None",
        "single-quotes": b"'x'",
        "comment": b"1/*x*/",
        "trailing-comma": b"[1,]",
        "expression": b"1+1",
    }.items():
        made = token(_spelled("extra", literal))
        title = (f"载荷含非法数值：{name}", f"The payload holds {name}")
        row.bad(f"extra-{name}", *title, made, *BAD)
    lines = {"nan": b"NaN", "beyond-double": b"1e400", "two-to-the-53": b"9007199254740992"}
    for name, literal in lines.items():
        odd = _b64(b'["c2FsdHNhbHRzYWx0c2FsdA","registered_capital",%s]' % literal)
        title = (f"披露含非法数值：{name}", f"A disclosure holds {name}")
        row.bad(f"disclosed-{name}", *title, token(sd(odd), odd), "malformed", "disclosures")
    for name, tail in {"second-value": b"{}", "text": b"x", "nul": b"\x00", "comma": b","}.items():
        made = token(js(claims()) + tail)
        title = (f"载荷之后还有内容：{name}", f"Something after the payload: {name}")
        row.bad(f"after-payload-{name}", *title, made, *BAD)


def _b64(data: bytes) -> str:
    from signing import b64u

    return b64u(data)


_WRONG: dict[str, bytes] = {
    "string": b'"%d"' % (NOW - 86_400),
    "fraction": b"%d.0" % (NOW - 86_400),
    "exponent": b"18e8",
    "true": b"true",
    "null": b"null",
    "date": b'"2027-01-15"',
    "date-time": b'"2027-01-15T08:00:00Z"',
    "list": b"[%d]" % (NOW - 86_400),
    "object": b"{}",
    "empty-string": b'""',
}


def _types(row: Row) -> None:
    for member in ("iat", "nbf", "exp"):
        for name, literal in _WRONG.items():
            made = token(_spelled(member, literal))
            title = (f"{member} 不是整数：{name}", f"{member} is no integer: {name}")
            row.bad(f"{member}-{name}", *title, made, *BAD)
    for member in ("iss", "vct", "certificate_identifier"):
        for name, literal in {"number": b"1", "null": b"null", "list": b'["x"]'}.items():
            made = token(_spelled(member, literal))
            title = (f"{member} 不是文本：{name}", f"{member} is no text: {name}")
            row.bad(f"{member.replace('_', '-')}-{name}", *title, made, *BAD)


def _elsewhere(row: Row) -> None:
    missing = ("status_unavailable", "status_list")
    for member in ("iat", "exp", "ttl", "version"):
        for name, value in {"string": "1", "true": True, "fraction": 1.5}.items():
            wrong = status_list(**{member: value})
            title = (f"状态清单 {member}：{name}", f"A status list's {member} is {name}")
            row.bad(f"list-{member}-{name}", *title, usual(), *missing, **served(wrong))
    refused = ("trust_unavailable", "issuer")
    for member, value in {"not_before": 1.5, "not_after": "1", "compromised_at": True}.items():
        slug = member.replace("_", "-")
        title = (f"密钥记录 {member} 不是整数", f"A key record's {member} is no integer")
        row.bad(
            f"key-{slug}", *title, usual(), *refused, records={PATH: with_key(**{member: value})}
        )
    for name, value in {"negative": -1, "null": None}.items():
        title = (f"密钥记录 not_before：{name}", f"A key record's not_before: {name}")
        row.bad(
            f"key-not-before-{name}",
            *title,
            usual(),
            *refused,
            records={PATH: with_key(not_before=value)},
        )
    text = raw(record()).replace('"version":1', '"version":1.0', 1)
    row.bad(
        "record-version-fraction",
        "记录版本为 1.0",
        "A record's version 1.0",
        usual(),
        *refused,
        records={PATH: text},
    )
    wide = claim("registered_capital", 1)
    made = token(sd(wide, status=status(True)), wide)
    row.bad("idx-true", "idx 为 true", "idx is true", made, "malformed", "status_reference")
