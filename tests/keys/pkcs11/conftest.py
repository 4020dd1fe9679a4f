"""A store over a private token, its neighbours, and agents that misbehave."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.softhsm import SoftHsm

from keys.lifecycle import State
from keys.pkcs11 import Pkcs11KeyStore
from keys.pkcs11.token import Token
from keys.store import KeyInfo, KeyStore

NOW = 1_800_000_000
ISSUER = "119999000000000198"
STRANGE = Path(__file__).parent / "strange_agent.py"
Open = Callable[..., Pkcs11KeyStore]


@pytest.fixture
def hsm(soft_hsm: SoftHsm) -> SoftHsm:
    """A token of the name `office`."""
    soft_hsm.new_token("office")
    return soft_hsm


@pytest.fixture
def open_again(hsm: SoftHsm) -> Iterator[Open]:
    """Opens the same token as another process would; keyword arguments change the URI."""
    stores: list[Pkcs11KeyStore] = []

    def opened(*strange: str, **changes: str) -> Pkcs11KeyStore:
        more = {"command": (sys.executable, str(STRANGE), *strange)} if strange else {}
        stores.append(Pkcs11KeyStore(hsm.uri("office", **changes), **more))  # type: ignore[arg-type]
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(open_again: Open) -> Pkcs11KeyStore:
    return open_again()


@pytest.fixture
def walk() -> Callable[..., KeyInfo]:
    """Makes a key in a store and walks it to a state."""

    def walked(store: KeyStore, to: State = State.ACTIVE, **changes: object) -> KeyInfo:
        arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "certificate", "now": NOW}
        info = store.generate(**{**arguments, **changes})  # type: ignore[arg-type]
        path = [State.PRE_PUBLISHED, State.ACTIVE, State.RETIRED, State.DESTROYED]
        for step in [] if to is State.GENERATED else path[: path.index(to) + 1]:
            info = store.set_state(info.issuer_id, info.kid, step, now=NOW)
        return info

    return walked


@pytest.fixture
def token(store: Pkcs11KeyStore) -> Iterator[Token]:
    """The token itself, in this process, as somebody who knows the PIN could reach it."""
    token = Token(store._link.address)
    yield token
    token.close()
