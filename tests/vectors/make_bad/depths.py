"""T15: depth and width."""

from typing import Any

from signing import b64u, js
from tokens import (
    claim,
    claims,
    digest,
    line,
    salt,
    sd,
    token,
    usual,
)
from vector import Row
from worlds import PATH, served, status_list


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_depth()]


def _nest(depth: int, kind: str = "array") -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value] if kind == "array" else {"a": value}
    return value


def _depth() -> Row:
    row = Row("T15", "threats.md T15; RFC 8259 section 9")
    row.good("depth-sixteen", "嵌套 16 层", "16 levels", token(claims(extra=_nest(15))))
    row.good(
        "depth-sixteen-objects",
        "对象嵌套 16 层",
        "16 levels of objects",
        token(claims(extra=_nest(15, "object"))),
    )
    row.good(
        "members-256",
        "256 个成员",
        "256 members",
        token(claims(extra={f"m{n}": n for n in range(256)})),
    )
    row.good("array-1024", "1024 个元素", "1,024 elements", token(claims(extra=list(range(1024)))))
    row.good(
        "brackets-in-strings",
        "文本中的括号不算层数",
        "Brackets in strings are text",
        token(claims(extra='[[[[{{{{"\\' * 100)),
    )
    row.good(
        "disclosures-sixteen-deep",
        "披露嵌套至 16 层",
        "Disclosures nested to 16 levels",
        _nested_disclosures(15),
    )
    bad = ("malformed", "payload")
    made = token(claims(extra=_nest(16)))
    row.bad("depth-seventeen", "嵌套 17 层", "17 levels", made, *bad)
    made = token(claims(extra=_nest(16, "object")))
    row.bad("depth-seventeen-objects", "对象嵌套 17 层", "17 levels of objects", made, *bad)
    made = token(claims(extra={f"m{n}": n for n in range(257)}))
    row.bad("members-257", "257 个成员", "257 members", made, *bad)
    many = {f"member-{n}": 0 for n in range(600)}
    row.bad("members-600", "600 个成员", "600 members", token(claims(extra=many)), *bad)
    wide = list(range(1025))
    row.bad("array-1025", "1025 个元素", "1,025 elements", token(claims(extra=wide)), *bad)
    wide = [1] * 15_000
    row.bad("array-15000", "15000 个元素", "15,000 elements", token(claims(extra=wide)), *bad)
    made = token(claims(extra={"a": [[0] * 1025]}))
    row.bad("array-1025-deep", "深处 1025 个元素", "1,025 elements deep inside", made, *bad)
    _bombs(row)
    return row


def _bombs(row: Row) -> None:
    bad = ("malformed", "payload")
    for name, text in {
        "open-arrays": b"[" * 40_000,
        "open-objects": b'{"a":' * 8_000,
        "closed-arrays": b"[" * 20_000 + b"]" * 20_000,
        "mixed": b'[{"a":' * 6_000,
        "open-array-in-member": js(claims())[:-1] + b',"extra":' + b"[" * 30_000,
        "escaped-quote-then-arrays": b'{"a":"\\\\' + b'",' + b'"b":' + b"[" * 30_000,
        "unbalanced": js(claims())[:-1] + b',"extra":[[[[[[[[[[[[[[[[[]}',
    }.items():
        title = (f"深层嵌套轰炸：{name}", f"A bomb of nesting: {name}")
        row.bad(f"bomb-{name}", *title, token(text), *bad)
    made = "~".join(("e30.e30.AAAA", b64u(b"[" * 30_000), ""))
    row.bad("bomb-in-disclosure", "披露内轰炸", "A bomb in a disclosure", made, "malformed", None)
    odd = b64u(b"[" * 30_000)
    made = token(sd(odd), odd)
    title = ("已签名摘要的披露内轰炸", "A bomb in a disclosure that is signed for")
    row.bad("bomb-in-signed-disclosure", *title, made, "malformed", "disclosures")
    made = token(claims(), header=b"[" * 5_000)
    row.bad("bomb-in-header", "头部轰炸", "A bomb in the header", made, "malformed", "grammar")
    made = _nested_disclosures(17)
    title = ("披露套披露超过 16 层", "Disclosures nested beyond 16 levels")
    row.bad("disclosures-too-deep", *title, made, "disclosure_invalid", "disclosures")
    row.bad(
        "disclosures-a-hundred-deep",
        "披露嵌套 100 层",
        "Disclosures 100 deep",
        _nested_disclosures(100),
        "disclosure_invalid",
        "disclosures",
    )
    wide = line(salt("wide"), "list", [0] * 1025)
    row.bad(
        "array-1025-in-disclosure",
        "披露含 1025 个元素",
        "1,025 elements in a disclosure",
        token(sd(wide), wide),
        "malformed",
        "disclosures",
    )
    lots = claim("object", {f"m{n}": n for n in range(257)})
    row.bad(
        "members-257-in-disclosure",
        "披露含 257 个成员",
        "257 members in a disclosure",
        token(sd(lots), lots),
        "malformed",
        "disclosures",
    )
    bomb = status_list(raw=b'{"sub":' + b"[" * 50_000)
    row.bad(
        "bomb-in-status-list",
        "状态清单内轰炸",
        "A bomb in a status list",
        usual(),
        "status_unavailable",
        "status_list",
        **served(bomb),
    )
    row.bad(
        "bomb-in-record",
        "信任记录内轰炸",
        "A bomb in a trust record",
        usual(),
        "trust_unavailable",
        "issuer",
        records={PATH: "[" * 50_000},
    )


def _nested_disclosures(levels: int) -> str:
    """One claim in another, each disclosed by its own line."""
    lines = [claim("leaf", "x", "leaf")]
    for level in range(levels - 1):
        lines.append(claim("inner", {"_sd": [digest(lines[-1])]}, level))
    return token(sd(lines[-1]), *reversed(lines))
