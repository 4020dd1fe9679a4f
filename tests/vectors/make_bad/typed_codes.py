"""T73 typing errors, T69 what a resolver may answer: the typed code in place of the QR text."""

import hashlib

from frames import plain, text_of
from tokens import LEGAL, REVOKED, SHARE, sd, seal, status, token, usual
from vector import Row

ALPHABET = "23456789CDFHKMRWX"
SOURCE = "docs/typed-code.md"


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_typing(), _resolving()]


def code_of(text: str) -> str:
    """The code of a token, as it is printed."""
    number = int.from_bytes(hashlib.sha256(b"certsvc typed code 1\n" + text.encode()).digest())
    values = [number // 17 ** (14 - place) % 17 for place in range(15)]
    check = sum((place + 1) * value for place, value in enumerate(values)) % 17
    signs = "".join(ALPHABET[value] for value in (*values, check))
    return "-".join(signs[at : at + 4] for at in range(0, 16, 4))


def _plain(text: str) -> str:
    return text.replace("-", "")


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in text)


def _typing() -> Row:
    row = Row("T73", SOURCE)
    good = usual()
    code = code_of(good)
    codes = {"codes": {_plain(code): good}}
    row.good("typed-code", "短码", "A typed code", code, **codes)
    row.good("typed-lower-case", "小写", "In lower case", f" {code.lower()}\r\n", **codes)
    row.good("typed-full-width", "全角", "Full width", _wide(code), **codes)
    row.good("typed-without-hyphens", "无连字符", "Without hyphens", _plain(code), **codes)
    first, second = code[0], code[1]
    other = ALPHABET[(ALPHABET.index(code[-1]) + 1) % 17]
    for name, text in {
        "check-sign": code[:-1] + other,
        "neighbours-exchanged": second + first + code[2:],
        "sign-left-out": code[1:],
        "sign-doubled": first + code,
        "zero-for-a-sign": "0" + code[1:],
        "half": code[:9],
        "digits-of-the-barcode-cut": "1863213811921344747",
        "digits-of-the-barcode-wrong": "18632138119213447470",
    }.items():
        title = (f"短码输入有误：{name}", f"A typing error: {name}")
        row.bad(f"typed-{name}", *title, text, "unreadable", "frame", **codes)
    return row


def _resolving() -> Row:
    row = Row("T69", SOURCE)
    good, other = usual(), usual(name="另一示例有限公司")
    code = code_of(good)

    def answers(text: str) -> dict[str, dict[str, str]]:
        return {"codes": {_plain(code): text}}

    row.bad(
        "typed-code-of-nobody", "无此短码", "Nobody knows the code", code, "code_unknown", "frame",
        codes={},
    )  # fmt: skip
    row.bad(
        "typed-code-without-a-line", "无法查询", "Nobody can be asked", code, "code_unavailable",
        "frame",
    )  # fmt: skip
    held = token(sd(LEGAL, SHARE), LEGAL, SHARE)
    for name, text in {
        "another-certificate": other,
        "qr-text": text_of(plain()),
        "the-code-itself": code,
        "nothing": "",
        "white-space": good + " ",
        "a-link": "https://evil.example/",
    }.items():
        title = (f"解析服务答非所问：{name}", f"A resolver that answers: {name}")
        row.bad(f"resolver-{name}", *title, code, "code_unavailable", "frame", **answers(text))
    row.bad(
        "resolver-withholds-a-disclosure",
        "解析服务扣留披露",
        "A resolver that keeps a disclosure back",
        code_of(held),
        "code_unavailable",
        "frame",
        codes={_plain(code_of(held)): held.replace(f"{SHARE}~", "")},
    )
    forged = seal("eyJhbGciOiJub25lIn0.e30", signature=b"x" * 64) + "~"
    row.bad(
        "typed-code-of-a-forgery",
        "短码指向伪造内容",
        "A code made for a forgery",
        code_of(forged),
        "malformed",
        "header",
        codes={_plain(code_of(forged)): forged},
    )
    gone = usual(status=status(REVOKED))
    row.bad(
        "typed-code-of-a-revoked-one",
        "短码对应的证照已失效",
        "A code of a revoked certificate",
        code_of(gone),
        "revoked",
        "status",
        codes={_plain(code_of(gone)): gone},
    )
    return row
