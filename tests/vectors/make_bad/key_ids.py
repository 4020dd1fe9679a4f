"""T04 hostile kid, T05 one kid at two issuers, T06 keys brought along."""

import base64
from typing import Any

from injections import TRIED
from signing import CERT, LOG, POLICE, POLICE_STATUS, STATUS, STRANGER
from tokens import DAY, ISS, LEGAL, NOW, POLICE_ISS, police_claims, sd, token, usual
from vector import Row
from worlds import PATH, POLICE_PATH, key_record, police_record, record

_MALFORMED: dict[str, Any] = {
    "path": "../../etc/passwd",
    "absolute-path": "/dev/null",
    "windows-path": "C:\\Windows\\win.ini",
    "dot-dot": "..",
    "percent-encoded-path": "%2e%2e%2f",
    "url": "https://evil.example/key",
    "file-url": "file:///etc/passwd",
    "data-url": "data:application/json,{}",
    "sql": "' OR '1'='1",
    "sql-union": "x' UNION SELECT 'key'--",
    "shell": "$(id)",
    "backticks": "`id`",
    "pipe": "|id",
    "template": "{{7*7}}",
    "jndi": "${jndi:ldap://evil.example/a}",
    "format-string": "%s%n",
    "header-split": "a\r\nX-Kid: b",
    "newline-at-end": CERT.kid + "\n",
    "space-at-end": CERT.kid + " ",
    "space-before": " " + CERT.kid,
    "empty": "",
    "dot": ".",
    "65-characters": "A" * 65,
    "long": "A" * 5000,
    "cyrillic-look-alike": "а" + CERT.kid[1:],
    "full-width": "Ａ" + CERT.kid[1:],
    "arabic-digit": "٣" + CERT.kid[1:],
    "zero-width-space": CERT.kid + "\u200b",
    "bidi-override": "\u202e" + CERT.kid,
    "combining-mark": CERT.kid + "\u0301",
    "padding": CERT.kid + "=",
    "standard-base64": "+/" + CERT.kid[2:],
    "xml": "<kid/>",
    "null": None,
    "number": 1,
    "true": True,
    "list": [CERT.kid],
    "object": {"kid": CERT.kid},
}
_UNKNOWN = {
    "proto": "__proto__",
    "constructor": "constructor",
    "to-string": "toString",
    "has-own-property": "hasOwnProperty",
    "dunder-class": "__class__",
    "none": "none",
    "64-characters": "A" * 64,
    "ten-characters": CERT.kid[:10],
    "whole-thumbprint": CERT.thumbprint,
    "other-case": CERT.kid.swapcase(),
    "issuer-in-front": f"119999000000000198-{CERT.kid}",
}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_injection(), _clashes(), _brought()]


def _injection() -> Row:
    row = Row("T04", "threats.md T04; wire-formats.md, Credential")
    row.good("eleven-characters", "kid 为指纹前 11 位", "kid is 11 characters", usual())
    for name, kid in _MALFORMED.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=kid))
        title = (f"kid 不合语法：{name}", f"kid breaks its grammar: {name}")
        row.bad(f"kid-{name}", *title, made, "malformed", "header")
    made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=...))
    row.bad("kid-missing", "没有 kid", "No kid", made, "malformed", "header")
    for name, kid in _UNKNOWN.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=kid))
        title = (f"kid 合语法而未登记：{name}", f"A kid of good form that nobody listed: {name}")
        row.bad(f"kid-{name}", *title, made, "key_unknown", "key")
    known = [value for value in _MALFORMED.values() if isinstance(value, str)]
    for number, kid in enumerate(kid for kid in dict.fromkeys(TRIED) if kid not in known):
        made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=kid))
        title = (f"kid 注入：{kid!r}", f"An injected kid: {kid!r}")
        row.bad(f"kid-tried-{number:03}", *title, made, "malformed", "header")
    for code in range(1, 128):
        character = chr(code)
        if not (character.isalnum() or character in "_-" or CERT.kid[:5] + character in known):
            made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=CERT.kid[:5] + character))
            title = (f"kid 含字符 {code:#04x}", f"kid with the character {code:#04x}")
            row.bad(f"kid-character-{code:02x}", *title, made, "malformed", "header")
    for name, kid in {"nine-kilobytes": "A" * 9000, "one-megabyte": "A" * 1_000_000}.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=kid))
        more: dict[str, Any] = {}
        if len(made) > 512 * 1024:
            more["http"] = {"status": 413, "code": "body_too_large"}
        title = (f"kid 过长：{name}", f"An endless kid: {name}")
        row.bad(f"kid-{name}", *title, made, "malformed", "grammar", **more)
    return row


def _clashes() -> Row:
    row = Row("T05", "threats.md T05; RFC 7638")
    shared = police_record(keys=[key_record(CERT), key_record(POLICE_STATUS, "status")])
    both = {PATH: record(), POLICE_PATH: shared}
    row.good(
        "same-key-first-issuer",
        "两机关同 kid：甲",
        "One kid at two: the first",
        usual(),
        records=both,
    )
    row.good(
        "same-key-second-issuer",
        "两机关同 kid：乙",
        "One kid at two issuers: the second",
        token(police_claims()),
        records=both,
    )
    made = token(sd(LEGAL), LEGAL, header=POLICE.header(), key=POLICE)
    title = ("以另一机关的密钥和 kid 冒充", "Signed by another office's key under its kid")
    row.bad("key-of-another-issuer", *title, made, "key_unknown", "key")
    made = token(police_claims(), header=CERT.header())
    title = ("甲的密钥签乙的证照", "The first office's key under the second's name")
    row.bad("issuer-of-another-key", *title, made, "key_unknown", "key")
    made = token(sd(LEGAL), LEGAL, key=STRANGER, header=CERT.header())
    title = ("陌生密钥，借用真实 kid", "A stranger's signature under a true kid")
    row.bad("stranger-under-true-kid", *title, made, "signature_invalid", "signature")
    made = token(sd(LEGAL), LEGAL, key=STRANGER)
    row.bad("stranger", "陌生密钥", "A stranger's key", made, "key_unknown", "key")
    twice = record(keys=[key_record(CERT), key_record(CERT), key_record(STATUS, "status")])
    title = ("记录中两把密钥同 kid", "Two keys of a record share a kid")
    row.bad("kid-twice", *title, usual(), "trust_unavailable", "issuer", records={PATH: twice})
    two_uses = record(keys=[key_record(CERT), key_record(CERT, "status")])
    title = ("同一密钥两种用途", "One key for two uses")
    row.bad(
        "one-key-two-uses", *title, usual(), "trust_unavailable", "issuer", records={PATH: two_uses}
    )
    chosen = record(keys=[key_record(CERT, kid=POLICE.kid), key_record(STATUS, "status")])
    made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=POLICE.kid))
    title = ("记录中自选 kid，与指纹不符", "A chosen kid that is not the key's thumbprint")
    row.bad("kid-chosen", *title, made, "trust_unavailable", "issuer", records={PATH: chosen})
    whole = record(keys=[key_record(CERT, kid=CERT.thumbprint), key_record(STATUS, "status")])
    made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=CERT.thumbprint))
    title = ("记录中 kid 为完整指纹", "The record's kid is the whole thumbprint")
    row.bad("kid-whole", *title, made, "trust_unavailable", "issuer", records={PATH: whole})
    return row


def _brought() -> Row:
    row = Row("T06", "threats.md T06; RFC 7515 sections 4.1.2-4.1.8; RFC 8725 section 3.10")
    row.good("plain-header", "头部恰为三项", "A header of exactly three members", usual())
    chain = [base64.b64encode(b"certificate").decode()]
    members: dict[str, Any] = {
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/chain.pem",
        "jwk": STRANGER.jwk,
        "x5c": chain,
        "x5t": "bm90IGEgdGh1bWJwcmludA",
        "x5t#S256": "bm90IGEgdGh1bWJwcmludA",
        "cty": "dc+sd-jwt",
        "iss": ISS,
        "vctm": ["e30"],
        "trust_chain": ["e30.e30.e30"],
    }
    for name, value in members.items():
        slug = name.lower().replace("#", "-").replace("_", "-")
        made = token(sd(LEGAL), LEGAL, header=CERT.header(**{name: value}))
        title = (f"头部多出 {name}，签名真实", f"{name} in the header under a true signature")
        row.bad(f"{slug}-beside-true-key", *title, made, "malformed", "header")
        head = STRANGER.header(**{name: value})
        made = token(sd(LEGAL), LEGAL, header=head, key=STRANGER)
        title = (f"以 {name} 带来攻击者的密钥", f"The attacker's own key by {name}")
        row.bad(f"{slug}-of-attacker", *title, made, "malformed", "header")
    for name, url in {
        "jku-to-metadata-address": "http://169.254.169.254/latest/meta-data/",
        "jku-to-this-machine": "http://127.0.0.1:6379/",
        "jku-to-a-file": "file:///etc/passwd",
    }.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(jku=url))
        title = (f"诱使读取 {url}", f"Bait to read {url}")
        row.bad(name, *title, made, "malformed", "header")
    payload = sd(LEGAL, iss=f"{POLICE_ISS}/../119999000000000198")
    made = token(payload, LEGAL)
    title = ("iss 绕道指向机关", "iss by a detour")
    row.bad("iss-by-a-detour", *title, made, "issuer_unknown", "issuer")
    stale = {"trust": {"as_of": NOW - 400, "expires": NOW + DAY, "refresh_due": NOW - 100}}
    made = token(sd(LEGAL), LEGAL, key=LOG)
    title = ("以日志密钥签发", "Signed by the log's key")
    row.bad("log-key", *title, made, "key_unknown", "key")
    title = ("未知密钥，信任清单已到更新时间", "An unknown key while the trust data is due")
    made = token(sd(LEGAL), LEGAL, key=STRANGER)
    row.bad("stranger-while-trust-is-due", *title, made, "trust_stale", "key", **stale)
    return row
