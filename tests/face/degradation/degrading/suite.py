"""The committed parameters, and every picture they ask for."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

PARAMETERS: Final = json.loads(
    (Path(__file__).parents[1] / "parameters.json").read_text(encoding="utf-8")
)
VERSIONS: Final[Sequence[int]] = tuple(PARAMETERS["versions"])
SEEDS: Final[Sequence[int]] = tuple(PARAMETERS["seeds"])
SPLIT: Final[int] = PARAMETERS["required"]["split_version"]
TWELVE: Final[Sequence[str]] = tuple(PARAMETERS["degradations"])


class Chance:
    """Random numbers that are the same on every machine and numpy: `RandomState` is frozen."""

    def __init__(self, *names: object) -> None:
        digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
        self.state = np.random.RandomState(np.frombuffer(digest, dtype="<u4"))

    def even(self, low: float, high: float) -> float:
        """A number drawn evenly."""
        return float(low + (high - low) * self.state.random_sample())

    def below(self, count: int) -> int:
        """A whole number from 0."""
        return min(count - 1, int(self.state.random_sample() * count))

    def field(self, height: int, width: int) -> np.ndarray:
        """Normal numbers, mean 0, deviation 1."""
        return self.state.standard_normal((height, width)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Case:
    """One picture.

    Attributes:
        group: name of the degradation, `photo` or `resolution`.
        level: name of its level.
        version: of the QR symbol.
        seed: one of the committed ones.
    """

    group: str
    level: str
    version: int
    seed: int

    @property
    def chance(self) -> Chance:
        """The random numbers of this picture alone."""
        return Chance(self.group, self.level, self.version, self.seed)

    def values(self, chance: Chance) -> dict[str, float]:
        """Every parameter of this picture; what is a range is drawn in the order of names."""
        given: Mapping[str, Any] = PARAMETERS["capture"] | _levels(self.group)[self.level]
        return {
            name: chance.even(*value) if isinstance(value, list) else float(value)
            for name, value in sorted(given.items())
            if name not in _RANGES
        }


# Ranges that each speck or stripe draws from by itself.
_RANGES: Final = ("speck_mm", "moire_period_px")


def _levels(group: str) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = (
        PARAMETERS[group] if group in PARAMETERS else PARAMETERS["degradations"][group]
    )
    return found


def cases(
    seeds: int, versions: Sequence[int] = VERSIONS, groups: Sequence[str] | None = None
) -> Iterator[Case]:
    """Every picture of the first so many seeds, group by group."""
    for group in groups or (*TWELVE, "photo", "resolution"):
        for level in _levels(group):
            for version in versions:
                for seed in SEEDS[:seeds]:
                    yield Case(group, level, version, seed)
