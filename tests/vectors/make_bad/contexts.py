"""T19: one kind of token in another's place."""

import json
from typing import Any

from signing import CERT, HOLDER, LOG, POLICE, STATUS, STRANGER
from tokens import (
    AUD,
    HOUSEHOLD,
    LEGAL,
    LICENCE,
    NONCE,
    NOW,
    binding,
    claim,
    cnf,
    jws,
    sd,
    token,
    usual,
)
from vector import Row
from worlds import (
    PATH,
    key_record,
    record,
    right,
    served,
    status_list,
)

BOUND = {"require_holder_binding": True, "audience": AUD, "nonce": NONCE}
# Media types of this system and its neighbours; a context takes exactly one of them.
TYPES = {
    "certificate": "dc+sd-jwt",
    "status-list": "statuslist+jwt",
    "binding": "kb+jwt",
    "access-token": "at+jwt",
    "plain-jwt": "JWT",
    "older-credential": "vc+sd-jwt",
    "receipt": "receipt+jwt",
}
_ODD: dict[str, Any] = {
    "upper-case": "DC+SD-JWT",
    "with-application": "application/dc+sd-jwt",
    "with-parameter": "dc+sd-jwt; charset=utf-8",
    "with-space": "dc+sd-jwt ",
    "empty": "",
    "null": None,
    "list": ["dc+sd-jwt"],
    "number": 1,
    "missing": ...,
}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_types()]


def _types() -> Row:
    row = Row("T19", "threats.md T19; RFC 8725 section 3.11; RFC 9901 section 4.3")
    bound = token(sd(LEGAL, cnf=cnf()), LEGAL)
    row.good("certificate", "证照", "A certificate", usual())
    row.good("binding", "带出示签名", "With key binding", bound + binding(bound), policy=BOUND)
    for name, typ in TYPES.items():
        if name != "certificate":
            made = token(sd(LEGAL), LEGAL, header=CERT.header(typ))
            title = (f"以 {typ} 冒充证照", f"{typ} in a certificate's place")
            row.bad(f"certificate-as-{name}", *title, made, "malformed", "header")
        if name != "status-list":
            wrong = status_list(header=STATUS.header(typ))
            title = (f"以 {typ} 冒充状态清单", f"{typ} in a status list's place")
            row.bad(
                f"status-list-as-{name}",
                *title,
                usual(),
                "status_unavailable",
                "status_list",
                **served(wrong),
            )
        if name != "binding":
            made = bound + binding(bound, header={"alg": HOLDER.alg, "typ": typ})
            title = (f"以 {typ} 冒充出示签名", f"{typ} in a key binding's place")
            row.bad(
                f"binding-as-{name}",
                *title,
                made,
                "holder_binding_invalid",
                "holder_binding",
                policy=BOUND,
            )
    for name, typ in _ODD.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(typ=typ))
        row.bad(
            f"typ-{name}",
            f"typ 写法不当：{name}",
            f"typ spelled otherwise: {name}",
            made,
            "malformed",
            "header",
        )
    made = status_list() + "~"
    row.bad(
        "a-status-list",
        "把状态清单当证照出示",
        "A status list, presented",
        made,
        "malformed",
        "header",
    )
    made = binding(bound) + "~"
    row.bad(
        "a-binding", "把出示签名当证照出示", "A key binding, presented", made, "malformed", "header"
    )
    root = {"signatures": [], "signed": {"_type": "root", "version": 1}}
    row.bad(
        "trust-metadata",
        "把信任元数据当证照出示",
        "Trust metadata, presented",
        json.dumps(root),
        "not_a_certificate",
        "frame",
    )
    row.bad(
        "a-certificate-as-status-list",
        "以证照充状态清单",
        "A certificate served as a status list",
        usual(),
        "status_unavailable",
        "status_list",
        **served(usual()),
    )
    row.bad(
        "a-jws-of-the-certificate-key-as-status-list",
        "以证照签名充状态清单",
        "The certificate's JWS served as a status list",
        usual(),
        "status_unavailable",
        "status_list",
        **served(jws(sd(LEGAL))),
    )
    title = ("证照写明受众", "A certificate made for somebody by name")
    row.bad("aud-in-the-payload", *title, token(sd(LEGAL, aud=AUD), LEGAL), "malformed", "payload")
    named = claim("aud", AUD)
    title = ("披露写明受众", "An audience in a disclosure")
    row.bad("aud-disclosed", *title, token(sd(named), named), "disclosure_invalid", "disclosures")
    _purposes(row)
    return row


def _purposes(row: Row) -> None:
    for name, key in {"status": STATUS, "log": LOG}.items():
        made = token(sd(LEGAL), LEGAL, key=key)
        title = (f"以 {name} 密钥签证照", f"A certificate by the {name} key")
        row.bad(f"certificate-by-{name}-key", *title, made, "key_unknown", "key")
    for name, key in {
        "certificate": CERT,
        "log": LOG,
        "stranger": STRANGER,
        "police": POLICE,
    }.items():
        wrong = served(status_list(key=key))
        title = (f"以 {name} 密钥签状态清单", f"A status list by the {name} key")
        row.bad(
            f"status-list-by-{name}-key",
            *title,
            usual(),
            "status_unavailable",
            "status_list",
            **wrong,
        )
    compromised = record(
        keys=[
            key_record(CERT),
            key_record(STATUS, "status", state="compromised", compromised_at=NOW - 9000),
        ]
    )
    title = ("状态密钥已因安全原因停用", "The status key is compromised")
    row.bad(
        "status-list-by-compromised-key",
        *title,
        usual(),
        "status_unavailable",
        "status_list",
        records={PATH: compromised},
    )
    over = record(keys=[key_record(CERT), key_record(STATUS, "status", not_after=NOW - 60)])
    title = ("状态密钥有效期已过", "The status key's period is over")
    row.bad(
        "status-list-by-key-that-ended",
        *title,
        usual(),
        "status_unavailable",
        "status_list",
        records={PATH: over},
    )
    early = record(keys=[key_record(CERT), key_record(STATUS, "status", not_before=NOW - 59)])
    title = ("状态密钥尚未启用", "The status key's period has not begun")
    row.bad(
        "status-list-by-key-too-early",
        *title,
        usual(),
        "status_unavailable",
        "status_list",
        records={PATH: early},
    )
    for name, head in {
        "alg-of-another-key": STATUS.header("statuslist+jwt", alg="Ed25519"),
        "alg-none": STATUS.header("statuslist+jwt", alg="none"),
        "kid-missing": STATUS.header("statuslist+jwt", kid=...),
        "kid-number": STATUS.header("statuslist+jwt", kid=1),
        "jwk-beside": STATUS.header("statuslist+jwt", jwk=STATUS.jwk),
    }.items():
        wrong = served(status_list(header=head))
        title = (f"状态清单头部：{name}", f"A status list's header: {name}")
        row.bad(
            f"status-list-header-{name}",
            *title,
            usual(),
            "status_unavailable",
            "status_list",
            **wrong,
        )
    bad = ("issuer_not_authorised", "right")
    title = ("证照类型不在权限内", "A type the issuer has no right to")
    row.bad("type-of-another-office", *title, usual(vct=f"{HOUSEHOLD}/1"), *bad)
    limited = record(
        keys=[key_record(CERT, types=["food-permit"]), key_record(STATUS, "status")],
        rights=[right(), right(f"{LICENCE[:-16]}food-permit")],
    )
    title = ("密钥仅限另一类型", "The key is for another type")
    row.bad("key-of-another-type", *title, usual(), *bad, records={PATH: limited})
    row.good(
        "key-of-this-type",
        "密钥限于此类型",
        "The key is for this type",
        usual(vct=f"{LICENCE[:-16]}food-permit/1"),
        records={PATH: limited},
    )
    for name, vct in {
        "without-version": LICENCE,
        "version-in-front": f"{LICENCE}x/1",
        "other-host": "https://evil.example/vct/business-licence/1",
        "upper-case": f"{LICENCE}/1".replace("business", "Business"),
        "two-versions": f"{LICENCE}/1/2",
        "empty": "",
        "no-slash": "business-licence",
    }.items():
        title = (f"vct 写法不当：{name}", f"vct spelled otherwise: {name}")
        row.bad(f"vct-{name}", *title, usual(vct=vct), *bad)
