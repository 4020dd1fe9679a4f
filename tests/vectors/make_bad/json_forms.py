"""T13: duplicate members."""

from typing import Any

from signing import CERT, HOLDER, STATUS, b64u, js
from tokens import (
    AUD,
    LEGAL,
    NONCE,
    binding,
    cnf,
    salt,
    sd,
    token,
    usual,
)
from vector import Row
from worlds import PATH, raw, record, served, status_list

BOUND = {"require_holder_binding": True, "audience": AUD, "nonce": NONCE}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_duplicates()]


def _twice(obj: Any, member: str, value: Any) -> bytes:
    """The object with a member once more, in front."""
    return b'{"%s":%s,' % (member.encode(), js(value)) + js(obj)[1:]


def _duplicates() -> Row:
    row = Row("T13", "threats.md T13; RFC 8259 section 4; RFC 8725 section 2.4")
    row.good("each-once", "每个成员各一次", "Each member once", usual())
    for name, value in {"alg": "none", "kid": "x", "typ": "JWT"}.items():
        made = token(sd(LEGAL), LEGAL, header=_twice(CERT.header(), name, value))
        title = (f"头部 {name} 重复，后者为真", f"{name} twice in the header, the true one last")
        row.bad(f"duplicate-{name}-in-header", *title, made, "malformed", "grammar")
    other = {
        "iss": "https://evil.example/i/0",
        "exp": 1,
        "vct": "x",
        "status": {},
        "name": "x",
        "_sd": [],
    }
    for name, value in other.items():
        made = token(_twice(sd(LEGAL), name, value), LEGAL)
        title = (f"载荷 {name} 重复，后者为真", f"{name} twice in the payload, the true one last")
        slug = name.lstrip("_")
        row.bad(f"duplicate-{slug}-in-payload", *title, made, "malformed", "payload")
    for name in ("iss", "name"):
        made = token(_twice(sd(LEGAL), name, sd(LEGAL)[name]), LEGAL)
        title = (f"载荷 {name} 重复，两值相同", f"{name} twice in the payload with equal values")
        row.bad(f"duplicate-{name}-same-value", *title, made, "malformed", "payload")
    escaped = js(sd(LEGAL)).replace(b'{"iss"', b'{"\\u0069ss":"https://evil.example/i/0","iss"', 1)
    title = ("以转义写法掩盖的重复 iss", "A duplicate iss hidden by an escape")
    row.bad("duplicate-by-escape", *title, token(escaped, LEGAL), "malformed", "payload")
    nested = js(sd(LEGAL)).replace(b'"idx":7', b'"idx":8,"idx":7')
    title = ("status 内 idx 重复", "idx twice inside status")
    row.bad("duplicate-idx", *title, token(nested, LEGAL), "malformed", "payload")
    deep = _twice(sd(LEGAL), "extra", [{"a": 1}]).replace(b'{"a":1}', b'{"a":1,"a":1}')
    title = ("深处成员重复", "A duplicate deep inside")
    row.bad("duplicate-deep", *title, token(deep, LEGAL), "malformed", "payload")
    odd = b64u(b'["%s","address",{"city":"a","city":"b"}]' % salt("twice").encode())
    title = ("披露值内成员重复", "A duplicate inside a disclosed value")
    row.bad("duplicate-in-disclosure", *title, token(sd(odd), odd), "malformed", "disclosures")
    _elsewhere(row)
    return row


def _elsewhere(row: Row) -> None:
    payload = js(_list_payload()).replace(b'"version":5', b'"version":9,"version":5')
    missing = ("status_unavailable", "status_list")
    title = ("状态清单载荷成员重复", "A duplicate in a status list's payload")
    row.bad(
        "duplicate-in-status-list", *title, usual(), *missing, **served(status_list(raw=payload))
    )
    head = _twice(STATUS.header("statuslist+jwt"), "kid", "x")
    title = ("状态清单头部成员重复", "A duplicate in a status list's header")
    row.bad(
        "duplicate-in-status-header", *title, usual(), *missing, **served(status_list(header=head))
    )
    record_texts = {
        "iss": '{"iss":"https://evil.example/i/0",' + raw(record())[1:],
        "keys": raw(record()).replace('"keys":', '"keys":[],"keys":', 1),
        "state": raw(record()).replace('"state":', '"state":"retired","state":', 1),
    }
    for name, text in record_texts.items():
        title = (f"信任记录中 {name} 重复", f"{name} twice in a trust record")
        row.bad(
            f"duplicate-{name}-in-record",
            *title,
            usual(),
            "trust_unavailable",
            "issuer",
            records={PATH: text},
        )
    bound = token(sd(LEGAL, cnf=cnf()), LEGAL)
    inner = binding(bound)
    first = js({"alg": HOLDER.alg, "typ": "kb+jwt"})
    head = first.replace(b'{"alg"', b'{"alg":"none","alg"')
    title = ("出示签名头部成员重复", "A duplicate in the key binding's header")
    row.bad(
        "duplicate-in-binding-header",
        *title,
        bound + binding(bound, header=head),
        "malformed",
        "grammar",
        policy=BOUND,
    )
    payload = _twice(_binding_claims(inner), "nonce", "another")
    title = ("出示签名载荷成员重复", "A duplicate in the key binding's payload")
    row.bad(
        "duplicate-in-binding-payload",
        *title,
        bound + binding(bound, raw=payload),
        "holder_binding_invalid",
        "holder_binding",
        policy=BOUND,
    )


def _binding_claims(made: str) -> Any:
    import json

    from signing import unb64u

    return json.loads(unb64u(made.split(".")[1]))


def _list_payload() -> Any:
    return _binding_claims(status_list())
