"""The same world, published: a signed trust repository and a status list in a folder."""

import importlib.util
import shutil
import tempfile
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fuzzing import world

from certsvc_sdk.client import Verifier
from certsvc_sdk.trust.about import Environment

_PUBLISHER = Path(__file__).resolve().parents[2] / "sdk/verify/online/conftest.py"
# Nothing is due within a run: its clock stands still.
_FOREVER = 10**9


def tree() -> Any:
    """Publish the record and the list; the folder goes with the object."""
    # Test rooms cannot import one another; this one is loaded by its path.
    spec = importlib.util.spec_from_file_location("fuzz_publisher", _PUBLISHER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    facts = SimpleNamespace(now=world.NOW, base=world.BASE, uscc=world.USCC, uri=world.URI)
    folder = tempfile.mkdtemp(prefix="fuzz-tree-")
    made = module.Publisher(Path(folder), facts, Environment.PRODUCTION)
    weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    made.publish(world.record_bytes())
    made.status(world.list_token())
    return made


def verifier(published: Any) -> Verifier:
    """A verifier of that tree, with a cache of its own and a clock that stands still."""
    return Verifier.from_root(
        published.root,
        url=published.tree.as_uri(),
        clock=lambda: world.NOW,
        trust_refresh=_FOREVER,
        status_refresh=_FOREVER,
    )
