"""What happens on the way from paper to file: geometry, lens, hand, light, sensor, JPEG."""

import io
import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from degrading.paper import PRINT_MM, Paper
from degrading.suite import PARAMETERS, Chance
from PIL import Image

#: The picture is drawn at so many times its size and averaged down, as a sensor's pixels do.
_FINE: Final = 2
#: Paper seen around the code on each side, as a share of the picture's side of the code.
_MARGIN: Final = 0.14
_PAPER: Final = 240


def taken(sheet: Paper, modules: int, values: Mapping[str, float], chance: Chance) -> bytes:
    """A JPEG file of the sheet; `modules` is the code's side with its quiet zone."""
    side = values["module_px"] * modules if "module_px" in values else PARAMETERS["side_px"]
    seen = _projected(sheet, side, values, chance)
    light = np.atleast_3d(np.asarray(seen, dtype=np.float32)) / 255
    light = values["middle"] + (light - 0.5) * values["contrast"]
    light = _optics(light, values, chance) * _shade(light.shape, values, chance)
    if values["moire"]:
        light = _striped(light, values, chance)
    # A sensor's noise reaches colour files mostly as brightness: the same in each channel.
    light = 255 * light + values["noise"] * chance.field(*light.shape[:2])[:, :, None]
    picture = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8).squeeze())
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=round(values["jpeg"]))
    return out.getvalue()


def _projected(
    sheet: Paper, side: float, values: Mapping[str, float], chance: Chance
) -> Image.Image:
    """The sheet through a pinhole: turned, tilted about any axis, at any place on the grid."""
    turn, axis = math.radians(values["turn_deg"]), chance.even(0, 2 * math.pi)
    tilt, distance = math.radians(values["tilt_deg"]), values["distance_mm"]

    def project(x: float, y: float) -> tuple[float, float]:
        """Millimetres from the code's middle to pixels from the picture's."""
        x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        along = x * math.cos(axis) + y * math.sin(axis)
        across = y * math.cos(axis) - x * math.sin(axis)
        depth = across * math.sin(tilt)
        across *= math.cos(tilt)
        near = side / PRINT_MM * distance / (distance + depth)
        return (
            near * (along * math.cos(axis) - across * math.sin(axis)),
            near * (along * math.sin(axis) + across * math.cos(axis)),
        )

    half = PRINT_MM / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    seen = [project(*corner) for corner in corners]
    margin = _MARGIN * side
    left = min(x for x, _ in seen) - margin - chance.even(0, 1)
    top = min(y for _, y in seen) - margin - chance.even(0, 1)
    # Whole dozens are quick to transform.
    size = [
        math.ceil((max(xs) - min(xs) + 2 * margin) / 12) * 12
        for xs in ([x for x, _ in seen], [y for _, y in seen])
    ]
    there = [((x - left) * _FINE, (y - top) * _FINE) for x, y in seen]
    middle = sheet.picture.width / 2
    here = [(middle + x * sheet.per_mm, middle + y * sheet.per_mm) for x, y in corners]
    fine = sheet.picture.transform(
        (size[0] * _FINE, size[1] * _FINE),
        Image.Transform.PERSPECTIVE,
        _coefficients(there, here),
        Image.Resampling.BILINEAR,
        fillcolor=_PAPER if sheet.picture.mode == "L" else (_PAPER,) * 3,
    )
    return fine.reduce(_FINE)


def _coefficients(
    there: list[tuple[float, float]], here: list[tuple[float, float]]
) -> tuple[float, ...]:
    """The eight numbers by which Pillow finds the point of the source for one of the picture."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(there, here, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(wanted)).tolist())


def _optics(light: np.ndarray, values: Mapping[str, float], chance: Chance) -> np.ndarray:
    """Blur by the lens (a bell or a disc of the same spread) and by the hand (a line)."""
    height, width = light.shape[:2]
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    spread = values["blur_px"]
    if chance.even(0, 1) < values["disc_share"]:
        pass_share = _disc(2 * spread * np.hypot(down, across))
    else:
        pass_share = np.exp(-2 * (math.pi * spread) ** 2 * (down**2 + across**2))
    angle = chance.even(0, math.pi)
    along = across * math.cos(angle) + down * math.sin(angle)
    pass_share = pass_share * np.sinc(values["motion_px"] * along)
    waves = np.fft.rfft2(light, axes=(0, 1)) * pass_share[:, :, None]
    back: np.ndarray = np.fft.irfft2(waves, s=(height, width), axes=(0, 1)).astype(np.float32)
    return back


def _disc(waves: np.ndarray) -> np.ndarray:
    """What a disc lets pass, by its radius times the frequency: 2 J1(2πx) / 2πx.

    J1 by Bessel's integral, over a table: numpy has none.
    """
    table = np.linspace(0, float(waves.max()), 400)
    angle = (np.arange(200) + 0.5) * math.pi / 200
    at = 2 * math.pi * table[1:, None]
    bessel = np.cos(angle[None, :] - at * np.sin(angle)[None, :]).mean(axis=1)
    passed = np.concatenate(([1.0], 2 * bessel / at[:, 0]))
    return np.interp(waves, table, passed)


def _shade(shape: tuple[int, ...], values: Mapping[str, float], chance: Chance) -> np.ndarray:
    """Light that falls by `shadow` from one side to the other."""
    angle = chance.even(0, 2 * math.pi)
    across = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :] * math.cos(angle)
    down = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] * math.sin(angle)
    ramp = 0.5 + (across + down) / 2 / (abs(math.cos(angle)) + abs(math.sin(angle)))
    return (1 - values["shadow"] * ramp)[:, :, None]


def _striped(light: np.ndarray, values: Mapping[str, float], chance: Chance) -> np.ndarray:
    """Two sets of stripes, their colours side by side as on a screen."""
    height, width = light.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    coloured = np.repeat(light, 3, axis=2)
    for _ in range(2):
        period = chance.even(*PARAMETERS["capture"]["moire_period_px"])
        angle, start = chance.even(0, math.pi), chance.even(0, 2 * math.pi)
        phase = 2 * math.pi * (across * math.cos(angle) + down * math.sin(angle)) / period
        for channel in range(3):
            shift = start + channel * chance.even(0, 2)
            coloured[:, :, channel] *= 1 + values["moire"] / 2 * np.cos(phase + shift)
    return coloured
