"""T16 base64url, T17 Unicode."""

import json
from typing import Any

from signing import CERT, b64u, js, unb64u
from tokens import LEGAL, claim, claims, salt, sd, seal, token, usual
from vector import Row
from worlds import PATH, raw, record, served, status_list

# Every third byte ends in six bits that base64url spells "-" or "_".
NOTES = {"-": ">>>>", "_": "????"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_base64(), _unicode()]


def _tail(text: str) -> str:
    """Another spelling of the same bytes, by an unused bit."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) + 1]


def _sized(rest: int, make: Any) -> str:
    """The first text of `make(n)` whose length leaves `rest` modulo 4."""
    return next(text for text in map(make, range(9)) if len(text) % 4 == rest)


def _base64() -> Row:
    row = Row("T16", "threats.md T16; RFC 4648 sections 3.2, 3.3, 3.5; RFC 7515 section 2")
    row.good("canonical", "规范写法", "The one spelling", usual())
    header = b64u(js(CERT.header()))
    for rest in (2, 3):
        body = _sized(rest, lambda n: b64u(js(sd(LEGAL, note="x" * n))))
        made = seal(f"{header}.{_tail(body)}") + f"~{LEGAL}~"
        title = (f"载荷末位多余比特（余 {rest}）", f"Unused bits set in the payload (rest {rest})")
        row.bad(f"payload-tail-bits-{rest}", *title, made, "malformed", "grammar")
        odd = _sized(rest, lambda n: claim("note", "x" * n))
        made = token(sd(_tail(odd)), _tail(odd))
        title = (f"披露末位多余比特（余 {rest}）", f"Unused bits set in a disclosure (rest {rest})")
        row.bad(f"disclosure-tail-bits-{rest}", *title, made, "malformed", None)
    _run_on(row)
    signed, rest_of = usual().split("~", 1)
    head = _sized(2, lambda n: b64u(js(CERT.header()) + b" " * n))
    body = signed.split(".")[1]
    made = seal(f"{_tail(head)}.{body}") + f"~{rest_of}"
    row.bad(
        "header-tail-bits",
        "头部末位多余比特",
        "Unused bits set in the header",
        made,
        "malformed",
        "grammar",
    )
    row.bad(
        "signature-tail-bits",
        "签名末位多余比特",
        "Unused bits set in the signature",
        f"{_tail(signed)}~{rest_of}",
        "malformed",
        "grammar",
    )
    data, _, signature = signed.rpartition(".")
    for name, text in {
        "padded": signature + "==",
        "one-character-more": signature + "AAA",
        "one-character-less": signature[:-1],
        "standard-alphabet": signature.replace("-", "+").replace("_", "/"),
        "space-inside": signature[:40] + " " + signature[40:],
        "newline-inside": signature[:40] + "\n" + signature[40:],
        "percent-encoded": signature + "%3D%3D",
        "full-width": signature[:-1] + chr(ord(signature[-1]) + 0xFEE0),
        "nul": signature + "\x00",
        "dot-at-end": signature + ".",
    }.items():
        if text == signature:
            continue
        made = f"{data}.{text}~{rest_of}"
        title = (f"签名写法不规范：{name}", f"A signature spelled otherwise: {name}")
        http = {"http": {"status": 400, "code": "body_malformed"}} if name == "nul" else {}
        # One character less is canonical base64url of 63 bytes or of none, never of 64.
        row.bad(f"signature-{name}", *title, made, "malformed", "grammar", **http)
    _other_alphabet(row, header)
    plus = _sized(0, lambda n: b64u(js(sd(LEGAL, note="x" * n + "?>?>?>~~~"))))
    for name, text in {
        "payload-padded": _sized(3, lambda n: b64u(js(sd(LEGAL, note="x" * n)))) + "=",
        "payload-standard-alphabet": plus.replace("-", "+").replace("_", "/"),
        "payload-newline-at-end": _sized(0, lambda n: b64u(js(sd(LEGAL, note="x" * n)))) + "\n",
        "payload-impossible-length": _sized(0, lambda n: b64u(js(sd(LEGAL, note="x" * n)))) + "A",
        "payload-crlf-wrapped": body[:76] + "\r\n" + body[76:],
    }.items():
        made = seal(f"{header}.{text}") + f"~{LEGAL}~"
        title = (f"载荷写法不规范：{name[8:]}", f"A payload spelled otherwise: {name[8:]}")
        row.bad(name, *title, made, "malformed", "grammar")
    for name, text in {
        "disclosure-padded": LEGAL + "=",
        "disclosure-standard-alphabet": claim("x", "?>?>~~~").replace("_", "/").replace("-", "+"),
        "disclosure-space-inside": LEGAL[:20] + " " + LEGAL[20:],
        "disclosure-full-stop": LEGAL[:20] + "." + LEGAL[20:],
    }.items():
        made = token(sd(text) if text.isascii() else sd(LEGAL), text)
        title = (f"披露写法不规范：{name[11:]}", f"A disclosure spelled otherwise: {name[11:]}")
        row.bad(name, *title, made, "malformed", None)
    odd = LEGAL + "A" * ((1 - len(LEGAL)) % 4)
    made = token(sd(odd), odd)
    row.bad(
        "disclosure-impossible-length",
        "披露长度不可能",
        "A disclosure of impossible length",
        made,
        "malformed",
        None,
    )
    lst = _list_text()
    for name, text in {
        "padded": lst + "=",
        "tail-bits": _tail(lst) if len(lst) % 4 else lst + "A",
        "standard-alphabet": "+" + lst[1:],
        "newline": lst + "\n",
    }.items():
        wrong = served(status_list(lst=text))
        title = (f"状态清单 lst 写法不规范：{name}", f"lst spelled otherwise: {name}")
        row.bad(f"lst-{name}", *title, usual(), "status_unavailable", "status_list", **wrong)
    return row


def _other_alphabet(row: Row, header: str) -> None:
    """One character of the standard alphabet in the place of its base64url twin."""
    for name, own, other in (("plus", "-", "+"), ("slash", "_", "/")):
        body = _holding(own, lambda n, own=own: b64u(js(sd(LEGAL, note="x" * n + NOTES[own]))))
        made = seal(f"{header}.{body.replace(own, other, 1)}") + f"~{LEGAL}~"
        title = (f"载荷中以 {other} 代 {own}", f"{other} for {own} in the payload")
        row.bad(f"payload-{name}", *title, made, "malformed", "grammar")
        odd = _holding(own, lambda n, own=own: claim("note", "x" * n + NOTES[own])).replace(
            own, other, 1
        )
        title = (f"披露中以 {other} 代 {own}", f"{other} for {own} in a disclosure")
        row.bad(f"disclosure-{name}", *title, token(sd(odd), odd), "malformed", "grammar")


def _holding(character: str, make: Any) -> str:
    """The first text of `make(n)` that holds this of the two odd characters."""
    return next(text for text in map(make, range(9)) if character in text)


def _list_text() -> str:
    payload = json.loads(unb64u(status_list().split(".")[1]))
    return str(payload["status_list"]["lst"])


def _run_on(row: Row) -> None:
    # Neither text is JSON by itself; what the unused bits spell could join it to the next one.
    pairs = {
        "run-on-into-the-next": ("WyJzIiwieE", b64u(b'yy"]')),
        "run-on-with-a-hidden-separator": (
            _tail(b64u(b'["ss","x')),
            b64u(b'y"]\n,["t","name","value"]'),
        ),
    }
    for name, pair in pairs.items():
        title = ("两段披露合在一起才是 JSON", "Disclosures that are JSON only together")
        made = usual() + "".join(f"{text}~" for text in pair)
        row.bad(f"disclosures-{name}", *title, made, "malformed", "grammar")


def _unicode() -> Row:
    row = Row("T17", "threats.md T17; RFC 8259 sections 7, 8.1, 8.2")
    row.good(
        "utf-8",
        "UTF-8 汉字与四字节字符",
        "UTF-8 with four-byte characters",
        token(claims(name="示例𠮷🀄公司")),
    )
    pair = js(claims(name="@")).replace(b"@", b"\\ud842\\udfb7")
    row.good("escaped-pair", "成对转义", "An escaped surrogate pair", token(pair))
    plain = js(claims(name="@")).replace(b"@", "示例".encode("unicode_escape"))
    row.good("escaped-characters", "转义汉字", "Escaped characters", token(plain))
    text = js(claims()).decode()
    bad = ("malformed", "payload")
    for name, data in {
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "utf-16-with-mark": text.encode("utf-16"),
        "utf-32": text.encode("utf-32-le"),
        "utf-32-with-mark": text.encode("utf-32"),
        "utf-8-with-mark": b"\xef\xbb\xbf" + text.encode(),
        "gb18030": text.encode("gb18030"),
        "latin-1": js(claims(name="@")).replace(b"@", b"caf\xe9"),
        "utf-7": js(claims(name="@")).replace(b"@", b"+U1c-\x80"),
        "overlong-slash": js(claims(name="@")).replace(b"@", b"\xc0\xaf"),
        "overlong-nul": js(claims(name="@")).replace(b"@", b"\xc0\x80"),
        "encoded-surrogate": js(claims(name="@")).replace(b"@", b"\xed\xa0\x80"),
        "cesu-8-pair": js(claims(name="@")).replace(b"@", b"\xed\xa1\x82\xed\xbe\xb7"),
        "five-bytes": js(claims(name="@")).replace(b"@", b"\xf8\x88\x80\x80\x80"),
        "beyond-unicode": js(claims(name="@")).replace(b"@", b"\xf4\x90\x80\x80"),
        "lone-continuation": js(claims(name="@")).replace(b"@", b"\x80"),
        "cut-character": js(claims(name="@")).replace(b"@", b"\xe4\xb8"),
        "high-surrogate-escape": js(claims(name="@")).replace(b"@", b"\\ud800"),
        "low-surrogate-escape": js(claims(name="@")).replace(b"@", b"\\udc00"),
        "reversed-pair-escape": js(claims(name="@")).replace(b"@", b"\\udfb7\\ud842"),
        "nul-escape": js(claims(name="@")).replace(b"@", b"a\\u0000b"),
        "raw-nul": js(claims(name="@")).replace(b"@", b"a\x00b"),
        "raw-newline": js(claims(name="@")).replace(b"@", b"a\nb"),
        "raw-escape": js(claims(name="@")).replace(b"@", b"\x1b[2J"),
        "unknown-escape": js(claims(name="@")).replace(b"@", b"\\x41"),
        "cut-escape": js(claims(name="@")).replace(b"@", b"\\u12"),
        "nul-in-a-name": js(claims(extra=1)).replace(b"extra", b"ex\\u0000tra"),
        "surrogate-in-a-name": js(claims(extra=1)).replace(b"extra", b"ex\\ud800tra"),
        "surrogate-in-an-array": js(claims(extra=["@"])).replace(b"@", b"\\ud800"),
        "no-break-space-around": "\u00a0".encode() + text.encode(),
        "form-feed-around": b"\x0c" + text.encode(),
        "vertical-tab-around": text.encode() + b"\x0b",
    }.items():
        title = (f"载荷编码不当：{name}", f"A payload's text is wrong: {name}")
        row.bad(f"payload-{name}", *title, token(data), *bad)
    for name, data in {
        "utf-16": CERT.header()["kid"].join(('{"alg":"ES256","kid":"', '"}')).encode("utf-16"),
        "byte-order-mark": b"\xef\xbb\xbf" + js(CERT.header()),
        "not-utf-8": js(CERT.header())[:-1] + b',"x":"\xff"}',
        "nul-in-alg": js(CERT.header()).replace(b"ES256", b"ES256\\u0000"),
        "surrogate-in-kid": js(CERT.header(kid="@")).replace(b"@", b"\\ud800"),
    }.items():
        made = token(sd(LEGAL), LEGAL, header=data)
        row.bad(
            f"header-{name}",
            f"头部编码不当：{name}",
            f"A header's text is wrong: {name}",
            made,
            "malformed",
            "grammar",
        )
    for name, data in {
        "not-utf-8": b'["%s","name_en","caf\xe9"]' % salt("x").encode(),
        "high-surrogate": b'["%s","name_en","\\ud800"]' % salt("x").encode(),
        "nul": b'["%s","name_en","\\u0000"]' % salt("x").encode(),
        "nul-in-salt": b'["\\u0000","name_en","x"]',
        "byte-order-mark": b"\xef\xbb\xbf" + b'["%s","name_en","x"]' % salt("x").encode(),
        "utf-16": '["salt","name_en","x"]'.encode("utf-16"),
    }.items():
        odd = b64u(data)
        made = token(sd(odd), odd)
        row.bad(
            f"disclosure-{name}",
            f"披露编码不当：{name}",
            f"A disclosure's text is wrong: {name}",
            made,
            "malformed",
            "disclosures",
        )
    for name, text in {
        "byte-order-mark": "\ufeff" + usual(),
        "zero-width-space": "\u200b" + usual(),
    }.items():
        row.bad(
            f"text-{name}",
            f"文本前有 {name}",
            f"{name} before the text",
            text,
            "not_a_certificate",
            "frame",
        )
    row.bad(
        "text-lone-surrogate",
        "文本含孤立代理",
        "A lone surrogate in the text",
        usual() + "\ud800",
        "malformed",
        "grammar",
        http={"status": 400, "code": "body_malformed"},
    )
    name = raw(record()).replace("示例市市场监督管理局", "\\ud800")
    row.bad(
        "record-surrogate",
        "信任记录含孤立代理",
        "A surrogate in a trust record",
        usual(),
        "trust_unavailable",
        "issuer",
        records={PATH: name},
    )
    return row
