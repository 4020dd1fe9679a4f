"""T45 and T47 seen from a verdict: trust data that is old, absent or misplaced."""

from typing import Any

from signing import STRANGER
from tokens import (
    BASE,
    DAY,
    LEGAL,
    NOW,
    POLICE_ISS,
    POLICE_USCC,
    USCC,
    sd,
    token,
    usual,
)
from vector import Row
from worlds import PATH, POLICE_PATH, record, trust

REFUSED = ("trust_unavailable", "issuer")
DUE = {"as_of": NOW - 400, "expires": NOW + DAY, "refresh_due": NOW - 100}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_ages(), _places()]


def _ages() -> Row:
    row = Row("T45", "threats.md T45; docs/verification.md, data that is old")
    row.good("fresh", "信任清单新鲜", "Fresh trust data", usual())
    row.good(
        "due-but-listed",
        "到更新时间，机关在册",
        "Due for renewal, the issuer is listed",
        usual(),
        trust=DUE,
    )
    row.good(
        "expires-next-second", "下一秒过期", "It ends in a second", usual(), trust=trust(NOW - 5, 6)
    )
    row.good(
        "expired-but-accepted",
        "已过期而规则准许",
        "Expired, and the policy accepts it",
        usual(),
        trust=trust(NOW - 3 * DAY),
        policy={"max_trust_age": 7 * DAY},
    )
    stale = ("trust_stale", "trust")
    row.bad(
        "expires-this-second", "此刻过期", "It ends now", usual(), *stale, trust=trust(NOW - 5, 5)
    )
    row.bad(
        "expired-a-month",
        "过期一个月",
        "Expired for a month",
        usual(),
        *stale,
        trust=trust(NOW - 31 * DAY),
    )
    row.bad(
        "too-old-by-policy",
        "规则要求更新",
        "Too old for the policy",
        usual(),
        *stale,
        policy={"max_trust_age": 4},
    )
    row.good(
        "at-its-oldest-by-policy",
        "恰在规则限内",
        "As old as the policy lets it be",
        usual(),
        policy={"max_trust_age": 5},
    )
    row.bad(
        "none", "没有信任清单", "No trust data", usual(), "trust_unavailable", "trust", trust=None
    )
    never: dict[str, Any] = {PATH: {"never_fetched": True}}
    row.bad(
        "record-never-fetched",
        "机关记录从未取得",
        "A record that was never fetched",
        usual(),
        *REFUSED,
        records=never,
    )
    title = ("规则要求更新，且查无此机关", "Too old for the policy, and no such issuer")
    row.bad(
        "too-old-by-policy-and-issuer-absent",
        *title,
        usual(iss=f"{BASE}i/119999000000000279"),
        *stale,
        policy={"max_trust_age": 4},
    )
    soft = {
        "issuer-absent": (usual(iss=f"{BASE}i/119999000000000279"), {}, "issuer"),
        "key-absent": (token(sd(LEGAL), LEGAL, key=STRANGER), {}, "key"),
        "right-absent": (usual(vct=f"{BASE}vct/food-permit/1"), {}, "right"),
    }
    for name, (text, more, check) in soft.items():
        title = (f"到更新时间而查无：{name}", f"Absent while renewal is due: {name}")
        row.bad(f"{name}-while-due", *title, text, "trust_stale", check, trust=DUE, **more)
    row.bad(
        "issuer-absent",
        "查无此机关",
        "No such issuer",
        soft["issuer-absent"][0],
        "issuer_unknown",
        "issuer",
    )
    row.bad("key-absent", "查无此密钥", "No such key", soft["key-absent"][0], "key_unknown", "key")
    row.bad(
        "right-absent",
        "查无此权限",
        "No such right",
        soft["right-absent"][0],
        "issuer_not_authorised",
        "right",
    )
    title = ("过期的信任清单与坏签名：无效为先", "Stale trust and a bad signature: INVALID first")
    broken = token(sd(LEGAL), LEGAL, signature=bytes(64))
    row.bad(
        "stale-and-bad-signature",
        *title,
        broken,
        "signature_invalid",
        "signature",
        trust=trust(NOW - 31 * DAY),
    )
    return row


def _places() -> Row:
    row = Row("T47", "threats.md T47 and T49; architecture.md, Trust")
    alias = f"{BASE}old/i/{USCC}"
    row.good(
        "alias",
        "曾用标识",
        "A former identifier",
        usual(iss=alias),
        records={PATH: record(aliases=[alias])},
    )
    row.good(
        "directory-in-the-path",
        "路径更深的标识",
        "An identifier deeper down",
        usual(iss=f"{BASE}a/i/{USCC}"),
        records={PATH: record(iss=f"{BASE}a/i/{USCC}")},
    )
    title = ("甲的记录放在乙的位置", "One office's record in another's place")
    row.bad(
        "record-in-anothers-place",
        *title,
        usual(iss=POLICE_ISS),
        *REFUSED,
        records={POLICE_PATH: record(aliases=[POLICE_ISS])},
    )
    title = ("记录属于同号异址的机关", "A record of the same code at another host")
    other = record(iss=f"https://other.example/i/{USCC}")
    row.bad(
        "same-code-other-host", *title, usual(), "issuer_unknown", "issuer", records={PATH: other}
    )
    row.bad(
        "record-absent",
        "没有记录",
        "No record",
        usual(),
        "issuer_unknown",
        "issuer",
        records={PATH: None},
    )
    row.bad(
        "alias-not-listed",
        "未登记的曾用标识",
        "A former identifier nobody listed",
        usual(iss=alias),
        "issuer_unknown",
        "issuer",
    )
    for name, changes in {
        "uscc-of-another": {"uscc": POLICE_USCC},
        "division-of-another": {"division": "999800"},
        "uscc-and-division-of-another": {"uscc": POLICE_USCC, "division": "999800"},
    }.items():
        title = (f"记录自相矛盾：{name}", f"A record that contradicts itself: {name}")
        row.bad(f"record-{name}", *title, usual(), *REFUSED, records={PATH: record(**changes)})
    return row
