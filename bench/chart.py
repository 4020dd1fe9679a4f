"""The chart of a run as SVG: one bar a row, the primitive at 1."""

from collections.abc import Mapping, Sequence
from html import escape

from bench.harness import Result

_ROW, _GAP, _TOP = 18, 14, 46
_LEFT, _SCALE, _RIGHT = 390, 420, 90
_OURS, _PEERS, _LIMIT = "#1f6f43", "#9aa5b1", "#c2410c"
_TITLES = {
    "flat": "P1 核验平铺 JWT · verify, flat (raw verify = 1)",
    "disclosed": "P2 核验 SD-JWT · verify, disclosures (raw verify = 1)",
    "issue": "P3 签发 · issue, 13 disclosures (raw sign = 1)",
    "service": "P5 HTTP · certificates/s (raw verify on all cores = 1)",
}


def draw(groups: Mapping[str, Sequence[Result]]) -> str:
    """The chart's text; groups without a title have no bars."""
    parts: list[str] = []
    y = _TOP
    for name, title in _TITLES.items():
        rows = [row for row in groups.get(name, ()) if row.name != row.base]
        if not rows:
            continue
        parts.append(_text(8, y, title, weight="bold"))
        y += _GAP
        for row in rows:
            parts += _bar(y, row)
            y += _ROW
        y += 2 * _GAP
    width = _LEFT + _SCALE + _RIGHT
    limit = _LEFT + _SCALE
    line = f'<path d="M{limit} {_TOP - 12}V{y - _GAP}" stroke="{_LIMIT}" stroke-dasharray="4 3"/>'
    head = _text(8, 20, "certsvc", fill=_OURS, weight="bold") + _text(
        80, 20, "其他实现 other implementations", fill="#5b6672"
    )
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" '
            f'font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{y}" fill="#ffffff"/>',
            head,
            line,
            *parts,
            "</svg>\n",
        )
    )


def _bar(y: int, row: Result) -> list[str]:
    length = max(1.0, min(row.ratio, 1.15) * _SCALE)
    colour = _OURS if row.ours else _PEERS
    return [
        _text(_LEFT - 8, y + 12, row.name, anchor="end"),
        f'<rect x="{_LEFT}" y="{y + 2}" width="{length:.1f}" height="{_ROW - 5}" fill="{colour}"/>',
        _text(_LEFT + length + 6, y + 12, f"{row.ratio:.2f}"),
    ]


def _text(
    x: float,
    y: int,
    text: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    fill: str = "#1b1f24",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">'
        f"{escape(text)}</text>"
    )
