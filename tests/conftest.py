"""Fixtures of every room: the standards' vectors and the sample records."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Folder of the standards' vectors; the test is skipped where it is absent."""
    folder = Path(os.environ.get("CERTSVC_VECTORS") or ROOT.parent / "shared" / "vectors")
    if not folder.is_dir():
        pytest.skip(f"no standards' vectors: set CERTSVC_VECTORS ({folder} is no folder)")
    return folder


@pytest.fixture(scope="session")
def vector_file(vectors: Path) -> Callable[[str], Path]:
    """Function from a path inside the vectors to a file; a missing one fails in CI."""

    def find(name: str) -> Path:
        path = vectors / name
        if not path.is_file():
            reason = f"the vectors' folder is there, but {name} is missing from it"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of the fictional registration records."""
    return ROOT / "tests" / "samples"
