"""Fixtures of every room: vectors, sample records, private PostgreSQL and Redis servers."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certsvc.service.engine import make_engine
from certsvc.storage.database import upgrade

ROOT = Path(__file__).parents[1]
# The servers are a package of their own: test modules cannot import one another.
sys.path.insert(0, str(ROOT / "tests" / "services"))

from servers import postgres, redis, softhsm  # noqa: E402
from servers.postgres import Postgres  # noqa: E402
from servers.processes import wait_until as _wait_until  # noqa: E402
from servers.redis import Redis  # noqa: E402
from servers.softhsm import SoftHsm  # noqa: E402


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Escape what cannot travel between the runner's processes: hostile names get logged."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report


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


def _program(found: Path | None, name: str) -> Path:
    """The program, or the end of the test: a failure in CI, a skip elsewhere."""
    if found is None:
        reason = f"{name} is not installed: python tests/system_packages.py"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A private PostgreSQL: `start`, `stop`, `crash`, `kill`, `pause`, `resume`, `new_database`.

    Whoever stops it starts it again: it serves all tests of this process.
    """
    server = Postgres(_program(postgres.programs(), "PostgreSQL's server"))
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    """Address of the private PostgreSQL's first database, which nobody keeps tables in."""
    return postgres_server.dsn("postgres")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres) -> str:
    """Name of a database with the issuer's tables and no rows, to be copied."""

    def migrate(dsn: str) -> None:
        engine = make_engine(dsn)
        upgrade(engine)
        engine.dispose()

    return postgres_server.migrated(migrate)


@pytest.fixture
def postgres_empty(postgres_server: Postgres) -> Iterator[str]:
    """Address of a fresh database without tables."""
    dsn = postgres_server.new_database()
    yield dsn
    postgres_server.drop(dsn)


@pytest.fixture
def postgres_database(postgres_server: Postgres, postgres_template: str) -> Iterator[str]:
    """Address of a fresh database with the issuer's tables."""
    dsn = postgres_server.new_database(postgres_template)
    yield dsn
    postgres_server.drop(dsn)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a fresh database with the issuer's tables, once of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_database"))
    url = f"sqlite:///{tmp_path / 'certsvc.db'}"
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A private Redis: `start`, `kill`, `pause`, `resume`, `flush`, `url`."""
    server = Redis(_program(redis.program(), "redis-server"))
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def redis_url(redis_server: Redis) -> Iterator[str]:
    """Address of the private Redis, running and empty, and running again afterwards."""
    redis_server.start()
    redis_server.flush()
    yield redis_server.url
    redis_server.start()


@pytest.fixture
def soft_hsm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """Private SoftHSM2 tokens: `new_token`, `uri`; child processes find them too."""
    hsm = SoftHsm(_program(softhsm.module(), "softhsm2"))
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    try:
        yield hsm
    finally:
        hsm.end()


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Function that asks a condition again and again: for foreign programs, which ring no bell."""
    return _wait_until
