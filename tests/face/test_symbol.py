"""QR symbols: two exact segments, the error correction rule, and their pictures."""

import io
import re

import pytest
import qrcode
import zxingcpp
from PIL import Image
from qrcode import util
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q

from certsvc.face import SymbolTooLarge, png, qr_symbol, svg, terminal
from certsvc.face.mask import best_mask

PREFIX = "https://certs.example/v#"


def digits(count: int) -> str:
    """Digits without a pattern, the same in every run."""
    return str(pow(7, 4 * count + 10, 10**count)).zfill(count)


def read(data: bytes) -> zxingcpp.Barcode:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(data)))
    assert len(found) == 1
    return found[0]


# 884 digits are about the most beside this prefix in 18-Q, 1,990 in 23-M.
@pytest.mark.parametrize(
    ("count", "version", "ecc"),
    [
        (60, 5, "Q"),
        (800, 17, "Q"),
        (884, 18, "Q"),
        (900, 15, "M"),
        (1200, 18, "M"),
        (1500, 20, "M"),
        (1990, 23, "M"),
    ],
)
def test_error_correction_rule(count: int, version: int, ecc: str) -> None:
    symbol = qr_symbol(PREFIX, digits(count))
    assert (symbol.version, symbol.ecc) == (version, ecc)
    assert len(symbol.matrix) == 17 + 4 * version
    code = read(png(symbol, scale=4))
    assert code.text == PREFIX + digits(count)
    assert code.ec_level == ecc


def test_levels_change_exactly_at_capacity() -> None:
    """Q ends at the last text version 18-Q holds, M at the last one 23-M holds."""
    edge = next(n for n in range(880, 1000) if qr_symbol(PREFIX, digits(n)).ecc == "M")
    last = qr_symbol(PREFIX, digits(edge - 1))
    assert (last.version, last.ecc) == (18, "Q")
    assert bits(edge) > util.BIT_LIMIT_TABLE[ERROR_CORRECT_Q][18] >= bits(edge - 1)
    end = next(n for n in range(1980, 2100) if not fits(n))
    assert qr_symbol(PREFIX, digits(end - 1)).version == 23
    assert bits(end) > util.BIT_LIMIT_TABLE[ERROR_CORRECT_M][23] >= bits(end - 1)


def bits(count: int) -> int:
    """Bits of one byte segment and one numeric segment in versions 10-26."""
    return 4 + 16 + 8 * len(PREFIX) + 4 + 12 + 10 * (count // 3) + (0, 4, 7)[count % 3]


def fits(count: int) -> bool:
    try:
        qr_symbol(PREFIX, digits(count))
    except SymbolTooLarge:
        return False
    return True


def test_too_large_has_a_code() -> None:
    with pytest.raises(SymbolTooLarge) as caught:
        qr_symbol(PREFIX, digits(2100))
    assert caught.value.code == "qr_too_large"


@pytest.mark.parametrize("count", [60, 300, 884, 1200, 1700])
def test_the_mask_is_as_good_as_the_librarys(count: int) -> None:
    symbol = qr_symbol(PREFIX, digits(count))
    level = {"Q": qrcode.constants.ERROR_CORRECT_Q, "M": qrcode.constants.ERROR_CORRECT_M}[
        symbol.ecc
    ]
    costs = []
    for mask in range(8):
        code = qrcode.QRCode(symbol.version, level, border=0, mask_pattern=mask)
        code.add_data(util.QRData(PREFIX.encode(), mode=4), optimize=0)
        code.add_data(util.QRData(digits(count).encode(), mode=1), optimize=0)
        code.make(fit=False)
        costs.append(util.lost_point(code.get_matrix()))
    ours = util.lost_point([list(row) for row in symbol.matrix])
    assert ours in costs
    # The library counts finder-like runs a little differently; never is a bad mask chosen.
    assert ours <= sorted(costs)[2]


def test_mask_of_a_known_matrix() -> None:
    """On an all-light version 2 the checkerboard (mask 0) and its kin score differently."""
    light = [[False] * 25 for _ in range(25)]
    assert best_mask(light, util.pattern_position(2)) in range(8)


def test_quiet_zone_and_png_size() -> None:
    symbol = qr_symbol(PREFIX, digits(884))
    image = Image.open(io.BytesIO(png(symbol, scale=3)))
    assert image.mode == "1"
    assert image.size == (3 * symbol.side,) * 2
    assert symbol.side == 17 + 4 * 18 + 8
    dark = image.convert("L").point(lambda value: 255 - value).getbbox()
    assert dark == (12, 12, image.width - 12, image.height - 12)
    dpi = image.info["dpi"][0]
    assert image.width / dpi * 25.4 == pytest.approx(40, abs=0.1)


def test_print_size_keeps_modules_readable() -> None:
    small = qr_symbol(PREFIX, digits(60))
    large = qr_symbol(PREFIX, digits(1990))
    assert small.print_mm == 40
    assert large.print_mm >= 40
    assert large.print_mm / large.side >= 0.33


def test_svg_draws_the_same_modules() -> None:
    symbol = qr_symbol(PREFIX, digits(884))
    document = svg(symbol)
    assert f'viewBox="0 0 {symbol.side} {symbol.side}"' in document
    assert 'width="40mm"' in document
    path = re.search(r'stroke="#000" d="([^"]+)"', document)
    assert path
    drawn = [[False] * symbol.side for _ in range(symbol.side)]
    x = y = 0
    for command in re.findall(r"M0 \d+\.5|m\d+ 0|h\d+", path[1]):
        if command[0] == "M":
            x, y = 0, int(command[3:-2])
        elif command[0] == "m":
            x += int(command[1:-2])
        else:
            length = int(command[1:])
            drawn[y][x : x + length] = [True] * length
            x += length
    assert tuple(tuple(row[4:-4]) for row in drawn[4:-4]) == symbol.matrix
    assert sum(map(sum, drawn)) == sum(map(sum, symbol.matrix))


@pytest.mark.parametrize("dark_background", [True, False])
def test_terminal_blocks_can_be_read(dark_background: bool) -> None:
    symbol = qr_symbol(PREFIX, digits(300))
    lines = terminal(symbol, dark_background=dark_background).splitlines()
    assert {len(line) for line in lines} == {symbol.side}
    assert len(lines) == (symbol.side + 1) // 2
    rows: list[bytes] = []
    for line in lines:
        for half in (2, 1):
            lit = [" ▄▀█".index(block) & half for block in line]
            rows.append(bytes(255 if bool(on) == dark_background else 0 for on in lit))
    image = Image.frombytes("L", (symbol.side, len(rows)), b"".join(rows))
    image = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
    assert zxingcpp.read_barcodes(image)[0].text == PREFIX + digits(300)


def test_symbols_are_the_same_every_time() -> None:
    assert qr_symbol(PREFIX, digits(500)) == qr_symbol(PREFIX, digits(500))
    assert "matrix" not in repr(qr_symbol(PREFIX, digits(60)))
