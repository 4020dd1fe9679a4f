"""Worlds to break: a nursery of processes to kill, running services behind relays."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from servers.fault_proxy import FaultProxy
from servers.faults import LoseAnswers

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
# The drills are a package of their own: test modules cannot import one another.
sys.path.insert(0, str(HERE))

from drills import world  # noqa: E402
from drills.invariants import Reader, hold, sound  # noqa: E402
from drills.services import Services, settings_of  # noqa: E402
from drills.world import NOW, Life, build, life  # noqa: E402

from certsvc.service.settings import Settings  # noqa: E402

LARGE = os.environ.get("CERTSVC_FAULTS") == "large"


@pytest.fixture(scope="session")
def large() -> bool:
    """Whether the drills run at their full size (CERTSVC_FAULTS=large)."""
    return LARGE


@dataclass
class Nursery:
    """A world whose processes die, with everything they have acknowledged.

    Attributes:
        states: Acknowledged certificates and their states.
        now: Unix seconds of the next life.
    """

    settings: Settings
    process: subprocess.Popen[str]
    reader: Reader
    states: dict[str, str] = field(default_factory=dict)
    now: float = NOW + 10

    def live(self, act: str, *, die: list[Any] | None = None, **arguments: Any) -> Any:
        """One life; returns whether it was killed, and what it acknowledged."""
        self.now += 10
        order = {"now": self.now, "act": act, "die": die, "arguments": arguments}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["ended"] in (0, 9), "it ended by itself"
        return answer["ended"] == 9, answer["told"]

    def lives(self, act: str, steps: int, commits: int, **arguments: Any) -> None:
        """Hold that an act has no further step and no further transaction to die at."""
        for die in (["step", steps + 1], ["commit", commits + 1, "open"]):
            named = {**arguments, "key": f"{arguments['key']}-{die[0]}"}
            if act == "change":
                named["operation"] = {"step": "suspend", "commit": "resume"}[die[0]]
            killed, told = self.live(act, die=die, **named)
            assert not killed
            if act == "supersede":
                arguments["former"] = told

    def heir(self) -> AbstractContextManager[Life]:
        """A life in this process, after the former ones are long dead."""
        self.now += 10
        return life(self.settings, self.now)

    def hold(self, one: Life) -> None:
        hold(one, self.reader, self.states)

    def sound(self) -> None:
        with self.heir() as one:
            one.settle()
            sound(one)


@pytest.fixture
def nursery(tmp_path: Path, database_url: str) -> Iterator[Nursery]:
    settings = Settings(home=tmp_path, database_url=database_url)
    build(settings)
    paths = [str(HERE), str(ROOT), str(ROOT / "sdk")]
    process = subprocess.Popen(
        [sys.executable, "-m", "drills.nursery", str(tmp_path), database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    made = Nursery(settings, process, Reader(settings))
    yield made
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait()
    process.stdout.close()


@pytest.fixture
def lose_database() -> Callable[[str], None]:
    """Function that puts an empty database in the place of one."""
    return world.lose_database


@pytest.fixture(scope="module")
def new_services(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Any
) -> Iterator[Callable[..., Services]]:
    """Function that sets a world up on PostgreSQL and starts its three services."""
    made: list[Services] = []
    databases: list[str] = []

    def make(
        extra: dict[str, dict[str, str]] | None = None, port: int | None = None, **values: Any
    ) -> Services:
        databases.append(postgres_server.new_database())
        url = databases[-1]
        if port is not None:
            url = url.replace(str(postgres_server.port), str(port))
        home = tmp_path_factory.mktemp("services") / "var"
        made.append(Services(settings_of(home, database_url=url, **values), extra))
        made[-1].initialise()
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()
    for url in databases:
        postgres_server.drop(url)


@pytest.fixture
def lossy() -> Callable[[int, float], AbstractContextManager[FaultProxy]]:
    """Function from a port and a share to a relay that loses answers after their commit."""

    @contextmanager
    def make(port: int, share: float) -> Iterator[FaultProxy]:
        proxy = FaultProxy(port)
        proxy.become(LoseAnswers(share))
        try:
            yield proxy
        finally:
            proxy.end()

    return make
