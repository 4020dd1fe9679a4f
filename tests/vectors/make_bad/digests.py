"""T31 digest algorithms and misplaced names, T32 what is hashed."""

import hashlib
from typing import Any

from signing import b64u, js, unb64u
from tokens import LEGAL, claim, claims, digest, element, salt, sd, token, usual
from vector import Row

BAD = ("disclosure_invalid", "disclosures")
DECOY = digest("decoy")


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_algorithms(), _hashed()]


def _algorithms() -> Row:
    row = Row("T31", "threats.md T31; RFC 9901 sections 4.1.1, 4.2.4, 7.1")
    row.good("sha-256", "_sd_alg 为 sha-256", "_sd_alg sha-256", usual())
    row.good(
        "absent",
        "_sd_alg 省略即 sha-256",
        "No _sd_alg means sha-256",
        token(sd(LEGAL, _sd_alg=...), LEGAL),
    )
    row.good("no-disclosures", "没有披露也没有 _sd", "No disclosures and no _sd", token(claims()))
    row.good(
        "alg-without-digests",
        "只有 _sd_alg",
        "_sd_alg alone",
        token(claims(_sd_alg="sha-256")),
        claims=claims(),
    )
    wrong: dict[str, Any] = {
        "md5": "md5",
        "sha-1": "sha-1",
        "sha-512": "sha-512",
        "sha3-256": "sha3-256",
        "upper-case": "SHA-256",
        "without-hyphen": "sha256",
        "with-space": "sha-256 ",
        "empty": "",
        "null": None,
        "number": 256,
        "list": ["sha-256"],
        "object": {"alg": "sha-256"},
        "true": True,
    }
    for name, alg in wrong.items():
        title = (f"_sd_alg 为 {alg!r}", f"_sd_alg is {alg!r}")
        row.bad(f"alg-{name}", *title, token(sd(LEGAL, alg=alg), LEGAL), *BAD)
        if name in ("md5", "null"):
            row.bad(f"alg-{name}-without-digests", *title, token(claims(_sd_alg=alg)), *BAD)
    row.bad(
        "alg-sm3",
        "_sd_alg 为 sm3：国密套件未启用",
        "_sd_alg sm3: the profile is off",
        token(sd(LEGAL, alg="sm3"), LEGAL),
        "algorithm_not_allowed",
        "disclosures",
    )
    _places(row)
    return row


def _places(row: Row) -> None:
    held = element("x")
    inner = claim("o", {"_sd_alg": "sha-256"})
    dots = claim("o", {"...": DECOY})
    cases: dict[str, tuple[str, str]] = {
        "alg-below-the-top": ("_sd_alg 在下层", token(claims(address={"_sd_alg": "sha-256"}))),
        "alg-in-an-array": ("_sd_alg 在数组对象里", token(claims(list=[{"_sd_alg": "sha-256"}]))),
        "alg-in-a-disclosure": ("_sd_alg 在披露里", token(sd(inner), inner)),
        "sd-string": ("_sd 为文本", token(claims(_sd=digest(LEGAL)))),
        "sd-object": ("_sd 为对象", token(claims(_sd={}))),
        "sd-number": ("_sd 为数字", token(claims(_sd=0))),
        "sd-null": ("_sd 为 null", token(claims(_sd=None))),
        "sd-false": ("_sd 为 false", token(claims(_sd=False))),
        "sd-null-below": ("下层 _sd 为 null", token(claims(address={"_sd": None}))),
        "sd-of-numbers": ("_sd 含数字", token(claims(_sd=[1]))),
        "sd-of-null": ("_sd 含 null", token(claims(_sd=[None]))),
        "sd-of-lists": ("_sd 含列表", token(claims(_sd=[[DECOY]]))),
        "sd-of-empty-text": ("_sd 含空文本", token(claims(_sd=[""]))),
        "sd-of-short-digest": ("_sd 含 42 字符", token(claims(_sd=[DECOY[:-1]]))),
        "sd-of-long-digest": ("_sd 含 44 字符", token(claims(_sd=[DECOY + "A"]))),
        "sd-of-other-characters": ("_sd 含别的字符", token(claims(_sd=[DECOY[:-1] + "é"]))),
        "dots-with-line-feed": ("... 含换行", token(claims(list=[{"...": DECOY[:-1] + "\n"}]))),
        "sd-of-padded-digest": ("_sd 含带填充的摘要", token(claims(_sd=[DECOY + "="]))),
        "dots-with-a-neighbour": (
            "... 旁有成员",
            token(claims(list=[{"...": digest(held), "x": 1}]), held),
        ),
        "dots-with-a-neighbour-withheld": (
            "未披露的 ... 旁有成员",
            token(claims(list=[{"...": DECOY, "x": 1}])),
        ),
        "dots-number": ("... 为数字", token(claims(list=[{"...": 1}]))),
        "dots-null": ("... 为 null", token(claims(list=[{"...": None}]))),
        "dots-short": ("... 过短", token(claims(list=[{"...": "A"}]))),
        "dots-at-the-top": ("... 在顶层", token(claims(**{"...": DECOY}))),
        "dots-in-an-object": ("... 在对象里", token(claims(address={"...": DECOY}))),
        "dots-in-a-disclosure": ("... 在披露里", token(sd(dots), dots)),
    }
    for name, (zh, text) in cases.items():
        row.bad(name, zh, name.replace("-", " "), text, *BAD)


def _hashed() -> Row:
    row = Row("T32", "threats.md T32; RFC 9901 section 4.2.3")
    spaced = b64u(
        b'[ "%s" ,\n "legal_representative",\t"\\u5f20\\u4e09" ]' % salt("spaced").encode()
    )
    row.good(
        "spaces-hashed-as-they-are",
        "带空白的披露按原文取摘要",
        "White space is hashed as it stands",
        token(sd(spaced), spaced),
        claims=claims(legal_representative="张三"),
    )
    s = salt("legal_representative").encode()
    inner = claim("inner", "x")
    spelled = js(claims(address={"_sd": [digest(inner)]})).replace(b'"_sd"', b'"\\u005fsd"')
    row.good(
        "escaped-name-of-sd",
        "下层 _sd 以转义写成",
        "_sd below, spelled by an escape",
        token(spelled, inner),
        claims=claims(address={"inner": "x"}),
    )
    held = element("x")
    spelled = js(claims(list=[{"...": digest(held)}])).replace(b'"..."', b'"\\u002e.."')
    row.good(
        "escaped-name-of-dots",
        "... 以转义写成",
        "... spelled by an escape",
        token(spelled, held),
        claims=claims(list=["x"]),
    )
    spelled = js(claims(address={"_sd": None})).replace(b'"_sd"', b'"\\u005fsd"')
    row.bad(
        "escaped-name-of-a-wrong-sd",
        "转义写成的 _sd 不是数组",
        "An escaped _sd that is no array",
        token(spelled),
        *BAD,
    )
    variants = {
        "space-after-commas": b'["%s", "legal_representative", "%s"]' % (s, "张三".encode()),
        "escaped-characters": b'["%s","legal_representative","\\u5f20\\u4e09"]' % s,
        "escaped-name": b'["%s","\\u006cegal_representative","%s"]' % (s, "张三".encode()),
        "newline-at-end": b'["%s","legal_representative","%s"]\n' % (s, "张三".encode()),
        "space-in-front": b' ["%s","legal_representative","%s"]' % (s, "张三".encode()),
        "other-value": b'["%s","legal_representative","%s"]' % (s, "李四".encode()),
        "other-salt": b'["%s","legal_representative","%s"]' % (b"A" * 22, "张三".encode()),
    }
    for name, data in variants.items():
        title = (f"披露与取摘要的原文不同：{name}", f"Another text than was hashed: {name}")
        row.bad(name, *title, token(sd(LEGAL), b64u(data)), *BAD)
    raw = unb64u(LEGAL)
    digests: dict[str, str] = {
        "digest-of-decoded-json": b64u(hashlib.sha256(raw).digest()),
        "digest-in-hex": hashlib.sha256(LEGAL.encode()).hexdigest(),
        "digest-padded": digest(LEGAL) + "=",
        "digest-of-padded-text": b64u(hashlib.sha256(LEGAL.encode() + b"=").digest()),
        "digest-with-tilde": b64u(hashlib.sha256(LEGAL.encode() + b"~").digest()),
        "digest-by-sha-512-cut": b64u(hashlib.sha512(LEGAL.encode()).digest()[:32]),
        "digest-by-sha-1": b64u(hashlib.sha1(LEGAL.encode(), usedforsecurity=False).digest()),
        "digest-twice-over": b64u(hashlib.sha256(hashlib.sha256(LEGAL.encode()).digest()).digest()),
        "digest-in-other-case": digest(LEGAL).swapcase(),
    }
    odd = next(one for one in (claim("note", n) for n in range(99)) if "-" in digest(one))
    standard = digest(odd).replace("-", "+").replace("_", "/")
    title = ("摘要用标准 base64 书写", "A digest in the standard alphabet")
    row.bad("digest-in-standard-base64", *title, token(sd(odd, _sd=[standard]), odd), *BAD)
    for name, made in digests.items():
        title = (f"摘要算法不对：{name}", f"A digest of something else: {name}")
        row.bad(name, *title, token(sd(LEGAL, _sd=[made]), LEGAL), *BAD)
    return row
