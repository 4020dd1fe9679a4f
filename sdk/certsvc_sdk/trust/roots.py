"""Roots that were seen and verified, kept also where the rest could not be used (TUF 5.3.8).

A root that withdraws a stolen key must not be forgotten because a mirror goes on with what the
thief signed. What the cache answers stays as it was, with its age, until something newer verifies.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from certsvc_sdk.durable import replace_file

# The largest root ngclient takes (`session.MAX_ROOT`).
_MAX_ROOT: Final = 512_000
_PREFIX: Final = "root-"


class SeenRoots:
    """Files `root-<version>.json` of a folder; ngclient verifies them again when it reads them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, roots: Mapping[int, bytes]) -> None:
        """Remember roots; a folder that cannot be written costs the memory and no more."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for version, data in roots.items():
                replace_file(self._folder / f"{_PREFIX}{version}.json", data)

    def all(self) -> dict[int, bytes]:
        """The remembered roots by version."""
        found: dict[int, bytes] = {}
        for path in self._folder.glob(f"{_PREFIX}*.json"):
            number = path.stem.removeprefix(_PREFIX)
            with suppress(OSError), path.open("rb") as file:
                data = file.read(_MAX_ROOT + 1)
                if number.isascii() and number.isdigit() and len(data) <= _MAX_ROOT:
                    found[int(number[:9])] = data
        return found
