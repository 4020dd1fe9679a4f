"""kill -9 at every durable write of a command on keys: the same command again ends it.

CERTSVC_FAULTS=large kills at each of them; otherwise at some, spread over the whole command.
"""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event
from sqlalchemy.engine import Engine

from certsvc.cli import cli
from certsvc.custody import open_keys
from certsvc.publishing import PublishedTree, TrustPublisher
from certsvc.service.engine import make_engine, reading
from certsvc.service.settings import Settings
from certsvc.storage.audit import Audit
from certsvc_sdk.trust.record import IssuerRecord, KeyState
from keys import KeyStore, State

ISSUER = "119999000000000198"
ISS = f"https://certs.example/i/{ISSUER}"
LARGE = os.environ.get("CERTSVC_FAULTS") == "large"
SOME = 5
World = Any


@dataclass
class Copy:
    """A copy of a world, of which one command after another may die."""

    settings: Settings

    def run(self, *arguments: str) -> Any:
        env = {"CERTSVC_HOME": str(self.settings.home)}
        return CliRunner().invoke(cli, ["keys", *arguments, "--json"], env=env)

    def killed(self, *arguments: str, at: int) -> bool:
        """Run a command in a process that dies right before its write number `at`."""
        child = os.fork()
        if child == 0:
            _die_at(at)
            done = self.run(*arguments)
            os._exit(0 if done.exit_code == 0 else 1)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.waitstatus_to_exitcode(status) == 0
        return False

    @property
    def store(self) -> KeyStore:
        return open_keys(self.settings)

    def record(self) -> IssuerRecord:
        found = TrustPublisher(PublishedTree(self.settings.published), self.store).record(ISS)
        assert found is not None
        return found

    def check_trail(self) -> None:
        engine = make_engine(self.settings.database_url)
        with reading(engine) as connection:
            assert Audit(connection).first_fault(ISSUER) is None
        engine.dispose()


def _die_at(number: int) -> None:
    """From now on count what lasts: renamed, linked and removed files, committed transactions."""
    left = number

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            count()
            return function(*arguments, **options)

        return call

    for name in ("replace", "rename", "link", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    event.listen(Engine, "commit", count)


@pytest.fixture
def copies(tmp_path: Path) -> Callable[[World, int], Copy]:
    def made(world: World, number: int) -> Copy:
        home = tmp_path / f"copy-{number}"
        shutil.copytree(world.settings.home, home)
        return Copy(Settings(home=home))

    return made


def points(whole: Copy, command: tuple[str, ...]) -> list[int]:
    """Where to kill, over all writes of a command."""
    last, step = 1, 16
    spent = whole.settings.home.with_name("counting")
    # Doubling, then halving: nobody need say how many writes a command has.
    while _dies(whole, spent, command, last + step):
        last, step = last + step, 2 * step
    while step > 1:
        step = (step + 1) // 2
        if _dies(whole, spent, command, last + step):
            last += step
    every = range(1, last + 1)
    return (
        list(every) if LARGE else sorted({every[i * (last - 1) // (SOME - 1)] for i in range(SOME)})
    )


def _dies(whole: Copy, place: Path, command: tuple[str, ...], at: int) -> bool:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole.settings.home, place)
    return Copy(Settings(home=place)).killed(*command, at=at)


def in_state(
    store: KeyStore, state: State, purpose: str = "certificate", owner: str = ISSUER
) -> Any:
    return [key for key in store.list(owner) if (key.state, key.purpose) == (state, purpose)]


def honest(copy: Copy, kid: str) -> None:
    """What a reader needs for a certificate signed before: the tree is whole, the key is listed."""
    key = copy.record().key(kid, "certificate")
    assert key is not None
    assert key.state in {KeyState.ACTIVE, KeyState.RETIRED}


def agree(copy: Copy) -> None:
    """What readers see is what the key store says, and the trail is whole."""
    copy.check_trail()
    names = {State.DESTROYED: "retired", State.PRE_PUBLISHED: "pre_published"}
    listed = {key.kid: key.state.value for key in copy.record().keys if key.use != "log"}
    stored = {
        key.kid: names.get(key.state, key.state.value)
        for key in copy.store.list(ISSUER)
        if key.pre_published_at is not None
    }
    assert listed == stored


def test_activate(quick: World, copies: Callable[[World, int], Copy]) -> None:
    old = quick.active().kid
    new = quick.run("rotate", ISSUER)["key"]["kid"]
    quick.days_pass(2)
    command = ("activate", ISSUER, new)
    for at in points(copies(quick, 0), command):
        copy = copies(quick, at)
        assert copy.killed(*command, at=at)
        honest(copy, old)
        assert in_state(copy.store, State.ACTIVE)
        assert copy.run(*command).exit_code == 0
        assert [key.kid for key in in_state(copy.store, State.ACTIVE)] == [new]
        agree(copy)


def test_rotate(quick: World, copies: Callable[[World, int], Copy]) -> None:
    old = quick.active().kid
    command = ("rotate", ISSUER)
    for at in points(copies(quick, 0), command):
        copy = copies(quick, at)
        assert copy.killed(*command, at=at)
        honest(copy, old)
        done = copy.run(*command)
        # Published before it died: then it is the waiting that refuses.
        assert done.exit_code == 0 or "key_listed_too_short" in done.stderr
        assert [key.kid for key in in_state(copy.store, State.ACTIVE)] == [old]
        assert len(in_state(copy.store, State.PRE_PUBLISHED)) == 1
        assert in_state(copy.store, State.GENERATED) == []
        agree(copy)


def test_compromise(quick: World, copies: Callable[[World, int], Copy]) -> None:
    quick.worker()
    quick.issue("a")
    quick.worker()
    lost = quick.active().kid
    command = ("compromise", ISSUER, lost, "--replace")
    for at in points(copies(quick, 0), command):
        copy = copies(quick, at)
        assert copy.killed(*command, at=at)
        # Nobody sees a half: the key is as it was, or cut off where the log ends.
        key = copy.record().key(lost, "certificate")
        assert key is not None
        assert key.state is KeyState.ACTIVE or key.accept_before_log_index == 1
        done = copy.run(*command)
        assert done.exit_code == 0, done.output
        assert copy.store.get(ISSUER, lost).accept_before_log_index == 1
        assert len(in_state(copy.store, State.ACTIVE)) == 1
        agree(copy)


def test_a_stolen_log_key(quick: World, copies: Callable[[World, int], Copy]) -> None:
    quick.worker()
    quick.issue("a")
    quick.worker()
    (lost,) = quick.keys.list("log")
    command = ("compromise", "log", lost.kid, "--replace")
    for at in points(copies(quick, 0), command):
        copy = copies(quick, at)
        assert copy.killed(*command, at=at)
        done = copy.run(*command)
        assert done.exit_code == 0, done.output
        (active,) = in_state(copy.store, State.ACTIVE, "log", "log")
        listed = {key.kid: key.state for key in copy.record().keys if key.use == "log"}
        assert listed[active.kid] is KeyState.ACTIVE
        assert listed[lost.kid] is KeyState.COMPROMISED
        again = copy.run("compromise", "log", lost.kid)
        assert '"checkpoint_signed_anew": false' in again.stdout
        agree(copy)
