"""T27 duplicates, T28 strays, T29 misshapen disclosures."""

from typing import Any

from signing import b64u, js
from tokens import (
    LEGAL,
    SHARE,
    claim,
    claims,
    digest,
    element,
    line,
    salt,
    sd,
    token,
    usual,
)
from vector import Row

BAD = ("disclosure_invalid", "disclosures")
DECOY = digest("decoy")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_duplicates(), _strays(), _shapes()]


def _duplicates() -> Row:
    row = Row("T27", "threats.md T27; RFC 9901 section 7.1, steps 3.c and 4")
    row.good(
        "each-once",
        "每个摘要、披露各一次",
        "Each digest and disclosure once",
        token(sd(LEGAL, SHARE), LEGAL, SHARE),
    )
    row.good(
        "decoys-differ",
        "两个不同的诱饵摘要",
        "Two different decoys",
        token(sd(LEGAL, _sd=sorted([digest(LEGAL), DECOY, digest("d2")])), LEGAL),
    )
    both = [digest(LEGAL), digest(LEGAL)]
    held = element("x")
    inner = claim("inner", "x")
    outer = claim("outer", {"_sd": [digest(inner), digest(inner)]})
    across = claim("outer", {"_sd": [digest(LEGAL)]})
    cases: dict[str, tuple[str, str]] = {
        "same-disclosure-twice": ("同一披露两次", token(sd(LEGAL), LEGAL, LEGAL)),
        "same-disclosure-apart": ("同一披露隔开两次", token(sd(LEGAL, SHARE), LEGAL, SHARE, LEGAL)),
        "digest-twice": ("同一摘要两次", token(sd(LEGAL, _sd=both), LEGAL)),
        "digest-twice-withheld": ("同一摘要两次，均未披露", token(sd(LEGAL, _sd=both))),
        "decoy-twice": (
            "同一诱饵摘要两次",
            token(sd(LEGAL, _sd=[DECOY, digest(LEGAL), DECOY]), LEGAL),
        ),
        "digest-in-two-objects": (
            "两处 _sd 同一摘要",
            token(sd(LEGAL, address={"_sd": [digest(LEGAL)]}), LEGAL),
        ),
        "digest-in-sd-and-array": (
            "_sd 与数组同一摘要",
            token(sd(held, list=[{"...": digest(held)}]), held),
        ),
        "element-twice": (
            "数组中同一摘要两次",
            token(claims(list=[{"...": digest(held)}] * 2), held),
        ),
        "element-in-two-arrays": (
            "两数组同一摘要",
            token(claims(a=[{"...": digest(held)}], b=[{"...": digest(held)}]), held),
        ),
        "nested-digest-twice": ("披露内同一摘要两次", token(sd(outer), outer, inner)),
        "digest-inside-and-outside": ("披露内外同一摘要", token(sd(LEGAL, across), LEGAL, across)),
        "decoy-in-a-disclosure-too": (
            "诱饵摘要在披露内再现",
            token(
                sd(
                    line(salt(1), "o", {"_sd": [DECOY]}),
                    _sd=[DECOY, digest(line(salt(1), "o", {"_sd": [DECOY]}))],
                ),
                line(salt(1), "o", {"_sd": [DECOY]}),
            ),
        ),
    }
    _add(row, cases)
    return row


def _add(
    row: Row, cases: dict[str, tuple[str, str]], code: str = BAD[0], check: str = BAD[1]
) -> None:
    for name, (zh, text) in cases.items():
        row.bad(name, zh, name.replace("-", " "), text, code, check)


def _strays() -> Row:
    row = Row("T28", "threats.md T28; RFC 9901 section 7.1, step 5")
    row.good("all-referenced", "披露均有摘要", "Every disclosure has its digest", usual())
    row.good(
        "withheld",
        "未披露者留摘要",
        "A withheld claim leaves a digest",
        token(sd(LEGAL, SHARE), LEGAL),
        claims=claims(legal_representative="张三"),
    )
    inner = claim("inner", "x")
    outer = claim("outer", {"_sd": [digest(inner)]})
    row.good(
        "nested",
        "披露套披露",
        "A disclosure in a disclosure",
        token(sd(outer), outer, inner),
        claims=claims(outer={"inner": "x"}),
    )
    row.good(
        "nested-in-any-order",
        "先内后外亦可",
        "The inner one first",
        token(sd(outer), inner, outer),
        claims=claims(outer={"inner": "x"}),
    )
    held = element("x")
    cases: dict[str, tuple[str, str]] = {
        "no-digest-at-all": ("载荷无摘要", token(claims(), LEGAL)),
        "digest-of-another": ("只有别的摘要", token(sd(SHARE), SHARE, LEGAL)),
        "beside-a-decoy": ("只有诱饵摘要", token(sd(_sd=[DECOY]), LEGAL)),
        "empty-sd": ("_sd 为空", token(sd(), LEGAL)),
        "inner-without-outer": ("只给内层披露", token(sd(outer), inner)),
        "digest-in-a-string": ("摘要只出现在文本里", token(claims(note=digest(LEGAL)), LEGAL)),
        "digest-in-a-plain-array": (
            "摘要只是数组中的文本",
            token(claims(list=[digest(LEGAL)]), LEGAL),
        ),
        "digest-under-another-name": (
            "摘要在 sd 而非 _sd",
            token(claims(sd=[digest(LEGAL)]), LEGAL),
        ),
        "array-element-withheld": ("数组元素无摘要", token(claims(list=[{"...": DECOY}]), held)),
        "own-digest-inside": (
            "披露以自身内容引用自己",
            token(sd(), claim("x", {"_sd": [digest(LEGAL)]})),
        ),
        "pair-referencing-each-other": (
            "两披露互相引用",
            token(sd(), claim("a", {"_sd": [digest(LEGAL)]}), LEGAL),
        ),
        "one-of-many": ("多个披露中有一个无摘要", token(sd(LEGAL, SHARE), LEGAL, SHARE, inner)),
        "copied-from-another-certificate": (
            "从另一证照抄来的披露",
            token(sd(LEGAL), LEGAL, claim("name", "另一家公司", "other")),
        ),
    }
    _add(row, cases)
    return row


def _shapes() -> Row:
    row = Row("T29", "threats.md T29; RFC 9901 sections 4.2.1 and 4.2.2")
    held = element({"a": [1, None]})
    row.good("claim", "声明披露为三项", "A claim's disclosure has three items", usual())
    row.good(
        "array-element",
        "数组元素披露为两项",
        "An element's disclosure has two",
        token(claims(list=["a", {"...": digest(held)}]), held),
        claims=claims(list=["a", {"a": [1, None]}]),
    )
    s = salt("shape")
    odd: dict[str, tuple[str, Any]] = {
        "named-sd": ("名为 _sd", [s, "_sd", ["x"]]),
        "named-sd-alg": ("名为 _sd_alg", [s, "_sd_alg", "md5"]),
        "named-dots": ("名为 ...", [s, "...", "x"]),
        "name-number": ("名为数字", [s, 1, "x"]),
        "name-null": ("名为 null", [s, None, "x"]),
        "name-list": ("名为列表", [s, ["name"], "x"]),
        "name-object": ("名为对象", [s, {}, "x"]),
        "name-true": ("名为 true", [s, True, "x"]),
        "salt-number": ("盐为数字", [1, "name_en", "x"]),
        "salt-null": ("盐为 null", [None, "name_en", "x"]),
        "salt-list": ("盐为列表", [[s], "name_en", "x"]),
        "two-items-in-sd": ("_sd 下只有两项", [s, "x"]),
        "four-items": ("四项", [s, "name_en", "x", "y"]),
        "one-item": ("一项", [s]),
        "no-items": ("零项", []),
        "object": ("是对象", {"salt": s, "name_en": "x"}),
        "string": ("是文本", "name_en"),
        "number": ("是数字", 1),
        "null": ("是 null", None),
    }
    for name, (zh, content) in odd.items():
        made = b64u(js(content))
        row.bad(
            f"disclosure-{name}",
            f"披露{zh}",
            f"A disclosure: {name.replace('-', ' ')}",
            token(sd(made), made),
            *BAD,
        )
    three = line(s, "name_en", "x")
    made = token(claims(list=[{"...": digest(three)}]), three)
    row.bad(
        "three-items-in-an-array",
        "数组元素披露却有三项",
        "An element's disclosure of three items",
        made,
        *BAD,
    )
    not_json = {
        "not-json": b"name_en=x",
        "empty-text": b" ",
        "cut": b'["%s","name_en","x"' % s.encode(),
        "two-values": b'["%s","name_en","x"][]' % s.encode(),
        "single-quotes": b"['%s','name_en','x']" % s.encode(),
    }
    for name, data in not_json.items():
        odd_one = b64u(data)
        title = (f"披露不是合格的 JSON：{name}", f"A disclosure that is no JSON: {name}")
        row.bad(
            f"disclosure-{name}", *title, token(sd(odd_one), odd_one), "malformed", "disclosures"
        )
    named = claim("outer", {"inner": {"_sd": "x"}})
    row.bad(
        "sd-of-another-form-inside",
        "披露内 _sd 不是数组",
        "An _sd inside a disclosure that is no array",
        token(sd(named), named),
        *BAD,
    )
    named = element({"...": DECOY})
    made = token(claims(list=[{"...": digest(named)}]), named)
    row.bad(
        "dots-as-the-element",
        "披露的元素自身是 ... 对象",
        "A disclosed element that is a ... object",
        made,
        *BAD,
    )
    return row
