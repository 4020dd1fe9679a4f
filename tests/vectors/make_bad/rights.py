"""T50 place and type, T51 compromised keys, T53 backdating, T54 rotation; acceptability beside."""

from typing import Any

from signing import CERT, STATUS, Key
from tokens import (
    AUD,
    BASE,
    DAY,
    LEGAL,
    LICENCE,
    NONCE,
    NOW,
    REVOKED,
    claims,
    sd,
    status,
    token,
    usual,
)
from vector import Row
from worlds import PATH, key_record, record, right, with_key, with_right

BAD = ("issuer_not_authorised", "right")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_places(), _compromise(), _backdating(), _rotation(), _policies()]


def _places() -> Row:
    row = Row("T50", "threats.md T50; GB/T 2260")
    for name, division in {"own": "999900", "province": "990000", "country": "100000"}.items():
        row.good(
            f"division-{name}",
            f"权限及于 {division}",
            f"A right for {division}",
            usual(),
            records={PATH: with_right(division=division)},
        )
    for name, division in {
        "county-below": "999901",
        "neighbour-city": "999800",
        "neighbour-province": "980000",
        "zero": "000000",
    }.items():
        row.bad(
            f"division-{name}",
            f"权限只及于 {division}",
            f"A right for {division} only",
            usual(),
            *BAD,
            records={PATH: with_right(division=division)},
        )
    row.bad(
        "no-rights",
        "没有任何权限",
        "No rights at all",
        usual(),
        *BAD,
        records={PATH: record(rights=[])},
    )
    several = record(rights=[right(f"{BASE}vct/food-permit"), right(division="999800"), right()])
    row.good(
        "third-of-three-rights",
        "三项权限之第三项",
        "The third of three rights",
        usual(),
        records={PATH: several},
    )
    ended = record(rights=[right(to=NOW - 100 * DAY)])
    row.bad(
        "right-ended", "权限已终止", "The right ended before", usual(), *BAD, records={PATH: ended}
    )
    for name, (zh, en, vct) in {
        "type-like-another": ("类型名只是前缀相同", "Its name only begins alike", "-copy/1"),
        "type-below": ("类型在权限地址之下", "A type below the right's address", "/x/1"),
        "version-empty": ("版本为空", "An empty version", "/"),
        "version-with-line-feed": ("版本后有换行", "A line feed behind the version", "/1\n"),
        "version-with-query": ("版本后有查询", "A query behind the version", "/1?x"),
    }.items():
        row.bad(name, zh, en, usual(vct=LICENCE + vct), *BAD)
    return row


def _compromise() -> Row:
    row = Row("T51", "threats.md T51; wire-formats.md, Trust record, log leaf, receipt")
    row.good(
        "retired-key",
        "密钥已退役，此前所签仍有效",
        "A retired key's earlier certificates",
        usual(),
        records={PATH: with_key(state="retired", not_after=NOW - 5)},
    )
    lost: dict[str, Any] = {"state": "compromised", "compromised_at": NOW - 5}
    row.bad(
        "key-compromised",
        "密钥因安全原因停用",
        "The key is compromised",
        usual(),
        "key_compromised",
        "key_state",
        records={PATH: with_key(**lost)},
    )
    early = usual(iat=NOW - 300 * DAY, nbf=...)
    title = (
        "停用之前所签也不能自证",
        "A certificate from before the compromise proves nothing by itself",
    )
    row.bad(
        "key-compromised-later",
        *title,
        early,
        "key_compromised",
        "key_state",
        records={PATH: with_key(**lost)},
    )
    indexed = lost | {"accept_before_log_index": 5000}
    row.bad(
        "key-compromised-with-log-index",
        "停用密钥留有公示截止序号",
        "With a cut-off index a log proof is needed",
        usual(),
        "log_proof_missing",
        "key_state",
        records={PATH: with_key(**indexed)},
    )
    title = ("停用密钥且签名不符", "Compromised, and the signature is wrong too")
    broken = token(sd(LEGAL), LEGAL, signature=bytes(64))
    row.bad(
        "key-compromised-and-bad-signature",
        *title,
        broken,
        "key_compromised",
        "key_state",
        records={PATH: with_key(**lost)},
    )
    row.bad(
        "log-index-and-revoked",
        "缺公示证明且已吊销：无效为先",
        "No proof, and revoked: INVALID first",
        usual(status=status(REVOKED)),
        "revoked",
        "status",
        records={PATH: with_key(**indexed)},
    )
    row.bad(
        "log-proof-asked-for",
        "规则要求公示证明",
        "The policy asks for a log proof",
        usual(),
        "log_proof_missing",
        "log_proof",
        policy={"require_log_proof": True},
    )
    return row


def _backdating() -> Row:
    row = Row("T53", "threats.md T53")
    bounded = {"not_before": NOW - 30 * DAY, "not_after": NOW - 2 * DAY}
    row.good(
        "inside-the-window",
        "在密钥期间内签发",
        "Issued inside the key's window",
        usual(iat=NOW - 3 * DAY, nbf=...),
        records={PATH: with_key(**bounded)},
    )
    for name, iat in {
        "before": NOW - 31 * DAY,
        "after": NOW - DAY,
        "at-zero": 0,
        "negative": -1,
    }.items():
        title = (f"签发时间倒填或超出：{name}", f"An iat outside the key's window: {name}")
        row.bad(
            f"iat-{name}",
            *title,
            usual(iat=iat, nbf=...),
            "key_not_valid_then",
            "key_period",
            records={PATH: with_key(**bounded)},
        )
    title = ("倒填到取得权限之前", "Backdated to before the right")
    row.bad(
        "iat-before-the-right",
        *title,
        usual(iat=NOW - 20 * DAY, nbf=...),
        *BAD,
        records={PATH: with_right(**{"from": NOW - 10 * DAY})},
    )
    return row


def _rotation() -> Row:
    row = Row("T54", "threats.md T54")
    new = Key("regulator certificate 2")
    keys = [
        key_record(CERT, state="retired", not_after=NOW - DAY + 1),
        key_record(new, not_before=NOW - DAY),
        key_record(STATUS, "status"),
    ]
    both = {PATH: record(keys=keys)}
    row.good("old-key", "旧密钥所签", "By the old key", usual(iat=NOW - DAY, nbf=...), records=both)
    row.good(
        "new-key", "新密钥所签", "By the new key", token(sd(LEGAL), LEGAL, key=new), records=both
    )
    ahead = {
        PATH: record(
            keys=[
                key_record(CERT, state="pre_published", not_before=NOW),
                key_record(STATUS, "status"),
            ]
        )
    }
    row.bad(
        "pre-published-key",
        "预公布的密钥提前使用",
        "A key used before its time",
        usual(),
        "key_not_valid_then",
        "key_period",
        records=ahead,
    )
    row.bad(
        "old-key-after-its-end",
        "旧密钥期满后仍签",
        "The old key, after its end",
        usual(iat=NOW - 5, nbf=...),
        "key_not_valid_then",
        "key_period",
        records=both,
    )
    dropped = {PATH: record(keys=[key_record(new), key_record(STATUS, "status")])}
    row.bad(
        "old-key-dropped",
        "旧密钥过早撤下",
        "The old key dropped too early",
        usual(),
        "key_unknown",
        "key",
        records=dropped,
    )
    return row


def _policies() -> Row:
    row = Row("T50", "docs/verification.md, step 7: acceptable is another question than valid")
    cases: dict[str, tuple[dict[str, Any], list[str]]] = {
        "type": ({"types": ["business-licence"]}, []),
        "another-type": ({"types": ["household-register"]}, ["type_not_accepted"]),
        "claims": ({"claims": ["name", "/legal_representative"]}, []),
        "claims-missing": ({"claims": ["name", "photo"]}, ["claims_missing"]),
        "division": ({"issuer_divisions": ["9999"]}, []),
        "another-division": ({"issuer_divisions": ["33"]}, ["policy_not_met"]),
        "holder": ({"holder": "91999900MA0000007U"}, []),
        "another-holder": ({"holder": "91999900MA0000008X"}, ["holder_mismatch"]),
        "age": ({"max_certificate_age": DAY}, []),
        "too-old": ({"max_certificate_age": DAY - 1}, ["too_old"]),
        "two-reasons": (
            {"types": ["household-register"], "claims": ["photo"]},
            ["type_not_accepted", "claims_missing"],
        ),
    }
    for name, (policy, reasons) in cases.items():
        zh = "符合规则" if not reasons else "有效而不符合规则"
        row.good(
            f"policy-{name}",
            f"{zh}：{name}",
            f"Policy: {name}",
            usual(),
            policy=policy,
            reasons=reasons,
        )
    row.good(
        "policy-binding-without-key",
        "要求亮证而证照无持有人密钥",
        "Binding asked for, no holder key",
        token(claims()),
        policy={"require_holder_binding": True, "audience": AUD, "nonce": NONCE},
        reasons=["policy_not_met"],
    )
    row.bad(
        "policy-and-revoked",
        "不符合规则且已吊销：两问各答",
        "Not acceptable and revoked: two questions, two answers",
        usual(status=status(REVOKED)),
        "revoked",
        "status",
        policy={"types": ["household-register"]},
        reasons=["type_not_accepted"],
    )
    return row
