"""T25 windows to the second, T26 a clock that was set back."""

from typing import Any

from signing import CERT, STATUS
from tokens import DAY, NOW, REVOKED, claims, status, token, usual
from vector import Row
from worlds import PATH, URI, key_record, record, served, status_list, trust, with_key, with_right

LAST = 253_402_300_799  # 9999-12-31T23:59:59Z


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_windows(), _clocks()]


def _windows() -> Row:
    row = Row("T25", "threats.md T25; RFC 7519 sections 4.1.4-4.1.6; wire-formats.md, Credential")
    for name, zh, changes in (
        ("exp-next-second", "下一秒到期", {"exp": NOW + 1}),
        ("nbf-this-second", "此刻生效", {"nbf": NOW}),
        ("iat-sixty-ahead", "签发时间早 60 秒以内", {"iat": NOW + 60, "nbf": NOW}),
        ("iat-this-second", "此刻签发", {"iat": NOW}),
        ("no-nbf", "没有 nbf", {"nbf": ...}),
        ("year-9999", "9999 年到期", {"exp": LAST}),
        ("beyond-year-9999", "远超 9999 年", {"exp": 2**53 - 1}),
        ("nbf-zero", "nbf 为 0", {"nbf": 0}),
        ("nbf-negative", "nbf 早于 1970 年", {"nbf": -1}),
    ):
        changes = {"iat": NOW - DAY, **changes}
        row.good(name, zh, name.replace("-", " "), token(claims(**changes)))
    for name, zh, changes, code in (
        ("exp-this-second", "此刻到期", {"exp": NOW}, "expired"),
        ("exp-last-second", "上一秒到期", {"exp": NOW - 1}, "expired"),
        ("exp-zero", "exp 为 0", {"exp": 0}, "expired"),
        ("exp-negative", "exp 为负", {"exp": -1}, "expired"),
        ("exp-before-nbf", "到期早于生效", {"exp": NOW - 5, "nbf": NOW + 5}, "expired"),
        ("exp-before-iat", "到期早于签发", {"exp": NOW - 2 * DAY}, "expired"),
        ("exp-in-milliseconds-of-1970", "exp 误以毫秒解", {"exp": NOW // 1000}, "expired"),
        ("nbf-next-second", "下一秒生效", {"nbf": NOW + 1}, "not_yet_valid"),
        ("nbf-next-year", "明年生效", {"nbf": NOW + 400 * DAY}, "not_yet_valid"),
        ("nbf-in-milliseconds", "nbf 写成毫秒", {"nbf": NOW * 1000}, "not_yet_valid"),
        ("iat-61-ahead", "签发时间早 61 秒", {"iat": NOW + 61}, "not_yet_valid"),
        ("iat-in-ten-minutes", "十分钟后签发", {"iat": NOW + 600}, "not_yet_valid"),
        ("iat-after-exp", "签发晚于到期", {"iat": NOW + 600, "exp": NOW + 300}, "not_yet_valid"),
        ("iat-in-milliseconds", "iat 写成毫秒", {"iat": NOW * 1000}, "not_yet_valid"),
    ):
        title = (zh, name.replace("-", " "))
        row.bad(name, *title, token(claims(**changes)), code, "period")
    made = token(claims(exp=NOW + 5, nbf=...))
    row.good("same-certificate-before-its-end", "到期前 5 秒", "Five seconds before its end", made)
    row.bad(
        "same-certificate-at-its-end",
        "到期之时",
        "The same at its end",
        made,
        "expired",
        "period",
        now=NOW + 5,
    )
    row.bad(
        "expired-and-revoked",
        "既到期又吊销：步骤在前者为准",
        "Expired and revoked: the earlier step says",
        token(claims(exp=NOW, status=status(REVOKED))),
        "expired",
        "period",
    )
    _other_moments(row)
    _key_windows(row)
    _right_windows(row)
    return row


def _other_moments(row: Row) -> None:
    made = token(claims(nbf=NOW - 5))
    row.good("at-a-moment-ago", "问五分钟内的另一时刻", "Asked for a moment ago", made, at=NOW - 5)
    title = ("问五分钟以前：状态清单只说明现在", "Asked for 301 s ago: a list tells of now only")
    row.bad("at-long-ago", *title, token(claims()), "log_proof_missing", "status", at=NOW - 301)
    title = ("问五分钟以后", "Asked for 301 s from now")
    row.bad("at-later", *title, token(claims()), "log_proof_missing", "status", at=NOW + 301)
    title = ("问生效以前", "Asked for a moment before it was in force")
    row.bad("at-before-nbf", *title, made, "not_yet_valid", "period", at=NOW - 6)


def _key_windows(row: Row) -> None:
    made = token(claims(iat=NOW - DAY, nbf=...))
    for name, changes in (
        ("key-begins-with-iat", {"not_before": NOW - DAY}),
        ("key-ends-after-iat", {"not_after": NOW - DAY + 1}),
        ("key-retired-since", {"not_after": NOW - 5, "state": "retired"}),
    ):
        row.good(
            name,
            "密钥有效期边界内",
            name.replace("-", " "),
            made,
            records={PATH: with_key(**changes)},
        )
    for name, changes in (
        ("key-begins-after-iat", {"not_before": NOW - DAY + 1}),
        ("key-ends-with-iat", {"not_after": NOW - DAY}),
        ("key-ended-before-iat", {"not_after": NOW - 2 * DAY}),
    ):
        title = ("签发时间在密钥有效期外", name.replace("-", " "))
        row.bad(
            name,
            *title,
            made,
            "key_not_valid_then",
            "key_period",
            records={PATH: with_key(**changes)},
        )
    for name, keys in {
        "negative": {"not_before": -1},
        "empty-window": {"not_before": 5, "not_after": 5},
        "backwards": {"not_before": 6, "not_after": 5},
    }.items():
        title = (f"密钥记录的期间不成立：{name}", f"A key record's period makes no sense: {name}")
        row.bad(
            f"key-period-{name}",
            *title,
            made,
            "trust_unavailable",
            "issuer",
            records={PATH: with_key(**keys)},
        )


def _right_windows(row: Row) -> None:
    made = token(claims(iat=NOW - DAY, nbf=..., exp=NOW + DAY))
    for name, changes in (
        ("right-begins-with-iat", {"from": NOW - DAY}),
        ("right-ends-after-iat", {"to": NOW - DAY + 1}),
        ("validity-at-its-longest", {"max_validity": 2 * DAY}),
    ):
        row.good(
            name,
            "权限期间边界内",
            name.replace("-", " "),
            made,
            records={PATH: with_right(**changes)},
        )
    for name, changes in (
        ("right-begins-after-iat", {"from": NOW - DAY + 1}),
        ("right-ends-with-iat", {"to": NOW - DAY}),
        ("validity-one-second-too-long", {"max_validity": 2 * DAY - 1}),
    ):
        title = ("超出权限期间", name.replace("-", " "))
        row.bad(
            name,
            *title,
            made,
            "issuer_not_authorised",
            "right",
            records={PATH: with_right(**changes)},
        )
    endless = token(claims(exp=...))
    title = ("权限限定期限而证照长期有效", "A bounded right, an endless certificate")
    limited = {PATH: with_right(max_validity=DAY)}
    row.bad("validity-endless", *title, endless, "issuer_not_authorised", "right", records=limited)
    for name, keys in {
        "empty-window": {"from": 5, "to": 5},
        "negative": {"from": -5},
        "no-validity": {"max_validity": 0},
        "negative-validity": {"max_validity": -1},
        "fraction": {"to": 1.5},
    }.items():
        title = (f"权限的期间不成立：{name}", f"A right's period makes no sense: {name}")
        row.bad(
            f"right-period-{name}",
            *title,
            made,
            "trust_unavailable",
            "issuer",
            records={PATH: with_right(**keys)},
        )


def _clocks() -> Row:
    row = Row("T26", "threats.md T26; docs/verification.md, check `clock`")
    year = 365 * DAY
    old = token(claims(iat=NOW - 2 * year, nbf=..., exp=NOW - year))
    row.bad(
        "expired-by-the-true-clock",
        "真实时间下已到期",
        "Expired by the true clock",
        old,
        "expired",
        "period",
        records=_old_key(),
    )
    back: dict[str, Any] = {"now": NOW - year - DAY, "records": _old_key()}
    title = ("时钟拨回以复活过期证照", "The clock set back to revive an expired certificate")
    row.bad("clock-set-back-a-year", *title, old, "clock_untrusted", "clock", **back)
    row.good(
        "clock-behind-300",
        "慢 300 秒尚可",
        "300 s behind is tolerated",
        token(claims(iat=NOW - DAY)),
        now=NOW - 305,
        trust=trust(NOW - 5),
        **served(_list_at(NOW - 400)),
    )
    made = token(claims(iat=NOW - DAY))
    row.bad(
        "clock-behind-301",
        "慢 301 秒",
        "301 s behind",
        made,
        "clock_untrusted",
        "clock",
        now=NOW - 306,
        **served(_list_at(NOW - 400)),
    )
    row.bad(
        "clock-ten-minutes-behind",
        "慢十分钟",
        "Ten minutes behind",
        made,
        "clock_untrusted",
        "clock",
        now=NOW - 606,
    )
    seen = [{"now": NOW, "status_lists": {URI: status_list()}}]
    title = ("先见过新清单，再把时钟拨回", "A list of today seen, then the clock set back")
    row.bad(
        "floor-of-a-seen-list",
        *title,
        made,
        "clock_untrusted",
        "clock",
        now=NOW - 400,
        trust=trust(NOW - 1000),
        before=seen,
    )
    title = ("清单来自未来，说明本机时钟落后", "A list from the future: this clock is behind")
    row.bad(
        "list-from-the-future",
        *title,
        made,
        "clock_untrusted",
        "status_list",
        **served(_list_at(NOW + 301)),
    )
    row.good(
        "list-300-ahead",
        "清单早 300 秒以内",
        "A list 300 s ahead",
        made,
        **served(_list_at(NOW + 300)),
    )
    young = token(claims(iat=NOW + 200, nbf=...))
    title = (
        "证照看似尚未签发，而清单表明时钟落后",
        "Too young by this clock, which a list shows to be behind",
    )
    row.bad(
        "too-young-by-a-slow-clock",
        *title,
        young,
        "clock_untrusted",
        "period",
        **served(_list_at(NOW + 200)),
    )
    title = ("证照看似尚未签发，时钟无可疑", "Too young by a good clock")
    row.bad("too-young-by-a-good-clock", *title, young, "not_yet_valid", "period")
    title = ("时钟为 0", "A clock at zero")
    row.bad("clock-at-zero", *title, made, "clock_untrusted", "clock", now=0)
    title = ("时钟拨回时，坏签名仍为无效", "A bad signature stays INVALID by any clock")
    broken = token(claims(), signature=bytes(64))
    row.bad(
        "bad-signature-by-a-wrong-clock",
        *title,
        broken,
        "signature_invalid",
        "signature",
        now=NOW - year,
    )
    title = ("时钟快 31 天：信任清单过期", "A clock 31 days ahead: the trust data is stale")
    row.bad("clock-ahead", *title, usual(), "trust_stale", "trust", now=NOW + 31 * DAY)
    return row


def _old_key() -> dict[str, Any]:
    keys = [key_record(CERT, not_before=0), key_record(STATUS, "status")]
    return {PATH: record(keys=keys, rights=with_right(**{"from": 0})["rights"])}


def _list_at(iat: int) -> str:
    return status_list(iat=iat, exp=iat + DAY)
