"""What the database and the key store say at the moment somebody reads the metrics."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from certsvc.service.engine import DatabaseUnavailable, reading
from certsvc.service.health import MEGABYTE, ReadyCheck, clock_check, disk_check, disk_free
from certsvc.service.metrics import Observe, Observed
from certsvc.service.settings import Settings
from certsvc.service.shared.connection import Shared
from certsvc.service.shared.readiness import redis_checks
from certsvc.storage import tables as t
from keys import KeyStore, State
from keys.errors import KeysError

PUBLISHER = "publisher"


def house_checks(
    settings: Settings, engine: Engine, shared: Shared | None, clock: Callable[[], float]
) -> list[ReadyCheck]:
    """The checks of `/readyz` that are not about issuing: clock, disks, Redis."""
    reserve = settings.disk_reserve_mb * MEGABYTE
    return [
        clock_check(clock, newest_signature(engine)),
        disk_check(lambda: _folders(settings), reserve=reserve),
        *redis_checks(shared),
    ]


def numbers(
    settings: Settings, engine: Engine, keys: KeyStore, clock: Callable[[], float]
) -> list[Observe]:
    """Everything that is looked up for the page of metrics."""
    return [
        database_numbers(engine, clock),
        key_numbers(engine, keys, clock),
        disk_free(lambda: _folders(settings)),
    ]


def _folders(settings: Settings) -> list[Path]:
    """Where the issuer writes: home with keys, published tree, database file, journal."""
    others = [settings.journal_folder]
    database = make_url(settings.database_url)
    if database.get_backend_name() == "sqlite" and database.database:
        others.append(Path(database.database).parent)
    folders = [settings.home, settings.published, *(each for each in others if each is not None)]
    return list(dict.fromkeys(folders))


def database_numbers(
    engine: Engine, clock: Callable[[], float]
) -> Callable[[], Iterable[Observed]]:
    """What waits, how old the lists are, who publishes; nothing while the database is away.

    Args:
        engine: the issuer's database.
        clock: Unix seconds.
    """

    def observe() -> Iterable[Observed]:
        now = clock()
        try:
            with reading(engine) as connection:
                return [
                    *_waiting(connection, now),
                    *_lists(connection, now),
                    *_log(connection),
                    *_lease(connection, now),
                ]
        except DatabaseUnavailable:
            return []

    return observe


def key_numbers(
    engine: Engine, keys: KeyStore, clock: Callable[[], float]
) -> Callable[[], Iterable[Observed]]:
    """How long the active keys of each issuer have been active."""

    def observe() -> Iterable[Observed]:
        now = clock()
        try:
            with reading(engine) as connection:
                issuers = list(connection.scalars(sa.select(t.issuer.c.issuer_id)))
            return [one for issuer_id in issuers for one in _keys(keys, issuer_id, now)]
        except (DatabaseUnavailable, KeysError):
            return []

    return observe


def newest_signature(engine: Engine) -> Callable[[], int | None]:
    """The latest time that a published status list proves; None: none, or not to be known."""

    def floor() -> int | None:
        try:
            with reading(engine) as connection:
                found: int | None = connection.scalar(
                    sa.select(sa.func.max(t.status_list.c.published_at))
                )
        except DatabaseUnavailable:
            return None  # the check of the database says so
        return found

    return floor


def _keys(keys: KeyStore, issuer_id: str, now: float) -> Iterator[Observed]:
    ages: dict[str, float] = {}
    for key in keys.list(issuer_id):
        if key.state is State.ACTIVE and key.activated_at is not None:
            age = max(now - key.activated_at, 0.0)
            ages[key.purpose] = max(ages.get(key.purpose, 0.0), age)
    for purpose, age in ages.items():
        yield Observed("key_age_seconds", age, (issuer_id, purpose))


def _waiting(connection: Connection, now: float) -> Iterator[Observed]:
    count = sa.func.count()
    kinds = {
        "log": sa.select(count, sa.func.min(t.log_entry.c.created_at)).where(
            t.log_entry.c.log_index.is_(None)
        ),
        "plans": sa.select(count, sa.func.min(t.certificate.c.planned_at)).where(
            # Spelled out: a bound value would not find SQLite's partial index.
            t.certificate.c.state == sa.literal_column("'planned'")
        ),
        "lists": sa.select(count, sa.func.min(t.status_list.c.published_at)).where(
            t.status_list.c.version > t.status_list.c.published_version
        ),
    }
    for what, statement in kinds.items():
        number, oldest = connection.execute(statement).one()
        yield Observed("waiting", number, (what,))
        age = 0.0 if oldest is None else max(now - oldest, 0.0)
        yield Observed("waiting_oldest_seconds", age, (what,))


def _lists(connection: Connection, now: float) -> Iterator[Observed]:
    table = t.status_list.c
    free: dict[str, int] = {}
    rows = connection.execute(
        sa.select(
            table.issuer_id, table.list_no, table.published_version, table.published_at,
            table.size - table.used,
        )
    )  # fmt: skip
    for issuer_id, number, version, published_at, places in rows:
        labels = (issuer_id, str(number))
        free[issuer_id] = free.get(issuer_id, 0) + max(places, 0)
        yield Observed("status_list_version", version, labels)
        if published_at is not None:
            yield Observed("status_list_age_seconds", max(now - published_at, 0.0), labels)
    for issuer_id, places in free.items():
        yield Observed("status_list_free", places, (issuer_id,))


def _log(connection: Connection) -> Iterator[Observed]:
    size = connection.scalar(sa.select(sa.func.max(t.log_head.c.published_size)))
    if size is not None:
        yield Observed("log_size", size)


def _lease(connection: Connection, now: float) -> Iterator[Observed]:
    held = connection.scalar(
        sa.select(sa.func.count()).where(
            t.lease.c.name == PUBLISHER, t.lease.c.expires_at > int(now)
        )
    )
    yield Observed("lease_held", held or 0)
