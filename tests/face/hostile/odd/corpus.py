"""Five hundred odd and hostile picture files (T73), the same in every run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from odd import files, modes, patterns, said, symbols
from PIL import Image, ImageChops, ImageDraw, ImageOps

from certsvc.face.qr import qr_symbol

File = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Texts:
    """What codes say.

    Attributes:
        ours: a certificate that is valid.
        second: another one.
        forged: texts like ours that no office signed so.
    """

    ours: str
    second: str
    forged: tuple[str, ...]


#: Files of each family.
COUNTS: Final = {
    "damaged": 60,
    "turned": 40,
    "kinds": 60,
    "modes": 80,
    "texts": 60,
    "forged": 20,
    "cut": 80,
    "flipped": 50,
    "bombs": 20,
    "several": 10,
    "patterns": 20,
}


def corpus(texts: Texts) -> Iterator[File]:
    """Yield name and bytes of each file, family by family."""
    families: dict[str, Callable[[Texts], Iterator[bytes]]] = {
        "damaged": _damaged,
        "turned": _turned,
        "kinds": _kinds,
        "modes": lambda texts: modes.modes(texts.ours),
        "texts": lambda texts: said.said(texts.ours),
        "forged": _forged,
        "cut": lambda texts: files.cut(code(texts.ours)),
        "flipped": lambda texts: files.flipped(code(texts.ours)),
        "bombs": lambda _: files.bombs(),
        "several": _several,
        "patterns": lambda _: (files.saved(picture) for picture in patterns.patterns()),
    }
    for family, make in families.items():
        for number, data in zip(range(COUNTS[family]), make(texts), strict=False):
            yield f"{family}-{number:03}", data


def code(text: str, scale: int = 4) -> Image.Image:
    """The code as we print it."""
    address, mark, digits = text.partition("#")
    return symbols.drawn(qr_symbol(address + mark, digits).matrix, scale)


def _damaged(texts: Texts) -> Iterator[bytes]:
    whole = code(texts.ours)
    for number in range(COUNTS["damaged"]):
        chance = np.random.RandomState(number)
        hurt = np.array(whole)
        side = hurt.shape[0]
        if number % 3 == 0:
            across, left, top = (int(chance.random_sample() * side * f) for f in (0.6, 0.8, 0.8))
            hurt[top : top + across, left : left + across] = 255 * (number % 2)
        elif number % 3 == 1:
            rows = np.arange(side)
            chance.shuffle(rows[side // 4 : side // 4 + 2 + number * 3])
            hurt = hurt[rows]
        else:
            lost = chance.random_sample((side // 4, side // 4)) < number / 100
            mask = np.kron(lost, np.ones((4, 4), bool))[:side, :side]
            hurt[: mask.shape[0], : mask.shape[1]][mask] ^= 255
        yield files.saved(Image.fromarray(hurt))


def _turned(texts: Texts) -> Iterator[bytes]:
    whole = code(texts.ours)
    yield files.saved(ImageOps.invert(whole))
    yield files.saved(ImageOps.mirror(whole))
    yield files.saved(ImageOps.invert(ImageOps.flip(whole)))
    yield files.saved(ImageOps.invert(whole.rotate(90)))
    for angle in range(0, 180, 15):
        yield files.saved(whole.rotate(angle, expand=True, fillcolor=255))
    inks = ("red", "blue", "green", "yellow", "white", "black", "#808080", "#7f0000")
    for ink in inks:
        for paper in ("white", "red", "#777777"):
            yield files.saved(ImageOps.colorize(whole, ink, paper))


def _kinds(texts: Texts) -> Iterator[bytes]:
    digits = texts.ours.partition("#")[2]
    short = ("https://certs.example/v#123", digits[:60], digits[:100], "12345678901280")
    for kind in ("Aztec", "DataMatrix", "PDF417", "MicroPDF417", "RMQRCode", "QRCode"):
        for text in (*short, texts.ours, digits, texts.ours[:90]):
            yield from _drawn(kind, text)
    for kind in ("MicroQRCode", "Code128", "Code39", "ITF", "EAN13", "MaxiCode", "AztecRune"):
        for text in ("12345", "1234567890128", "12345678901234567890", "7"):
            yield from _drawn(kind, text)
    for version in range(1, 40):
        yield files.saved(symbols.picture(version, [], scale=2))


def _drawn(kind: str, text: str) -> Iterator[bytes]:
    try:
        yield files.saved(symbols.other(kind, text))
    except ValueError:
        return  # too long, or no text of this kind


def _forged(texts: Texts) -> Iterator[bytes]:
    for text in texts.forged:
        yield files.saved(code(text))


def _several(texts: Texts) -> Iterator[bytes]:
    one, two = code(texts.ours, 3), code(texts.second, 3)
    side = max(one.width, two.width)
    for across, down in ((side, 0), (0, side), (side // 2, side // 2), (0, 0)):
        sheet = Image.new("L", (2 * side, 2 * side), 255)
        sheet.paste(one, (0, 0))
        sheet.paste(two, (across, down))
        yield files.saved(sheet)
    half = one.copy()
    half.paste(two.crop((two.width // 2, 0, *two.size)), (one.width // 2, 0))
    yield files.saved(half)
    # One to a reader of bright ink, another to a reader of dark.
    yield files.saved(Image.merge("RGB", (one, two.resize(one.size), one)))
    yield files.saved(Image.blend(one, two.resize(one.size), 0.5))
    yield files.saved(ImageChops.darker(one, two.resize(one.size)))
    tiny = symbols.picture(1, symbols.digits_segment("123", 1), scale=3)
    for count in (8, 9):
        sheet = Image.new("L", (tiny.width * count,) * 2, 255)
        for number in range(count * count):
            sheet.paste(tiny, (tiny.width * (number % count), tiny.width * (number // count)))
        ImageDraw.Draw(sheet).line((0, 0, 3, 3), fill=0)
        yield files.saved(sheet)
