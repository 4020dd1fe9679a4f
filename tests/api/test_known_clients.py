"""Authenticated clients are remembered for a second, and what changes is noticed after it."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from certsvc.api.known_clients import LIFE, KnownClients
from certsvc.service.engine import make_engine, writing
from certsvc.storage.clients import Clients

OFFICE = "119999000000000198"


class Memory:
    """Clients under a clock that a test moves, and how often the database was asked."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.now, self.asked = engine, 0.0, 0
        self.clients = KnownClients(engine, monotonic=lambda: self.now)
        sa.event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.asked += 1

    def add(self, name: str) -> str:
        with writing(self.engine) as connection:
            return Clients(connection).add(OFFICE, name, name="示例", scopes={"read"}, now=1)

    def known(self, name: str, secret: str) -> bool:
        return self.clients.authenticate(name, secret) is not None


@pytest.fixture
def memory(world: Any) -> Iterator[Memory]:
    engine = make_engine(world.settings.database_url)
    yield Memory(engine)
    engine.dispose()


def test_the_database_is_asked_once_a_second(memory: Memory) -> None:
    secret = memory.add("often")
    assert memory.known("often", secret)
    asked = memory.asked
    memory.now += LIFE * 0.99
    assert memory.known("often", secret)
    assert memory.asked == asked
    memory.now += LIFE * 0.02
    assert memory.known("often", secret)
    assert memory.asked > asked


def test_a_client_that_is_shut_out_stays_no_longer_than_its_second(memory: Memory) -> None:
    secret = memory.add("leaving")
    assert memory.known("leaving", secret)
    with writing(memory.engine) as connection:
        assert Clients(connection).disable(OFFICE, "leaving", now=2)
    memory.now += LIFE
    assert not memory.known("leaving", secret)
    # And is not let in by what was remembered before.
    memory.now -= LIFE / 2
    assert not memory.known("leaving", "0" * 64)


def test_what_a_client_may_no_longer_do_is_noticed(memory: Memory) -> None:
    secret = memory.add("fewer")
    assert memory.clients.authenticate("fewer", secret).types is None
    with writing(memory.engine) as connection:
        Clients(connection).restrict(OFFICE, "fewer", types=["business-licence"], daily_limit=1)
    memory.now += LIFE
    assert memory.clients.authenticate("fewer", secret).daily_limit == 1


@pytest.mark.parametrize("wrong", ["", "0" * 64, "\ud800", "é" * 32])
def test_a_known_name_opens_nothing_without_its_secret(memory: Memory, wrong: str) -> None:
    name = f"known-{len(wrong)}-{wrong.isascii()}"
    secret = memory.add(name)
    assert memory.known(name, secret)
    assert not memory.known(name, wrong)
    assert not memory.known(name, secret[:-1])
    # A failed try takes nothing from the client itself.
    asked = memory.asked
    assert memory.known(name, secret)
    assert memory.asked == asked


def test_failures_are_not_remembered(memory: Memory) -> None:
    assert not memory.known("later", "0" * 64)
    secret = memory.add("later")
    assert memory.known("later", secret)
