"""T69 foreign codes, T73 damaged ones, T21 frames nobody should have made."""

import hashlib
import zlib

from frames import HOST, SEED, body, crc, deflate, n17, plain, text_of
from signing import CERT, b64u, js
from tokens import LEGAL, claims, digest
from vector import Row


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_foreign(), _damaged(), *_made()]


def _foreign() -> Row:
    row = Row("T69", "threats.md T69; wire-formats.md, QR frame")
    row.good("our-code", "本系统的二维码", "A code of ours", text_of(plain()))
    row.good(
        "any-host", "域名不影响结论", "The host says nothing", text_of(plain(), "evil.example")
    )
    row.good("caps-lock", "大写锁定的扫码枪", "A scanner under Caps Lock", text_of(plain()).upper())
    row.good("bare-digits", "只有数字", "Bare digits", n17(plain()))
    for name, text in {
        "web-page": "https://evil.example/",
        "our-host-other-path": "https://check.example/pay?x=1",
        "plain-http": "http://check.example/v#" + n17(plain()),
        "javascript": "javascript:alert(1)",
        "data-url": "data:text/html,<script>alert(1)</script>",
        "wifi": "WIFI:T:WPA;S:demo;P:12345678;;",
        "telephone": "tel:+8612345",
        "sms": "SMSTO:10086:hi",
        "geo": "geo:39.9,116.4",
        "payment": "wxp://f2f0abcdefghijklmnopqrstuvwxyz",
        "alipay": "https://qr.alipay.com/fkx0000000000000",
        "vcard": "BEGIN:VCARD\nFN:张三\nEND:VCARD",
        "homograph-host": "https://сheck.example/v#" + n17(plain()),
        "user-in-the-url": "https://check.example@evil.example/v#" + n17(plain()),
        "path-before-v": "https://check.example/x/v#" + n17(plain()),
        "query-before-fragment": "https://check.example/v?x#" + n17(plain()),
        "presentation-code": "https://check.example/p#" + "1" * 39,
        "short-number": "1" * 59,
        "other-digits": "١" * 80,
        "empty-host": "https:///v#" + n17(plain()),
        "text": "这不是证照",
        "a-dot": ".",
        "tilde": "~",
    }.items():
        title = (f"不是证照：{name}", f"No certificate: {name}")
        row.bad(name, *title, text, "not_a_certificate", "frame")
    http = {"http": {"status": 422, "code": "input_missing"}}
    row.bad("nothing", "空", "Nothing", "", "not_a_certificate", "frame", **http)
    row.bad("white-space", "空白", "White space", " \n\t", "not_a_certificate", "frame", **http)
    row.bad(
        "nul",
        "NUL",
        "A NUL",
        "\x00",
        "not_a_certificate",
        "frame",
        http={"status": 400, "code": "body_malformed"},
    )
    return row


def _damaged() -> Row:
    row = Row("T73", "threats.md T73; wire-formats.md, QR frame")
    good = plain()
    digits = n17(good)
    row.good("undamaged", "完好", "Undamaged", text_of(good))
    row.good("white-space-around", "首尾空白", "White space around it", f" {text_of(good)}\r\n")
    prefix = f"https://{HOST}/v#"
    for name, text in {
        "no-digits": prefix,
        "letter": prefix + digits[:-1] + "x",
        "space-inside": f"{prefix}{digits[:20]} {digits[20:]}",
        "first-digit-lost": prefix + digits[1:],
        "last-digit-lost": prefix + digits[:-1],
        "digit-changed": prefix + digits[:40] + str((int(digits[40]) + 1) % 10) + digits[41:],
        "digits-exchanged": prefix + digits[:17] + digits[34:51] + digits[17:34] + digits[51:],
        "group-above-its-range": prefix + "9" * 17 + digits[17:],
        "tail-above-its-range": prefix + "0" * 17 + "999",
        "impossible-tail": prefix + "0" * 17 + "1",
        "arabic-digits": prefix + "١" * 60,
        "full-width-digits": prefix + "１" * 60,
        "crc-wrong": text_of(good[:-1] + bytes([good[-1] ^ 1])),
        "body-bit-flipped": text_of(bytes([*good[:30], good[30] ^ 4, *good[31:]])),
        "cut-in-half": text_of(good[: len(good) // 2]),
        "four-bytes": text_of(good[:4]),
        "only-a-crc": text_of(crc(b"")),
        "two-bytes-and-crc": text_of(b"\x01\x00" + crc(b"\x01\x00")),
        "doubled": prefix + digits + digits,
        "bare-digits-cut": digits[:-1],
    }.items():
        title = (f"读码有误：{name}", f"Misread: {name}")
        row.bad(name, *title, text, "unreadable", "frame")
    newer = {
        "version-two": plain(version=2),
        "version-zero": plain(version=0),
        "version-255": plain(version=255),
        "dictionary-unknown": plain(dictionary=200),
        "dictionary-255": plain(dictionary=255),
        "flag-three": plain(flags=3),
        "flag-four": plain(flags=4),
        "flag-128": plain(flags=130),
    }
    for name, made in newer.items():
        title = (f"版本过新：{name}", f"Of a newer release: {name}")
        row.bad(name, *title, text_of(made), "format_unsupported", "frame")
    return row


def _signed() -> dict[str, bytes]:
    """Frames of true certificates, written in another way than the one allowed."""
    text = js(CERT.header()) + b"\n" + js(claims())
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    unended = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    full = js(claims())[:-1] + b',"_sd":["%s"]}' % digest(LEGAL).encode()
    return {
        "stream-that-never-ends": plain(packed=unended),
        "stream-with-more-behind": plain(packed=deflate(text) + b"\x03\x00"),
        "slot-in-full-without-lines": plain(full),
        "slot-with-space-without-lines": plain(full.replace(b'"_sd":', b'"_sd": ')),
    }


def _noise(size: int) -> str:
    """Text that no compression shortens much, the same in every run."""
    blocks = (hashlib.sha256(b"noise %d" % n).digest() for n in range(size // 32 + 1))
    return b64u(b"".join(blocks))[:size]


def _made() -> list[Row]:
    row = Row("T21", "wire-formats.md, QR frame: the one way to write a certificate")
    head, text = js(CERT.header()), js(claims())
    sign, line = bytes(64), '"legal_representative":"张三"'.encode()
    stream = head + b"\n" + text
    slot = js(claims())[:-1] + b',"_sd":[1]}'
    element = js(claims())[:-1] + b',"list":[{"...":""}]}'

    def lines(payload: bytes, *more: bytes) -> bytes:
        return body(b"\n".join((head, payload, *more)), sign, s=SEED, flags=0)

    deep = b'"a":{"_sd":[1]}'
    bad: dict[str, bytes] = {
        "bomb": body(b"", sign, packed=deflate(bytes(2_000_000))),
        "bomb-just-beyond": body(b"", sign, packed=deflate(stream + b" " * (65537 - len(stream)))),
        "stream-not-deflate": body(b"", sign, packed=b"\xff" * 40),
        "stream-cut": body(b"", sign, packed=deflate(stream)[:-6]),
        "stream-with-a-tail": body(b"", sign, packed=deflate(stream) + b"\x00"),
        "stream-not-utf-8": body(stream + b"\xff", sign),
        "stream-of-one-line": body(head, sign),
        "stream-empty": body(b"", sign),
        "no-header": body(b"\n" + text, sign),
        "no-payload": body(head + b"\n", sign),
        "shorter-than-its-signature": body(b"", b"", packed=b"\x03\x00"),
        "salts-beyond-the-end": body(stream, sign, flags=1, s=b"\xff"),
        "seed-without-lines": body(stream, sign, flags=0, s=SEED),
        "lines-without-salts": body(stream + b"\n" + line, sign),
        "257-lines": lines(slot, *[b'"a":1'] * 257),
        "unused-line": lines(slot, line, line),
        "missing-line": lines(js(claims())[:-1] + b',"_sd":[2]}', line),
        "line-without-a-name": lines(slot, b"1"),
        "line-without-a-value": lines(slot, b'"a":'),
        "line-empty": lines(slot, b""),
        "element-line-empty": lines(element, b""),
        "slot-with-leading-zero": lines(js(claims())[:-1] + b',"_sd":[01]}', line),
        "slot-with-full-digests": lines(
            js(claims())[:-1] + b',"_sd":["%s"]}' % digest(LEGAL).encode(), line
        ),
        "slot-with-spaces": lines(js(claims())[:-1] + b',"_sd": [1]}', line),
        "string-that-never-ends": lines(slot + b'"', line),
        "withheld-not-in-order": body(
            b"\n".join(
                (head, js(claims())[:-1] + b',"_sd":[1,"%s","%s"]}' % (b"B" * 43, b"A" * 43), line)
            ),
            sign,
            s=b"\x01" + SEED,
            flags=1,
        ),
        "lines-nested-too-deep": lines(slot, *[deep] * 20, b'"a":1'),
    }
    bad |= _signed()
    for name, made in bad.items():
        title = (f"二维码帧不合格：{name}", f"A frame nobody should have made: {name}")
        row.bad(f"frame-{name}", *title, text_of(made), "malformed", "frame")
    long = text_of(plain(js(claims(note=_noise(3400)))))
    title = ("数字多于任何二维码", "More digits than any symbol holds")
    row.bad("frame-of-more-digits-than-any-symbol", *title, long, "unreadable", "frame")
    row.bad(
        "frame-signature-zero",
        "帧内签名全零",
        "A frame with a zero signature",
        text_of(plain(signature=sign)),
        "signature_invalid",
        "signature",
    )
    row.bad(
        "frame-header-alg-none",
        "帧内 alg none",
        "alg none in a frame",
        text_of(plain(header=js(CERT.header(alg="none")))),
        "algorithm_not_allowed",
        "header",
    )
    row.bad(
        "frame-of-noise",
        "帧内是噪声",
        "Noise in a frame",
        text_of(plain(header=b"x", payload=b"y")),
        "malformed",
        "grammar",
    )
    row.good(
        "frame-at-its-largest",
        "接近上限的帧",
        "A frame close to its cap",
        text_of(plain(js(claims(note="x" * 40_000)))),
    )
    return [row]
