"""The rates as a picture, and a sheet of the pictures themselves."""

import io
from html import escape
from pathlib import Path
from typing import Final

from degrading.rates import Count, Rates, picture, small
from degrading.suite import PARAMETERS, SEEDS, SPLIT, TWELVE, VERSIONS, Case
from PIL import Image

_CELL, _ROW, _LEFT, _TOP = 44, 20, 210, 64
_GAP: Final = 10
_NAMES: Final = {
    "blur": "模糊 blur",
    "motion": "抖动 motion",
    "noise": "噪点 noise",
    "jpeg": "JPEG",
    "low_contrast": "低对比度 low contrast",
    "perspective": "透视 perspective",
    "rotation": "旋转 rotation",
    "moire": "摩尔纹 moiré",
    "dot_gain": "墨点扩大 dot gain",
    "fold": "折痕 fold",
    "occlusion": "遮挡 occlusion",
    "seal": "盖章 seal",
    "photo": "手机拍照 photo",
    "resolution": "像素/模块 px a module",
}
_THUMB: Final = 230


def draw(rates: Rates) -> str:
    """An SVG document: one row a level, one cell a version, the two sums beside."""
    parts: list[str] = []
    y = _TOP
    for group, name in _NAMES.items():
        known = PARAMETERS.get(group) or PARAMETERS["degradations"][group]
        for number, level in enumerate(known):
            if not number:
                parts.append(_text(8, y + 14, name, weight="bold"))
            parts.append(_text(_LEFT - 8, y + 14, level, anchor="end"))
            parts += _row(y, rates, group, level)
            y += _ROW
        y += _GAP
    head = [_text(_x(at) + _CELL / 2, _TOP - 8, f"v{v}", "middle") for at, v in enumerate(VERSIONS)]
    sums = (f"≤ v{SPLIT}", f"> v{SPLIT}")
    head += [
        _text(_x(10 + at) + _CELL / 2, _TOP - 8, text, "middle") for at, text in enumerate(sums)
    ]
    title = f"{rates.total(groups=list(_NAMES)).of} 张图片中读出的比例 % · read, % of pictures"
    width = _x(12) + 8
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" '
            f'font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{y}" fill="#ffffff"/>',
            _text(8, 24, title, weight="bold"),
            *head,
            *parts,
            "</svg>\n",
        )
    )


def _x(column: int) -> int:
    return _LEFT + _CELL * column


def _row(y: int, rates: Rates, group: str, level: str) -> list[str]:
    cells: list[str] = []
    for at, version in enumerate(VERSIONS):
        count = rates.total(groups=[group], level=level, versions=[version])
        cells += _cell(_x(at), y, count)
    for at, versions in enumerate((small(), [v for v in VERSIONS if v > SPLIT])):
        count = rates.total(groups=[group], level=level, versions=versions)
        cells += _cell(_x(10 + at), y, count)
    return cells


def _cell(x: int, y: int, count: Count) -> list[str]:
    """Dark green for all, paler down to red for half or less: the number says it too."""
    if not count.of:
        return []
    lost = min(1.0, 2 * (1 - count.rate))
    hue, light = round(140 - 130 * lost), round(38 + 22 * min(1.0, 4 * lost))
    return [
        f'<rect x="{x + 1}" y="{y}" width="{_CELL - 2}" height="{_ROW - 2}" '
        f'fill="hsl({hue},45%,{light}%)"/>',
        _text(x + _CELL / 2, y + 14, f"{100 * count.rate:.0f}", "middle", fill="#ffffff"),
    ]


def _text(x: float, y: float, text: str, anchor: str = "start", **style: str) -> str:
    styles = {"fill": "#1c232b", "weight": "normal"} | style
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{styles["fill"]}" '
        f'font-weight="{styles["weight"]}">{escape(text)}</text>'
    )


def sheet(version: int = 20) -> Image.Image:
    """The twelve at their edge, in the order of the parameters."""
    across = 4
    whole = Image.new("RGB", (across * _THUMB, -(-len(TWELVE) // across) * _THUMB), "white")
    for number, group in enumerate(TWELVE):
        data = picture(Case(group, "edge", version, SEEDS[0]))[1]
        with Image.open(io.BytesIO(data)) as opened:
            cut = opened.convert("RGB")
        cut.thumbnail((_THUMB - 6, _THUMB - 6), Image.Resampling.LANCZOS)
        whole.paste(cut, (_THUMB * (number % across) + 3, _THUMB * (number // across) + 3))
    return whole


def write(rates: Rates, folder: Path) -> None:
    """Renew `qr-reading.svg` and `qr-reading.jpg`."""
    (folder / "qr-reading.svg").write_text(draw(rates), encoding="utf-8")
    sheet().save(folder / "qr-reading.jpg", quality=60, optimize=True)
