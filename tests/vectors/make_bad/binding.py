"""T34: key binding that does not bind."""

import hashlib
from typing import Any

from signing import CERT, ED_HOLDER, HOLDER, STRANGER, b64u, js
from tokens import (
    AUD,
    LEGAL,
    NONCE,
    NOW,
    SHARE,
    cnf,
    sd,
    token,
)
from tokens import binding as bind
from vector import Row

POLICY: dict[str, Any] = {"require_holder_binding": True, "audience": AUD, "nonce": NONCE}
BAD = ("holder_binding_invalid", "holder_binding")
BOUND = token(sd(LEGAL, cnf=cnf()), LEGAL)


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_wrong()]


def _wrong() -> Row:
    row = Row("T34", "threats.md T34; RFC 9901 sections 4.3 and 7.3")
    row.good("fresh", "新鲜的出示", "A fresh presentation", BOUND + bind(BOUND), policy=POLICY)
    ed = token(sd(LEGAL, cnf=cnf(ED_HOLDER)), LEGAL)
    row.good(
        "ed25519-holder",
        "Ed25519 持有人密钥",
        "An Ed25519 holder",
        ed + bind(ed, key=ED_HOLDER),
        policy=POLICY,
    )
    both = token(sd(LEGAL, SHARE, cnf=cnf()), LEGAL)
    row.good(
        "part-of-the-claims", "只出示一部分", "Part of the claims", both + bind(both), policy=POLICY
    )
    row.good(
        "oldest", "恰好 120 秒", "Just 120 s old", BOUND + bind(BOUND, iat=NOW - 120), policy=POLICY
    )
    row.good(
        "fast-telephone",
        "手机快 60 秒",
        "A telephone 60 s ahead",
        BOUND + bind(BOUND, iat=NOW + 60),
        policy=POLICY,
    )
    row.good(
        "not-asked-for",
        "规则未要求时不论对错",
        "Wrong, but not asked for",
        BOUND + bind(BOUND, key=STRANGER),
    )
    gone = ("presentation_expired", "holder_binding")
    row.bad(
        "old", "超过 120 秒", "121 s old", BOUND + bind(BOUND, iat=NOW - 121), *gone, policy=POLICY
    )
    row.bad(
        "of-yesterday",
        "昨天的",
        "Of yesterday",
        BOUND + bind(BOUND, iat=NOW - 86_400),
        *gone,
        policy=POLICY,
    )
    row.bad(
        "exp-this-second",
        "出示签名自称此刻到期",
        "It ends now by its own exp",
        BOUND + bind(BOUND, exp=NOW),
        *gone,
        policy=POLICY,
    )
    row.good(
        "exp-next-second",
        "出示签名下一秒到期",
        "It ends in a second",
        BOUND + bind(BOUND, exp=NOW + 1),
        policy=POLICY,
    )
    row.good(
        "nbf-within-the-skew",
        "出示签名 nbf 早 60 秒以内",
        "nbf 60 s ahead",
        BOUND + bind(BOUND, nbf=NOW + 60),
        policy=POLICY,
    )
    labelled = token(
        sd(LEGAL, cnf={"jwk": HOLDER.jwk | {"alg": "ES256", "use": "sig", "kid": "device"}}), LEGAL
    )
    row.good(
        "labelled-holder-key",
        "持有人密钥带标注",
        "A holder key with its labels",
        labelled + bind(labelled),
        policy=POLICY,
    )
    row.bad("iat-zero", "iat 为 0", "iat zero", BOUND + bind(BOUND, iat=0), *gone, policy=POLICY)
    for name, made in _forms().items():
        title = (f"出示签名不成立：{name}", f"A key binding that does not bind: {name}")
        row.bad(name, *title, made, *BAD, policy=POLICY)
    for name, made in {
        "not-base64url": BOUND + bind(BOUND)[:-2] + "==",
        "two-parts": BOUND + ".".join(bind(BOUND).split(".")[:2]),
        "empty-payload": BOUND + bind(BOUND, raw=b""),
    }.items():
        title = (f"出示签名不合语法：{name}", f"A key binding out of grammar: {name}")
        row.bad(name, *title, made, "malformed", "grammar", policy=POLICY)
    for name, changes in {
        "another-nonce-asked": {"nonce": "other"},
        "another-audience-asked": {"audience": "https://other.example"},
    }.items():
        title = (f"为另一次出示而作：{name}", f"Made for another presentation: {name}")
        row.bad(name, *title, BOUND + bind(BOUND), *BAD, policy=POLICY | changes)
    _once(row)
    return row


def _once(row: Row) -> None:
    given = {"nonces": {NONCE: NOW - 60}, "policy": POLICY}
    made = BOUND + bind(BOUND)
    row.good(
        "nonce-given-out", "随机数由本核验方给出", "The nonce was given out here", made, **given
    )
    used = ("presentation_replayed", "holder_binding")
    before = [{"now": NOW - 2}]
    row.bad(
        "nonce-used-twice",
        "同一出示用了两次",
        "Presented twice",
        made,
        *used,
        before=before,
        **given,
    )
    later = BOUND + bind(BOUND, iat=NOW - 1)
    title = ("同一随机数，另作签名", "The nonce again, under another signature")
    row.bad(
        "nonce-used-by-another-binding",
        *title,
        later,
        *used,
        before=[{"now": NOW - 2, "input": made}],
        **given,
    )
    gone = ("presentation_expired", "holder_binding")
    title = ("从未给出的随机数", "A nonce nobody gave out")
    row.bad("nonce-never-given-out", *title, made, *gone, nonces={}, policy=POLICY)
    title = ("随机数已过期", "The nonce has ended")
    row.bad("nonce-ended", *title, made, *gone, nonces={NONCE: NOW - 300}, policy=POLICY)
    forged = [{"now": NOW - 2, "input": BOUND + bind(BOUND, key=STRANGER)}]
    title = ("伪造的出示用不掉随机数", "A forged presentation does not use the nonce up")
    row.good("nonce-after-a-forgery", *title, made, before=forged, **given)


def _forms() -> dict[str, str]:
    usual_header = {"alg": "ES256", "typ": "kb+jwt"}
    other = token(sd(LEGAL, SHARE, cnf=cnf()), LEGAL, SHARE)
    fewer = token(sd(LEGAL, SHARE, cnf=cnf()), LEGAL)
    without = hashlib.sha256(BOUND.rstrip("~").encode()).digest()
    good = bind(BOUND)
    data, _, _ = good.rpartition(".")
    forms: dict[str, str] = {
        "later-moment": BOUND + bind(BOUND, iat=NOW + 61),
        "another-audience": BOUND + bind(BOUND, aud="https://other.example"),
        "audience-list": BOUND + bind(BOUND, aud=[AUD]),
        "audience-missing": BOUND + bind(BOUND, aud=...),
        "another-nonce": BOUND + bind(BOUND, nonce="n-another"),
        "nonce-missing": BOUND + bind(BOUND, nonce=...),
        "nonce-number": BOUND + bind(BOUND, nonce=5),
        "iat-missing": BOUND + bind(BOUND, iat=...),
        "iat-string": BOUND + bind(BOUND, iat=str(NOW)),
        "iat-fraction": BOUND + bind(BOUND, iat=NOW + 0.5),
        "sd-hash-missing": BOUND + bind(BOUND, sd_hash=...),
        "sd-hash-of-another": BOUND + bind(other),
        "sd-hash-without-tilde": BOUND + bind(BOUND, sd_hash=b64u(without)),
        "sd-hash-in-hex": BOUND + bind(BOUND, sd_hash=hashlib.sha256(BOUND.encode()).hexdigest()),
        "disclosure-added-afterwards": other + bind(fewer),
        "disclosure-removed-afterwards": fewer + bind(other),
        "key-of-a-stranger": BOUND + bind(BOUND, key=STRANGER),
        "key-of-the-issuer": BOUND + bind(BOUND, key=CERT),
        "key-of-another-type": BOUND + bind(BOUND, key=ED_HOLDER),
        "another-alg-in-the-header": BOUND + bind(BOUND, header=usual_header | {"alg": "Ed25519"}),
        "alg-none": BOUND + bind(BOUND, header=usual_header | {"alg": "none"}, signature=b""),
        "alg-missing": BOUND + bind(BOUND, header={"typ": "kb+jwt"}),
        "alg-list": BOUND + bind(BOUND, header=usual_header | {"alg": ["ES256"]}),
        "alg-hs256": BOUND + bind(BOUND, header=usual_header | {"alg": "HS256"}),
        "typ-missing": BOUND + bind(BOUND, header={"alg": "ES256"}),
        "jwk-in-the-header": BOUND
        + bind(BOUND, key=STRANGER, header=usual_header | {"jwk": STRANGER.jwk}),
        "kid-in-the-header": BOUND + bind(BOUND, header=usual_header | {"kid": HOLDER.kid}),
        "crit-in-the-header": BOUND + bind(BOUND, header=usual_header | {"crit": []}),
        "signature-empty": BOUND + bind(BOUND, signature=b""),
        "signature-zero": BOUND + bind(BOUND, signature=bytes(64)),
        "signature-of-the-certificate": BOUND + f"{data}.{BOUND.split('~')[0].rpartition('.')[2]}",
        "payload-list": BOUND + bind(BOUND, raw=b"[]"),
        "payload-not-json": BOUND + bind(BOUND, raw=b"{"),
        "not-before-later": BOUND + bind(BOUND, nbf=NOW + 61),
        "time-as-text": BOUND + bind(BOUND, exp="never"),
    }
    for name, key in _wrong_cnf().items():
        made = token(sd(LEGAL, cnf=key), LEGAL)
        forms[f"cnf-{name}"] = made + bind(made)
    return forms


def _wrong_cnf() -> dict[str, Any]:
    return {
        "null": None,
        "string": "key",
        "empty": {},
        "by-kid": {"kid": HOLDER.kid},
        "by-address": {"jku": "https://evil.example/jwks.json"},
        "jwk-string": {"jwk": js(HOLDER.jwk).decode()},
        "jwk-empty": {"jwk": {}},
        "jwk-private": {"jwk": HOLDER.jwk | {"d": "AAAA"}},
        "jwk-off-curve": {"jwk": HOLDER.jwk | {"y": HOLDER.jwk["x"]}},
        "jwk-symmetric": {"jwk": {"kty": "oct", "k": "AAAA"}},
        "jwk-for-encryption": {"jwk": HOLDER.jwk | {"use": "enc"}},
        "jwk-for-another-alg": {"jwk": HOLDER.jwk | {"alg": "ES384"}},
        "jwk-number-as-alg": {"jwk": HOLDER.jwk | {"alg": 1}},
        "of-a-stranger": {"jwk": STRANGER.jwk},
        "jwk-and-more": {"jwk": HOLDER.jwk, "kid": HOLDER.kid},
    }
