"""The specimens and their documents, set once for all tests of this folder."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from certsvc.face.document import Typesetter

_SPECIMENS = Path(__file__).with_name("specimens.py")


@cache
def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("face_specimens", _SPECIMENS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `specimen` once for each of them."""
    if "specimen" in metafunc.fixturenames:
        metafunc.parametrize("specimen", sorted(_module().specimens()))


@pytest.fixture(scope="session")
def specimens_module() -> ModuleType:
    """The module that makes the specimens."""
    return _module()


@pytest.fixture(scope="session")
def specimens(specimens_module: ModuleType) -> dict[str, Any]:
    """Certificates to be printed, by what is special about them."""
    return specimens_module.specimens()


@pytest.fixture(scope="session")
def typesetter() -> Typesetter:
    """One typesetter with the package's fonts."""
    return Typesetter()


@pytest.fixture(scope="session")
def document(specimens: dict[str, Any], typesetter: Typesetter) -> Callable[[str], bytes]:
    """The PDF of a specimen by its name, set once."""
    return cache(lambda name: typesetter.render(specimens[name]))
