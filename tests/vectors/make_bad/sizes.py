"""T21 sizes, T22 texts that make a bad pattern slow."""

import hashlib
from typing import Any

from signing import CERT, b64u, js
from tokens import LEGAL, PREFIX, claim, claims, jws, sd, seal, status, token, usual
from vector import Row
from worlds import PATH, served, with_right

LIMIT = 64 * 1024


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_sizes(), _patterns()]


def _filled(length: int) -> str:
    """The shortest true certificate of at least this many characters."""
    count = (length - len(token(claims(note="")))) * 3 // 4 - 4
    while len(made := token(claims(note="x" * count))) < length:
        count += 1
    return made


def _sizes() -> Row:
    row = Row("T21", "threats.md T21; wire-formats.md, Credential and QR frame")
    row.good("64-kib", "恰为 64 KiB", "Exactly 64 KiB", _filled(LIMIT))
    many = [claim(f"c{n:03}", n) for n in range(250)]
    row.good("250-disclosures", "250 个披露", "250 disclosures", token(sd(*many), *many))
    bad = ("malformed", "grammar")
    row.bad("beyond-64-kib", "略超过 64 KiB", "Just beyond 64 KiB", _filled(LIMIT + 1), *bad)
    row.bad(
        "100-kb",
        "100 KB 的真实证照",
        "A true certificate of 100 KB",
        token(claims(note="x" * 75_000)),
        *bad,
    )
    wide = [claim(f"c{n}", "x" * 18_000) for n in range(3)]
    title = ("披露共 72 KB", "72 KB of disclosures")
    row.bad("72-kb-of-disclosures", *title, token(sd(*wide), *wide), *bad)
    http = {"http": {"status": 413, "code": "body_too_large"}}
    row.bad("one-megabyte", "1 MB", "1 MB", token(claims(note="x" * 750_000)), *bad, **http)
    row.bad(
        "one-megabyte-of-tildes",
        "1 MB 的 ~",
        "1 MB of tildes",
        jws(claims()) + "~" * 1_000_000,
        *bad,
        **http,
    )
    row.bad(
        "one-megabyte-of-digits",
        "1 MB 的数字",
        "1 MB of digits",
        "1" * 1_000_000,
        "not_a_certificate",
        "frame",
        **http,
    )
    row.bad(
        "one-megabyte-of-text",
        "1 MB 的文字",
        "1 MB of text",
        "x" * 1_000_000,
        "not_a_certificate",
        "frame",
        **http,
    )
    row.bad(
        "ten-thousand-disclosures",
        "一万个披露",
        "Ten thousand disclosures",
        jws(claims()) + f"~{LEGAL}" * 10_000 + "~",
        *bad,
        **http,
    )
    short = [b64u(hashlib.sha256(b"%d" % n).digest()[:9]) for n in range(257)]
    row.bad(
        "257-disclosures",
        "257 个披露",
        "257 disclosures",
        "~".join((jws(claims()), *short, "")),
        *bad,
    )
    lines = [b64u(js(["", f"c{n}", n])) for n in range(257)]
    made = token(sd(*lines, _sd=[]), *lines)
    row.bad(
        "257-disclosures-of-good-form", "257 个合式披露", "257 disclosures of good form", made, *bad
    )
    made = token(sd(LEGAL), LEGAL, header=CERT.header(kid="A" * 8300))
    row.bad("header-of-8-kib", "头部超过 8 KiB", "A header beyond 8 KiB", made, *bad)
    made = "https://check.example/v#" + "1" * 7090
    row.bad("7090-digits", "7090 个数字", "7,090 digits", made, "unreadable", "frame")
    made = "https://check.example/v#" + "1" * 8192
    row.bad(
        "qr-text-beyond-8-kib",
        "二维码文字超长",
        "A QR text beyond 8 KiB",
        made,
        "not_a_certificate",
        "frame",
    )
    huge = '{"version":1' + " " * (256 * 1024) + "}"
    row.bad(
        "record-beyond-256-kib",
        "信任记录超长",
        "A trust record beyond 256 KiB",
        usual(),
        "trust_unavailable",
        "issuer",
        records={PATH: huge},
    )
    return row


def _patterns() -> Row:
    row = Row("T22", "threats.md T22; linear patterns, lengths before patterns")
    row.good(
        "long-but-harmless",
        "长而无害的文字",
        "Long and harmless",
        token(claims(note="a-" * 20_000)),
    )
    row.good(
        "many-backslashes", "大量反斜杠", "Many backslashes", token(claims(note="\\" * 16_000))
    )
    for name, kid in {
        "kid": "a" * 6000 + "!",
        "kid-hyphens": "-" * 6000 + "\n",
        "kid-underscores": "_a" * 3000 + " ",
    }.items():
        made = token(sd(LEGAL), LEGAL, header=CERT.header(kid=kid))
        row.bad(f"{name}", f"冗长的 {name}", f"An endless {name}", made, "malformed", "header")
    unknown = ("issuer_unknown", "issuer")
    for name, iss in {
        "host": "https://" + "a-." * 15_000 + "!/i/119999000000000198",
        "path": "https://certs.example" + "/a" * 20_000 + "!",
        "slashes": "https://certs.example" + "/" * 45_000,
        "issuers": "https://certs.example" + "/i" * 20_000 + "/119999000000000198!",
        "port": "https://certs.example:" + "1" * 45_000 + "/i/119999000000000198",
        "ipv6": "https://[" + ":" * 45_000 + "]/i/119999000000000198",
    }.items():
        title = (f"iss 冗长：{name}", f"An endless iss: {name}")
        row.bad(f"iss-{name}", *title, token(claims(iss=iss)), *unknown)
    for name, uri in {
        "path": PREFIX + "a/" * 20_000 + "!",
        "dots": PREFIX + "." * 45_000,
        "host": "https://" + "a-" * 20_000 + "/x",
        "under-the-prefix": PREFIX + "x" * 3000,
    }.items():
        title = (f"状态地址冗长：{name}", f"An endless status address: {name}")
        row.bad(
            f"status-{name}",
            *title,
            token(claims(status=status(7, uri))),
            "malformed",
            "status_reference",
        )
    row.bad(
        "vct",
        "冗长的 vct",
        "An endless vct",
        token(claims(vct="/" * 45_000)),
        "issuer_not_authorised",
        "right",
    )
    for name, text in {
        "host": ("https://" + "a-" * 3000 + "!/v#1", "not_a_certificate"),
        "digits-then-letter": ("1" * 7000 + "x", "not_a_certificate"),
        "our-prefix-then-spaces": ("https://a/v#" + " " * 7000 + "x", "unreadable"),
        "prefixes": ("https://a/v#" * 600, "unreadable"),
    }.items():
        row.bad(
            f"qr-{name}",
            f"二维码文字冗长：{name}",
            f"An endless QR text: {name}",
            text[0],
            text[1],
            "frame",
        )
    for name, text in {
        "token-without-dot": "eyJ" + "a" * 50_000 + "~",
        "dots": "a." * 20_000 + "~",
        "dot-then-letters": "a." + "a" * 50_000 + "!~",
    }.items():
        row.bad(
            f"{name}",
            f"冗长的文本：{name}",
            f"An endless text: {name}",
            text,
            "malformed",
            "grammar",
        )
    for name, text in {
        "open-string": b'{"a":"' + b"\\\\" * 16_000,
        "open-string-then-brackets": b'{"a":"' + b'\\"[' * 12_000,
        "quotes": b'"' * 40_000 + b"[" * 20,
        "many-short-strings": b"[" * 17 + b'"",' * 12_000,
    }.items():
        row.bad(
            f"json-{name}",
            f"冗长的 JSON：{name}",
            f"Endless JSON: {name}",
            token(text),
            "malformed",
            "payload",
        )
    pointers: dict[str, Any] = {"claims": ["/a" * 16, "/*" * 16, "/0" * 16, "9" * 500]}
    row.good(
        "policy-pointers",
        "冗长的声明指针",
        "Endless pointers in a policy",
        usual(),
        policy=pointers,
        reasons=["claims_missing"],
    )
    row.bad(
        "right",
        "冗长的权限地址",
        "An endless right",
        usual(),
        "trust_unavailable",
        "issuer",
        records={PATH: with_right(vct="https://" + "a-" * 2000)},
    )
    row.bad(
        "status-list",
        "冗长的状态清单",
        "An endless status list",
        usual(),
        "status_unavailable",
        "status_list",
        **served("a." * 30_000),
    )
    made = seal("e30." + "A" * 60_000) + "~"
    row.bad(
        "payload-of-zero-bytes",
        "45 KB 的零字节载荷",
        "45 KB of zero bytes",
        made,
        "malformed",
        None,
    )
    return row
