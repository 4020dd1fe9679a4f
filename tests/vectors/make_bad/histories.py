"""T60 answers for a moment in the past, by a certificate's history in the transparency log."""

import json
from typing import Any

from log_proofs import logged
from signing import STATUS, Key, b64u, js
from tokens import DAY, NOW, REVOKED, SUPERSEDED, SUSPENDED, claims, status, token
from trees import LOGGER, Tree, changed, issued, line, served_history, served_proof
from vector import Row
from worlds import URI, served, status_list

ISSUED = NOW - 10 * DAY
AT = NOW - 5 * DAY


def made(idx: int = 7, **changes: Any) -> str:
    """A certificate of ten days ago."""
    return token(claims(iat=ISSUED, nbf=..., status=status(idx), **changes))


TOKEN = made()
# Its life as the log has it: suspended eight days ago, resumed six days ago.
TREE = Tree().fill(2)
PLACES = [TREE.add(issued(TOKEN))]
TREE.fill(1)
PLACES.append(TREE.add(changed(TREE.leaves[PLACES[0]], "suspended", NOW - 8 * DAY, 1)))
PLACES.append(TREE.add(changed(TREE.leaves[PLACES[1]], "resumed", NOW - 6 * DAY, 2)))
TREE.fill(1)


def life(arrives: str, *events: tuple[str, int], **changes: Any) -> tuple[Tree, list[int]]:
    """A log with a certificate and what happened to it: event and moment."""
    tree = Tree().fill(2)
    places = [tree.add(issued(arrives))]
    for number, (event, at) in enumerate(events, 1):
        tree.fill(1)
        leaf = changed(tree.leaves[places[-1]], event, at, number) | changes
        places.append(tree.add(leaf))
    return tree, places


def rows() -> list[Row]:
    """Vectors of this module."""
    row = Row("T60", "threats.md T60; verdicts.md, check(at=…); docs/wire-formats.md, history")
    _answers(row)
    _lists(row)
    _statements(row)
    _chains(row)
    _forms(row)
    return [row]


def _at(days: float) -> int:
    return int(NOW - days * DAY)


def _answers(row: Row) -> None:
    right = served_history(TOKEN, TREE.history(PLACES))
    usual: dict[str, Any] = {"records": logged(), "log": right}
    for name, zh, at in (
        ("issued-since", "签发之后", _at(9)),
        ("issued-then", "签发之时", ISSUED),
        ("resumed", "恢复之时", _at(6)),
        ("resumed-since", "恢复之后", _at(5)),
        ("301-seconds-ago", "301 秒前", NOW - 301),
    ):
        title = (f"问过去的时刻：{zh}", f"Asked for the past: {name.replace('-', ' ')}")
        row.good(f"past-{name}", *title, TOKEN, at=at, **usual)
    for name, zh, at, code, check in (
        ("suspended-just-then", "暂停之时", _at(8), "suspended", "status"),
        ("suspended-still", "暂停期间", _at(6) - 1, "suspended", "status"),
        ("before-its-issue", "签发之前", ISSUED - 61, "not_yet_valid", "period"),
        ("the-future", "将来", NOW + 301, "log_proof_missing", "status"),
    ):
        title = (f"问过去的时刻：{zh}", f"Asked for the past: {name.replace('-', ' ')}")
        row.bad(f"past-{name}", *title, TOKEN, code, check, at=at, **usual)
    ended = made(exp=_at(4))
    tree, places = life(ended)
    own = {"records": logged(), "log": served_history(ended, tree.history(places))}
    row.good("past-before-its-end", "到期之前的时刻", "Before its end", ended, at=AT, **own)
    title = ("到期之后的时刻", "After its end")
    row.bad("past-after-its-end", *title, ended, "expired", "period", at=_at(3), **own)
    title = ("没有履历", "No history is served")
    row.bad("past-no-history", *title, TOKEN, "log_proof_missing", "status", at=AT,
            records=logged())  # fmt: skip
    title = ("机关没有日志", "The office has no log")
    row.bad("past-no-log", *title, TOKEN, "log_proof_missing", "status", at=AT, log=right)
    title = ("问过去，规则另要求公示证明", "The policy asks for the proof of issue beside")
    both = right | served_proof(TOKEN, TREE.proof(PLACES[0]))
    row.good("past-and-proof-asked-for", *title, TOKEN, at=AT, records=logged(), log=both,
             policy={"require_log_proof": True})  # fmt: skip


def _lists(row: Row) -> None:
    for idx, event, code, word in (
        (REVOKED, "revoked", "revoked", "吊销"),
        (SUPERSEDED, "superseded", "superseded", "换发"),
        (SUSPENDED, "suspended", "suspended", "暂停"),
    ):
        arrives = made(idx)
        tree, places = life(arrives, (event, _at(3)))
        own = {"records": logged(), "log": served_history(arrives, tree.history(places))}
        title = (f"{word}之前的时刻", f"Before it was {event}")
        row.good(f"past-{event}-since", *title, arrives, at=AT, **own)
        title = (f"{word}之后的时刻", f"After it was {event}")
        row.bad(f"past-{event}-then", *title, arrives, code, "status", at=_at(2), **own)
        bare, only = life(arrives)
        hidden = {"records": logged(), "log": served_history(arrives, bare.history(only))}
        title = (f"清单显示已{word}而履历没有", f"The list shows {event}, the history hides it")
        row.bad(f"past-{event}-hidden", *title, arrives, "log_proof_missing", "status", at=AT,
                **hidden)  # fmt: skip
    arrives = made(REVOKED)
    tree, places = life(arrives, ("suspended", _at(3)))
    own = {"records": logged(), "log": served_history(arrives, tree.history(places))}
    title = ("清单显示吊销而履历只有暂停", "The list shows revoked, the history suspended only")
    row.bad("past-other-event", *title, arrives, "log_proof_missing", "status", at=AT, **own)
    tree, places = life(arrives, ("revoked", _at(8)), ("resumed", _at(7)))
    own = {"records": logged(), "log": served_history(arrives, tree.history(places))}
    title = ("吊销之后“恢复”无效", "Revoked is for ever, whatever follows")
    row.bad("past-resumed-after-revoked", *title, arrives, "revoked", "status", at=AT, **own)
    right = {"records": logged(), "log": served_history(TOKEN, TREE.history(PLACES))}
    forged = served(status_list({7: 1}, key=Key("stranger")))
    title = ("清单不真，不作数", "A list that is not genuine says nothing")
    row.good("past-list-not-genuine", *title, TOKEN, at=AT, **right, **forged)
    row.good("past-no-list", "没有清单", "No list is served", TOKEN, at=AT, **right,
             status_lists={URI: None})  # fmt: skip
    seen = [{"now": NOW - 5, "status_lists": {URI: status_list({7: 1}, iat=NOW - 60)}}]
    title = ("曾见吊销而履历没有", "Seen revoked once, the history hides it")
    row.bad("past-seen-revoked", *title, TOKEN, "log_proof_missing", "status", at=AT,
            before=seen, **right, status_lists={URI: None})  # fmt: skip
    beyond = made(10**6)
    tree, places = life(beyond)
    own = {"records": logged(), "log": served_history(beyond, tree.history(places))}
    title = ("清单序号越界", "An index outside the list")
    row.bad("past-index-outside", *title, beyond, "malformed", "status", at=AT, **own)


def _hidden(row: Row, name: str, zh: str, history: Any, **more: Any) -> None:
    title = (f"证照履历：{zh}", f"History: {name.replace('-', ' ')}")
    row.bad(
        f"history-{name}", *title, TOKEN, "log_proof_missing", "status", at=more.pop("at", AT),
        records=more.pop("records", logged()), log=served_history(TOKEN, history), **more,
    )  # fmt: skip


def _statements(row: Row) -> None:
    def said(**how: Any) -> dict[str, Any]:
        return TREE.history(PLACES, statement=TREE.statement(PLACES, **how))

    usual = LOGGER.header("log-history+jwt")
    stranger = Key("stranger", "Ed25519")
    for name, zh, history in (
        ("statement-unsigned", "声明未签名", said(signature=b"")),
        ("statement-zero-signature", "声明签名全零", said(signature=bytes(64))),
        ("statement-by-a-stranger", "声明由陌生人签名", said(key=stranger)),
        ("statement-by-a-stranger-as-the-log", "陌生人冒充日志", said(key=stranger, header=usual)),
        ("statement-by-the-status-key", "声明由状态密钥签名",
         said(key=STATUS, header=STATUS.header("log-history+jwt"))),
        ("statement-typ", "声明类型不对", said(header=usual | {"typ": "JWT"})),
        ("statement-alg", "声明算法不对", said(header=usual | {"alg": "EdDSA"})),
        ("statement-crit", "声明头部多一项", said(header=usual | {"crit": ["x"]})),
        ("statement-not-a-jws", "声明不是 JWS", TREE.history(PLACES, statement="x")),
        ("statement-of-fewer", "声明少列事件",
         TREE.history(PLACES, statement=TREE.statement(PLACES[:-1]))),
        ("statement-of-more", "声明多列事件",
         TREE.history(PLACES[:-1], statement=TREE.statement(PLACES))),
        ("statement-other-issue", "声明属另一证照", said(issued=b64u(bytes(32)))),
        ("statement-other-origin", "声明属另一日志", said(origin="certs.example/other")),
        ("statement-other-root", "声明的根不同", said(root=b64u(bytes(32)))),
        ("statement-other-size", "声明的大小不同", said(size=6)),
        ("statement-other-version", "声明版本不同", said(v=2)),
        ("statement-with-more", "声明多一项", said(more=1)),
        ("statement-without-time", "声明缺时间", said(iat=...)),
        ("statement-time-as-text", "声明时间为文本", said(iat=str(NOW))),
        ("statement-too-early", "声明早于所问之后 60 秒", said(iat=AT + 59)),
        ("statement-from-the-future", "声明来自未来", said(iat=NOW + 301)),
        ("statement-negative", "声明时间为负", said(iat=-1)),
    ):  # fmt: skip
        _hidden(row, name, zh, history)
    for name, zh, iat in (("just-later", "刚过 60 秒", AT + 60), ("ahead", "快 300 秒", NOW + 300)):
        title = (f"声明时间{zh}", f"History: statement {name.replace('-', ' ')}")
        row.good(f"history-statement-{name}", *title, TOKEN, at=AT, records=logged(),
                 log=served_history(TOKEN, said(iat=iat)))  # fmt: skip


def _chains(row: Row) -> None:
    first = TREE.leaves[PLACES[0]]
    for name, zh, changes in (
        ("event-of-another-certificate", "事件属另一证照", {"certificate_identifier": "x"}),
        ("event-of-another-issuer", "事件属另一机关", {"iss": "x"}),
        ("event-number-skipped", "事件序号跳过", {"seq": 2}),
        ("event-number-zero", "事件序号为零", {"seq": 0}),
        ("event-after-another", "事件所接不是本证照", {"prev": b64u(bytes(32))}),
        ("event-hash-short", "事件所接哈希过短", {"prev": "AAAA"}),
        ("event-unknown", "未知事件", {"event": "forgotten"}),
        ("event-issued-again", "事件为签发", {"event": "issued"}),
        ("event-time-negative", "事件时间为负", {"at": -1}),
        ("event-time-as-text", "事件时间为文本", {"at": "5"}),
        ("event-other-version", "事件版本不同", {"v": 2}),
        ("event-with-more", "事件多一项", {"reason": "x"}),
    ):
        tree, places = life(TOKEN, ("resumed", _at(7)), **changes)
        _hidden(row, name, zh, tree.history(places))
    spaced = Tree([first, js(changed(first, "resumed", _at(7), 1)) + b" "])
    _hidden(row, "event-not-canonical", "事件写法不规范", spaced.history([0, 1]))
    backwards = Tree([js_sorted(changed(first, "resumed", _at(7), 1)), first])
    _hidden(row, "event-before-the-issue", "事件在日志中先于签发", backwards.history([1, 0]))
    left = TREE.history([PLACES[0], PLACES[2]])
    _hidden(row, "event-left-out", "中间事件被略去", left)
    twice = Tree([first, changed_bytes(first), first])
    _hidden(row, "issue-as-event", "签发冒充事件", twice.history([0, 2]))


def js_sorted(members: dict[str, Any]) -> bytes:
    """A leaf's bytes."""
    return js(dict(sorted(members.items())))


def changed_bytes(before: bytes) -> bytes:
    """An event's bytes."""
    return js_sorted(changed(before, "resumed", _at(7), 1))


_EMPTY: dict[str, Any] = {"index": 0, "leaf": "", "proof": []}


def _forms(row: Row) -> None:
    right = TREE.history(PLACES)
    first, event = TREE.entry(PLACES[0]), TREE.entry(PLACES[1])
    rest = [TREE.entry(PLACES[2])]
    other = made(certificate_identifier="x")
    theirs, places = life(other)
    text = TREE.text()
    for name, zh, history in (
        ("of-another-certificate", "另一证照的履历", theirs.history(places)),
        ("not-json", "不是 JSON", "history"),
        ("not-an-object", "不是对象", "[]"),
        ("other-version", "版本不同", right | {"v": 2}),
        ("with-more", "多一项", right | {"more": 1}),
        ("without-events", "缺事件", _without(right, "events")),
        ("events-no-list", "事件不是列表", right | {"events": {}}),
        ("event-no-object", "事件不是对象", right | {"events": [5]}),
        ("entry-with-more", "条目多一项", right | {"events": [event | {"more": 1}, *rest]}),
        ("entry-other-index", "条目序号不对", right | {"events": [event | {"index": 3}, *rest]}),
        ("entry-index-as-text", "条目序号为文本", right | {"events": [
            event | {"index": "4"}, *rest]}),
        ("entry-proof-cut", "条目证明被截", right | {"events": [
            event | {"proof": event["proof"][:-1]}, *rest]}),
        ("entry-proof-of-numbers", "条目证明为数字", right | {"events": [
            event | {"proof": [1]}, *rest]}),
        ("entry-proof-padded", "条目证明带填充", right | {"events": [
            event | {"proof": [one + "=" for one in event["proof"]]}, *rest]}),
        ("entry-proof-too-long", "条目证明过长", right | {"events": [
            event | {"proof": event["proof"] * 20}, *rest]}),
        ("entry-leaf-altered", "条目内容改动", right | {"events": [
            event | {"leaf": event["leaf"].replace("suspended", "resumed")}, *rest]}),
        ("issue-proof-cut", "签发证明被截", right | {"issued": first | {"proof": []}}),
        ("too-many-events", "事件过多", right | {"events": [_EMPTY] * 513}),
        ("checkpoint-no-text", "检查点不是文本", right | {"checkpoint": 5}),
        ("checkpoint-forged", "检查点签名不符",
         right | {"checkpoint": f"{text}\n{line(text, signature=bytes(64))}"}),
        ("checkpoint-of-another-log", "检查点属另一日志", right | {"checkpoint": _elsewhere()}),
        ("checkpoint-of-another-size", "检查点大小不同", right | {"checkpoint": TREE.note(6)}),
        ("statement-no-text", "声明不是文本", right | {"statement": 5}),
        ("member-twice", "成员重复", js(right).decode()[:-1] + ',"v":1}'),
        ("too-long", "过长", json.dumps(right | {"checkpoint": "x" * 2_100_000})),
    ):  # fmt: skip
        _hidden(row, name, zh, history)
    eight = Tree().fill(7)
    last = eight.add(issued(TOKEN))
    below = eight.history([last], issued=eight.entry(last) | {"index": -1})
    _hidden(row, "entry-index-negative", "条目序号为负", below)
    lost = {"state": "compromised", "compromised_at": NOW - 5}
    _hidden(row, "log-key-compromised", "日志密钥已泄露", right, records=logged(log=lost))


def _without(members: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key != name}


def _elsewhere() -> str:
    text = TREE.text(origin="certs.example/other")
    return f"{text}\n{line(text, name='certs.example/other')}"
