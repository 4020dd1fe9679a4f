"""T40 lists that go back or stand still, T42 indexes used again."""

from typing import Any

from signing import CERT, STATUS, Key
from tokens import DAY, NOW, REVOKED, SUSPENDED, URI, status, token, usual
from tokens import claims as licence
from vector import Row
from worlds import PATH, VALUES, key_record, record, served, status_list

HOUR = 3600


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_replay(), _reuse()]


def _at(moment: int, values: dict[int, int], version: Any, **more: Any) -> str:
    return status_list(values, iat=moment, exp=moment + DAY, version=version, **more)


def _seen(text: str, now: int = NOW - 1000, **more: Any) -> list[dict[str, Any]]:
    """An earlier check by the same reader, while this list was served."""
    return [{"now": now, "status_lists": {URI: text}, **more}]


def _replay() -> Row:
    row = Row("T40", "threats.md T40; wire-formats.md, Status; Token Status List section 13.7")
    row.good("fresh", "清单新鲜", "A fresh list", usual())
    cleared = _seen(_at(NOW - 1100, {7: 2}, 4))
    row.good(
        "suspension-cleared",
        "暂停已解除",
        "A suspension that was lifted",
        usual(),
        before=cleared,
        **served(_at(NOW - 60, {}, 5)),
    )
    row.good(
        "no-version",
        "清单没有 version",
        "A list without a version",
        usual(),
        **served(_at(NOW - 60, {}, ...)),
    )
    row.good(
        "exp-next-second",
        "清单下一秒到期",
        "A list that ends in a second",
        usual(),
        **served(status_list(exp=NOW + 1)),
    )
    row.good(
        "old-by-policy",
        "规则准许更旧的清单",
        "An ended list that the policy accepts",
        usual(),
        policy={"max_status_age": 3 * DAY},
        **served(status_list(iat=NOW - 2 * DAY, exp=NOW - DAY)),
    )
    row.good(
        "no-exp",
        "清单无 exp：一天内有效",
        "No exp: good for a day",
        usual(),
        **served(status_list(exp=..., iat=NOW - DAY + 1)),
    )
    new = _at(NOW - 1100, {7: 1}, 6)
    old = _at(NOW - 2000, {}, 5)
    gone = ("revoked", "status")
    title = ("见过吊销后重放旧清单", "An old list again after a revocation was seen")
    row.bad("old-list-after-revocation", *title, usual(), *gone, before=_seen(new), **served(old))
    title = (
        "见过吊销后新清单又称有效：吊销是永久的",
        "A newer list says valid again: revoked is for ever",
    )
    row.bad("flapping", *title, usual(), *gone, before=_seen(new), **served(_at(NOW - 60, {}, 7)))
    title = ("见过吊销后新清单称暂停", "A newer list says suspended after a revocation")
    row.bad(
        "flapping-to-suspended",
        *title,
        usual(),
        *gone,
        before=_seen(new),
        **served(_at(NOW - 60, {7: 2}, 7)),
    )
    title = ("见过吊销后清单取不到", "Revoked once, and no list to be had now")
    row.bad(
        "list-gone-after-revocation",
        *title,
        usual(),
        *gone,
        before=_seen(new),
        status_lists={URI: None},
    )
    title = ("见过吊销后清单损坏", "Revoked once, and a broken list served now")
    row.bad(
        "broken-list-after-revocation", *title, usual(), *gone, before=_seen(new), **served("x")
    )
    held = ("suspended", "status")
    suspended = _seen(_at(NOW - 1100, {7: 2}, 6))
    title = ("见过暂停后重放旧清单", "An old list again after a suspension")
    row.bad("old-list-after-suspension", *title, usual(), *held, before=suspended, **served(old))
    title = ("版本号相同而更早签发", "The same version, signed earlier")
    row.bad(
        "same-version-signed-earlier",
        *title,
        usual(),
        *held,
        before=suspended,
        **served(_at(NOW - 2000, {}, 6)),
    )
    title = ("版本更旧而签发更晚", "A lower version, signed later")
    row.bad(
        "lower-version-signed-later",
        *title,
        usual(),
        *held,
        before=suspended,
        **served(_at(NOW - 60, {}, 5)),
    )
    title = ("无版本号而更早签发", "No version, signed earlier")
    row.bad(
        "no-version-signed-earlier",
        *title,
        usual(),
        *held,
        before=suspended,
        **served(_at(NOW - 2000, {}, ...)),
    )
    title = ("暂停后清单取不到", "Suspended, and no list to be had now")
    row.bad(
        "list-gone-after-suspension",
        *title,
        usual(),
        *held,
        before=suspended,
        status_lists={URI: None},
    )
    title = ("暂停后清单损坏", "Suspended, and a forged list served now")
    row.bad(
        "forged-list-after-suspension",
        *title,
        usual(),
        *held,
        before=suspended,
        **served(_at(NOW - 60, {}, 7, signature=bytes(64))),
    )
    _stale(row)
    return row


def _stale(row: Row) -> None:
    bad = ("status_stale", "status_list")
    row.bad(
        "exp-this-second",
        "清单此刻到期",
        "A list that ends now",
        usual(),
        *bad,
        **served(status_list(exp=NOW)),
    )
    row.bad(
        "exp-yesterday",
        "清单昨天到期",
        "A list that ended yesterday",
        usual(),
        *bad,
        **served(status_list(iat=NOW - 2 * DAY, exp=NOW - DAY)),
    )
    row.bad(
        "no-exp-a-day-old",
        "清单无 exp，已满一天",
        "No exp, a day old",
        usual(),
        *bad,
        **served(status_list(exp=..., iat=NOW - DAY)),
    )
    row.bad(
        "too-old-by-policy",
        "规则要求更新的清单",
        "Too old for the policy",
        usual(),
        *bad,
        policy={"max_status_age": 59},
    )
    row.bad(
        "exp-before-iat",
        "清单到期早于签发",
        "A list that ended before it began",
        usual(),
        *bad,
        **served(status_list(exp=NOW - 120)),
    )
    title = ("清单被扣住不更新", "Updates suppressed: the list at hand ended")
    row.bad(
        "frozen",
        *title,
        usual(),
        *bad,
        before=_seen(_at(NOW - DAY - HOUR, {}, 5), now=NOW - DAY),
        status_lists={URI: None},
    )
    row.good(
        "at-its-oldest-by-policy",
        "恰在规则限内",
        "As old as the policy lets it be",
        usual(),
        policy={"max_status_age": 60},
    )


def _reuse() -> Row:
    row = Row("T42", "threats.md T42; Token Status List section 13.2")
    first, second = usual(), token(licence(name="另一家公司"))
    row.good(
        "neighbours",
        "相邻下标互不影响",
        "A neighbour's status says nothing",
        usual(status=status(REVOKED - 1)),
    )
    row.good(
        "unused-index", "从未用过的下标", "An index nobody uses", usual(status=status(100_000))
    )
    taken = served(status_list({**VALUES, 7: 1}))
    gone = ("revoked", "status")
    row.bad(
        "shared-index-first",
        "两证同下标，一并吊销：甲",
        "Two certificates of one index: the first",
        first,
        *gone,
        **taken,
    )
    row.bad(
        "shared-index-second",
        "两证同下标，一并吊销：乙",
        "Two certificates of one index: the second",
        second,
        *gone,
        **taken,
    )
    seen = _seen(_at(NOW - 1100, {7: 1}, 4))
    title = ("被吊销者的下标重新发放", "The index of a revoked certificate given out again")
    row.bad("recycled-index", *title, second, *gone, before=seen, **served(_at(NOW - 60, {}, 5)))
    row.bad(
        "recycled-index-new-list-key",
        "下标重发且换了状态密钥",
        "Given out again under a new status key",
        second,
        *gone,
        before=seen,
        records=_second_key(),
        **served(_at(NOW - 60, {}, 5, key=Key("regulator status 2"))),
    )
    title = ("恢复旧备份后的清单", "A list restored from yesterday's backup")
    restored = _seen(_at(NOW - 1100, {7: 2}, 400))
    row.bad(
        "list-restored-from-backup",
        *title,
        first,
        "suspended",
        "status",
        before=restored,
        **served(_at(NOW - 60, {}, 395)),
    )
    row.bad(
        "suspended-neighbours",
        "下标错一位即暂停",
        "One index off is suspended",
        usual(status=status(SUSPENDED)),
        "suspended",
        "status",
    )
    row.bad(
        "index-of-the-longer-list",
        "下标属于更长的清单",
        "An index of the longer list",
        usual(status=status(5000)),
        "malformed",
        "status",
        **served(status_list(data=bytes(1000))),
    )
    return row


def _second_key() -> dict[str, Any]:
    keys = [
        key_record(CERT),
        key_record(STATUS, "status"),
        key_record(Key("regulator status 2"), "status"),
    ]
    return {PATH: record(keys=keys)}
