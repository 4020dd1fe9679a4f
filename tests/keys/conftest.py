"""A small key store that costs nothing to open."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.store import KeyInfo

PASSPHRASE = b"correct horse battery staple"
NOW = 1_800_000_000
ISSUER = "119999000000000198"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def open_again(root: Path) -> Callable[[], FileKeyStore]:
    """Opens the same directory as another process would."""

    def opened() -> FileKeyStore:
        return FileKeyStore(root, passphrase=PASSPHRASE, scrypt_n=2)

    return opened


@pytest.fixture
def store(open_again: Callable[[], FileKeyStore]) -> FileKeyStore:
    return open_again()


@pytest.fixture
def make(store: FileKeyStore) -> Callable[..., KeyInfo]:
    """Makes a key and walks it to a state."""

    def made(to: State = State.ACTIVE, **changes: object) -> KeyInfo:
        arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "certificate", "now": NOW}
        info = store.generate(**{**arguments, **changes})  # type: ignore[arg-type]
        path = [State.PRE_PUBLISHED, State.ACTIVE, State.RETIRED, State.DESTROYED]
        steps = [] if to is State.GENERATED else path[: path.index(to) + 1]
        for step in steps:
            info = store.set_state(info.issuer_id, info.kid, step, now=NOW)
        return info

    return made
