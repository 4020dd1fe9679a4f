"""Codes that are not ours, and symbols made to be read two ways (T69, T72, T73)."""

import io
from typing import Any

import pytest
import qrcode
import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageOps
from qrcode.util import QRData

from certsvc.face import png, qr_symbol
from certsvc_sdk.errors import CertsvcError, NotACertificate, Unreadable
from certsvc_sdk.image import Code, read_codes
from certsvc_sdk.qr import text as qr_text

PREFIX = "https://certs.example/v#"
DIGITS = str(pow(7, 4000, 10**800)).zfill(800)


def ours(seed: int = 7, scale: int = 5) -> Image.Image:
    digits = str(pow(seed, 4000, 10**800)).zfill(800)
    return Image.open(io.BytesIO(png(qr_symbol(PREFIX, digits), scale=scale))).convert("L")


def foreign(*data: QRData | str, **options: Any) -> Image.Image:
    code = qrcode.QRCode(box_size=4, **options)
    for one in data:
        code.add_data(one, optimize=0)
    return code.make_image().get_image().convert("L")


def saved(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def beside(*pictures: Image.Image) -> Image.Image:
    sheet = Image.new("L", (sum(p.width for p in pictures), max(p.height for p in pictures)), 255)
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width
    return sheet


FOREIGN = {
    "address": "https://pay.example/v",
    "look-alike": "https://сerts.example/v#" + DIGITS,
    "another-path": "https://certs.example/w#" + DIGITS,
    "login": "https://user@certs.example/v#" + DIGITS,
    "plain-http": "http://certs.example/v#" + DIGITS,
    "backslash": "https:\\\\certs.example/v#" + DIGITS,
    "script": "javascript:alert(1)",
    "wi-fi": "WIFI:T:WPA;S:hall;P:secret;;",
    "telephone": "tel:+8612345678901",
    "message": "SMSTO:10086:text",
    "card": "BEGIN:VCARD\nN:X\nEND:VCARD",
    "payment": "wxp://f2f0abcdef",
    "file": "file:///etc/passwd",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_code_is_reported_as_it_is(name: str) -> None:
    (code,) = read_codes(saved(foreign(FOREIGN[name])))
    assert code.text == FOREIGN[name]
    with pytest.raises(NotACertificate):
        qr_text.from_text(code.text)


@pytest.mark.parametrize("turned", ["inverted", "mirrored", "both", "upside-down"])
def test_a_symbol_turned_over_says_the_same(turned: str) -> None:
    picture = ours()
    if turned in ("mirrored", "both"):
        picture = ImageOps.mirror(picture)
    if turned in ("inverted", "both"):
        picture = ImageOps.expand(ImageOps.invert(picture), 30, fill=0)
    if turned == "upside-down":
        picture = ImageOps.flip(picture)
    assert [code.text for code in read_codes(saved(picture))] == [PREFIX + DIGITS]


@pytest.mark.parametrize("kind", ["MicroQRCode", "RMQRCode"])
def test_small_kin_of_the_qr_code_are_foreign(kind: str) -> None:
    made = zxingcpp.create_barcode("HELLO123", getattr(zxingcpp.BarcodeFormat, kind))
    picture = Image.fromarray(made.to_image(scale=6)).convert("L")
    (code,) = read_codes(saved(ImageOps.expand(picture, 30, fill=255)))
    assert (code.text, code.is_broken) == ("HELLO123", False)


def test_the_longest_text_of_any_symbol() -> None:
    text = "A" * 4296
    made = foreign(QRData(text.encode(), mode=2), error_correction=qrcode.constants.ERROR_CORRECT_L)
    (code,) = read_codes(saved(made))
    assert code.text == text
    with pytest.raises(NotACertificate):
        qr_text.from_text(code.text)


@pytest.mark.parametrize("content", ["证照", "ｈｔｔｐｓ"])
def test_a_declared_character_set_is_not_followed(content: str) -> None:
    """Kanji mode holds Shift JIS; what comes out is its bytes, and never an address of ours."""
    made = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode)
    picture = Image.fromarray(made.to_image(scale=6)).convert("L")
    for code in read_codes(saved(ImageOps.expand(picture, 30, fill=255))):
        with pytest.raises((NotACertificate, Unreadable)):
            qr_text.from_text(code.text)


def test_parts_of_a_split_code_are_never_put_together() -> None:
    """Two symbols with a half each, as structured append has them: neither is a certificate."""
    halves = [foreign(PREFIX + DIGITS[:400]), foreign(DIGITS[400:])]
    codes = read_codes(saved(beside(*halves)))
    assert sorted(code.text for code in codes) == sorted([PREFIX + DIGITS[:400], DIGITS[400:]])


def test_codes_of_one_picture_stay_apart() -> None:
    codes = read_codes(saved(beside(ours(7), foreign("https://pay.example/"), ours(3))))
    texts = [code.text for code in codes]
    assert len(texts) == len(set(texts)) == 3
    assert "https://pay.example/" in texts


def damaged(picture: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(picture)
    draw.rectangle((90, 90, picture.width - 60, picture.height - 90), fill=255)
    return picture


def test_a_symbol_that_was_seen_and_not_read_is_reported() -> None:
    (code,) = read_codes(saved(damaged(ours())))
    assert (code.text, code.is_broken) == ("", True)
    left, top, right, bottom = code.position or (0, 0, 0, 0)
    assert max(abs(left - 20), abs(top - 20), abs(right - 465), abs(bottom - 465)) < 40


def test_a_broken_symbol_beside_a_good_one() -> None:
    sheet = beside(ours(3), damaged(ours(7)))
    codes = read_codes(saved(sheet))
    assert sorted((code.is_broken, bool(code.text)) for code in codes) == [
        (False, True),
        (True, False),
    ]


def test_one_under_a_red_seal_beside_a_clean_one_is_read_too() -> None:
    sheet = beside(ours(3), ours(7)).convert("RGB")
    pixels = Image.new("RGB", sheet.size, "white")
    ImageDraw.Draw(pixels).ellipse((560, 80, 900, 420), fill=(215, 25, 35))
    codes: list[Code] = read_codes(saved(ImageChops.multiply(sheet, pixels)))
    assert len({code.text for code in codes}) == 2
    assert not any(code.is_broken for code in codes)


def test_pictures_without_symbols_have_no_broken_ones() -> None:
    noise = Image.effect_noise((700, 700), 120)
    sheet = Image.new("L", (1400, 700), 255)
    sheet.paste(noise)
    draw = ImageDraw.Draw(sheet)
    for row in range(0, 690, 14):
        draw.text((720, row), "口回田国目日品 abcdefgHIJ 0123456789 [] [] ##", fill=0)
    with pytest.raises(CertsvcError, match="no QR code"):
        read_codes(saved(sheet))


@pytest.mark.parametrize("count", [2, 4, 6])
def test_many_codes_have_no_shadows(count: int) -> None:
    seeds = (3, 7, 11, 13, 17, 19)[:count]
    sheet = Image.new("L", (1700, 1220), 255)
    for number, seed in enumerate(seeds):
        sheet.paste(ours(seed), (100 + 500 * (number % 3), 100 + 510 * (number // 3)))
    turned = sheet.rotate(4, fillcolor=255, resample=Image.Resampling.BICUBIC)
    for picture in (sheet, turned):
        codes = read_codes(saved(picture))
        assert len({code.text for code in codes}) == len(codes) == count
        assert not any(code.is_broken for code in codes)
