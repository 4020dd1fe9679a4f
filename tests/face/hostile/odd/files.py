"""Picture files that are cut, flipped, or far larger inside than outside."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from PIL import Image

_FORMS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PDF", "progressive")


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    if form == "progressive":
        form, options = "JPEG", {"progressive": True}
    picture.save(out, form, **options)
    return out.getvalue()


def cut(picture: Image.Image) -> Iterator[bytes]:
    """Each format, cut at ten places."""
    for form in _FORMS:
        data = saved(picture, form)
        for tenth in range(10):
            yield data[: 4 + (len(data) - 5) * tenth // 10]


def flipped(picture: Image.Image) -> Iterator[bytes]:
    """Each format with some bytes written over, the head among them."""
    number = 0
    while True:
        chance = np.random.RandomState(1000 + number)
        data = bytearray(saved(picture, _FORMS[number % len(_FORMS)]))
        end = len(data) if number % 2 else 200
        for _ in range(1 + number // 4):
            data[int(chance.random_sample() * min(end, len(data)))] = int(chance.randint(256))
        yield bytes(data)
        number += 1


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head)
    return start + b"".join(chunks) + _chunk(b"IEND", b"")


def bombs() -> Iterator[bytes]:
    """Small files that hold, or claim, very much."""
    rows = zlib.compress(bytes(6301 * 6300), 9)
    yield _png(6300, 6300, _chunk(b"IDAT", rows))  # just within the limit of pixels
    for side in (6400, 20_000, 65_535, 2**31 - 1):
        yield _png(side, side, _chunk(b"IDAT", rows[:2000]))
    yield _png(1, 2**31 - 1, _chunk(b"IDAT", b""))
    yield _png(39_000_000, 1, _chunk(b"IDAT", zlib.compress(bytes(39_000_001))))
    much = zlib.compress(bytes(200 * 1024 * 1024), 9)
    pixel = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    yield _png(1, 1, _chunk(b"zTXt", b"a\0\0" + much), pixel)
    yield _png(1, 1, _chunk(b"iTXt", b"a\0\1\0\0\0" + much), pixel)
    yield _png(1, 1, _chunk(b"iCCP", b"a\0\0" + much), pixel)
    yield _png(1, 1, *[_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000)))] * 200, pixel)
    yield _png(1, 1, _chunk(b"IDAT", much))
    blank = Image.new("L", (300, 300), 255)
    yield saved(blank, "GIF", save_all=True, append_images=[Image.new("L", (300, 300), 0)] * 300)
    yield saved(blank, "TIFF", save_all=True, append_images=[blank] * 30)
    yield saved(blank, "PDF", save_all=True, append_images=[blank] * 30)
    yield b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x80\0\0" + bytes(6) + b";"
    yield b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 1, *[0] * 6)
    scans = saved(Image.new("L", (64, 64), 99), "JPEG", progressive=True)
    last = scans.rindex(b"\xff\xda")
    yield scans[:last] + scans[last:-2] * 300 + scans[-2:]
    yield (
        b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8L" + struct.pack("<I", 9) + b"/\xff\xff\xff\xff"
    )
    yield b"%PDF-1.7\n" + b"1 0 obj\n" + b"[" * 200_000
