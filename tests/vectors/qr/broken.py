"""Frames that must be refused, each with one defect; `generate.py` writes them down."""

import zlib
from collections.abc import Callable

from certsvc_sdk.qr import frame

SEED = bytes(range(16))
SIGNATURE = bytes(range(64, 128))


def body(  # every part of a frame, so that a case can break one of them
    stream: bytes,
    *,
    head: bytes = b"\x01\x00\x02",
    salts: bytes = b"",
    packed: Callable[[bytes], bytes] | None = None,
    signature: bytes = SIGNATURE,
) -> bytes:
    """Return frame bytes with a right CRC."""
    data = (packed or deflate)(stream)
    content = head + salts + data + signature
    return content + frame.crc16(content)


def framed_alone(content: bytes) -> bytes:
    """Return these bytes with their CRC and nothing else."""
    return content + frame.crc16(content)


def stored_oddly(stream: bytes) -> bytes:
    """Return DEFLATE that ends with an empty fixed block, a bit set after its end."""
    packer = zlib.compressobj(0, zlib.DEFLATED, -15)
    return packer.compress(stream) + packer.flush(zlib.Z_FULL_FLUSH) + b"\x03\x04"


def deflate(stream: bytes) -> bytes:
    """Raw DEFLATE without dictionary."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(stream) + packer.flush()


def broken_frames() -> dict[str, tuple[bytes, str]]:
    """Frames with a right CRC (but for one) that must be refused, with their error code."""
    flat = b'{"alg":"ES256"}\n{"iss":"x"}'
    one = b'{"alg":"ES256"}\n{"_sd":[1],"_sd_alg":"sha-256"}\n"a":1'
    seed = {"head": b"\x01\x00\x00", "salts": SEED}
    withheld = b"A" * 43
    good = body(flat)
    return {
        "crc-wrong": (good[:-1] + bytes((good[-1] ^ 1,)), "unreadable"),
        "version-2": (body(flat, head=b"\x02\x00\x02"), "format_unsupported"),
        "version-0": (body(flat, head=b"\x00\x00\x02"), "format_unsupported"),
        "flags-both": (body(flat, head=b"\x01\x00\x03"), "format_unsupported"),
        "flags-unknown": (body(flat, head=b"\x01\x00\x04"), "format_unsupported"),
        "flags-unknown-high": (body(flat, head=b"\x01\x00\x82"), "format_unsupported"),
        "flags-all": (body(flat, head=b"\x01\x00\xff"), "format_unsupported"),
        "flags-before-the-end": (framed_alone(b"\x01\x00\x03"), "format_unsupported"),
        "frame-empty": (b"\xff\xff", "unreadable"),
        "frame-two-bytes": (framed_alone(b"\x01\x00"), "unreadable"),
        "frame-head-alone": (framed_alone(b"\x01\x00\x02"), "malformed"),
        "seed-cut": (framed_alone(b"\x01\x00\x00" + SEED[:9]), "malformed"),
        "salts-count-cut": (framed_alone(b"\x01\x00\x01"), "malformed"),
        "stream-none": (framed_alone(b"\x01\x00\x02" + SIGNATURE), "malformed"),
        "stream-reaches-before-the-dictionary": (
            body(flat, packed=lambda _: bytes.fromhex("4b04a20300")),
            "malformed",
        ),
        "stream-stored-length-wrong": (
            body(flat, packed=lambda _: b"\x01\x05\x00\x00\x00hello"),
            "malformed",
        ),
        "stream-surrogate": (body(b'{"alg":1}\n{"a":"\xed\xa0\x80"}'), "malformed"),
        "stream-overlong": (body(b'{"alg":1}\n{"a":"\xc0\xaf"}'), "malformed"),
        "stream-ends-with-lf": (body(flat + b"\n"), "malformed"),
        "stream-empty-payload": (body(b'{"alg":"ES256"}\n'), "malformed"),
        "dictionary-unknown": (body(flat, head=b"\x01\x63\x02"), "format_unsupported"),
        "signature-short": (
            body(flat, packed=lambda _: b"", signature=SIGNATURE[:63]),
            "malformed",
        ),
        "stream-cut": (body(flat, packed=lambda s: deflate(s)[:-2]), "malformed"),
        "stream-followed-by-bytes": (body(flat, packed=lambda s: deflate(s) + b"\0"), "malformed"),
        "stream-padding-not-zero": (
            body(flat, packed=lambda s: deflate(s)[:-1] + bytes((deflate(s)[-1] | 0x80,))),
            "malformed",
        ),
        "stream-stored-block-padding-not-zero": (body(flat, packed=stored_oddly), "malformed"),
        "stream-not-deflate": (body(flat, packed=lambda _: b"\xff\xff\xff"), "malformed"),
        "stream-over-64-kib": (body(flat + b" " * 65536), "malformed"),
        "stream-not-utf-8": (body(b'{"alg":1}\n{"iss":"\xff"}'), "malformed"),
        "stream-one-line": (body(b'{"alg":"ES256"}'), "malformed"),
        "stream-empty-header": (body(b'\n{"iss":"x"}'), "malformed"),
        "line-without-flag": (body(one), "malformed"),
        "line-missing": (body(one.replace(b"[1]", b"[2]"), **seed), "malformed"),
        "line-unused": (body(one + b'\n"b":2', **seed), "malformed"),
        "line-all-missing": (body(b'{"alg":1}\n{"_sd":[1]}'), "malformed"),
        "line-without-name": (body(one.replace(b'"a":1', b"1"), **seed), "malformed"),
        "line-without-value": (body(one.replace(b'"a":1', b'"a":'), **seed), "malformed"),
        "line-empty": (body(b'{"alg":1}\n{"m":[{"...":""}]}\n', **seed), "malformed"),
        "seed-without-lines": (body(flat, **seed), "malformed"),
        "seed-with-withheld": (
            body(one.replace(b"[1]", b'[1,"%s"]' % withheld), **seed),
            "malformed",
        ),
        "seed-with-withheld-element": (
            body(one.replace(b'{"_sd":', b'{"m":[{"...":"%s"}],"_sd":' % withheld), **seed),
            "malformed",
        ),
        "salts-too-few": (
            body(one + b"\n2", head=b"\x01\x00\x01", salts=b"\x01" + SEED),
            "malformed",
        ),
        "salts-too-many": (body(one, head=b"\x01\x00\x01", salts=b"\x02" + SEED * 2), "malformed"),
        "salts-none": (body(flat, head=b"\x01\x00\x01", salts=b"\x00"), "malformed"),
        "salts-past-the-end": (body(one, head=b"\x01\x00\x01", salts=b"\xff" + SEED), "malformed"),
        "withheld-unsorted": (
            body(
                one.replace(b"[1]", b'[1,"%s","%s"]' % (b"B" * 43, withheld)),
                head=b"\x01\x00\x01",
                salts=b"\x01" + SEED,
            ),
            "malformed",
        ),
        "sd-without-count": (body(one.replace(b"[1]", b"[]"), **seed), "malformed"),
        "sd-count-too-large": (body(one.replace(b"[1]", b"[1000]"), **seed), "malformed"),
        "sd-count-negative": (body(one.replace(b"[1]", b"[-1]"), **seed), "malformed"),
        "sd-digest-alone": (
            body(one.replace(b"[1]", b'["%s"]' % withheld), **seed),
            "malformed",
        ),
        "sd-digest-short": (
            body(one.replace(b"[1]", b'[1,"%s"]' % withheld[1:]), **seed),
            "malformed",
        ),
        "sd-inside-a-line-of-another-form": (
            body(one.replace(b'"a":1', b'"a":{"_sd":[]}'), **seed),
            "malformed",
        ),
        "line-for-an-element-missing": (
            body(b'{"alg":1}\n{"m":[{"...":""},{"...":""}]}\n1', **seed),
            "malformed",
        ),
        "line-name-endless": (body(one.replace(b'"a":1', b'"a:1'), **seed), "malformed"),
        "lines-where-flags-say-none": (body(one, head=b"\x01\x00\x02"), "malformed"),
        "sd-count-with-leading-zero": (body(one.replace(b"[1]", b"[01]"), **seed), "malformed"),
        "sd-with-white-space": (body(one.replace(b"[1]", b" [1]"), **seed), "malformed"),
        "sd-before-endless-string": (body(one.replace(b'256"}', b"256}"), **seed), "malformed"),
        "nested-too-deep": (
            body(one.replace(b'"a":1', b"\n".join([b'"a":{"_sd":[1]}'] * 20 + [b'"a":1'])), **seed),
            "malformed",
        ),
        "lines-over-256": (
            body(
                b'{"alg":1}\n{"_sd":[257]}' + b"".join(b'\n"a%d":1' % n for n in range(257)), **seed
            ),
            "malformed",
        ),
    }
