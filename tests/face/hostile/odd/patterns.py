"""Pictures full of what looks like parts of codes: the search for corners must stay short."""

from collections.abc import Iterator

import numpy as np
from odd import symbols
from PIL import Image

_FINDER = np.kron(
    np.array(
        [
            [1, 1, 1, 1, 1, 1, 1, 0],
            [1, 0, 0, 0, 0, 0, 1, 0],
            [1, 0, 1, 1, 1, 0, 1, 0],
            [1, 0, 1, 1, 1, 0, 1, 0],
            [1, 0, 1, 1, 1, 0, 1, 0],
            [1, 0, 0, 0, 0, 0, 1, 0],
            [1, 1, 1, 1, 1, 1, 1, 0],
            [0, 0, 0, 0, 0, 0, 0, 0],
        ],
        dtype=bool,
    ),
    np.ones((2, 2), bool),
)


def patterns() -> Iterator[Image.Image]:
    """Twenty of them."""
    for count in (3, 10, 30, 60):
        yield symbols.drawn(np.tile(_FINDER, (count, count)), 1)
    for count in (20, 60):
        yield symbols.drawn(np.tile(~_FINDER, (count, count)), 1)
    for share in (0.1, 0.3, 0.5, 0.7):
        chance = np.random.RandomState(round(100 * share))
        yield symbols.drawn(chance.random_sample((350, 350)) < share, 3)
    scattered = np.zeros((1600, 1600), bool)
    chance = np.random.RandomState(5)
    for _ in range(900):
        top, left = chance.randint(0, 1580, 2)
        scattered[top : top + 16, left : left + 16] = _FINDER
    yield symbols.drawn(scattered, 1)
    lines, columns = np.mgrid[0:900, 0:900]
    for period in (2, 7, 14):
        yield symbols.drawn((lines // period + columns // period) % 2, 1)
    # Bars of 1:1:3:1:1 all along: every row and every column passes for a corner.
    bars = np.tile([1, 0, 1, 1, 1, 0, 1, 0], 200).astype(bool)
    yield symbols.drawn(np.tile(bars, (900, 1)), 1)
    yield symbols.drawn(bars[None, :900] & bars[:900, None], 1)
    yield symbols.drawn(bars[None, :900] ^ bars[:900, None], 1)
    rings = np.hypot(lines - 450, columns - 450)
    yield symbols.drawn(bars[(rings.astype(int) // 3) % 1600], 1)
    field = np.random.RandomState(8).randint(0, 256, (1200, 1200))
    yield Image.fromarray(field.astype(np.uint8))
    yield symbols.drawn(np.tile(_FINDER[:8, :8], (230, 230)), 1)
