"""Writes a backup into an empty database; nothing starts on it before a recovery."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from certsvc.restoring import archive
from certsvc.restoring.archive import Manifest, Rows, StoredFile, read_archive
from certsvc.restoring.backup import Progress, key_folder
from certsvc.restoring.errors import BackupDamaged, BackupForeign, TargetInUse
from certsvc.service.engine import DatabaseUnavailable, reading, writing
from certsvc.service.settings import Settings, variable
from certsvc.storage import database
from certsvc.storage.errors import SchemaUnknown
from certsvc.storage.journal import WHOLE_SERVICE
from certsvc.storage.tables import journal_head, metadata
from certsvc_sdk.durable import replace_file, sync_folder

# SQLite: enough memory that random places of an index stay in it. PostgreSQL: an index of ten
# million rows takes longer than any statement of a running service may.
_BULK = {
    "sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA cache_size = -262144"),
    "postgresql": ("SET statement_timeout = 0", "SET maintenance_work_mem = '256MB'"),
}


#: Stands in a folder while files are put there: what a broken-off restore left is no world.
_UNFINISHED = ".restoring"


def restore(
    settings: Settings,
    engine: Engine,
    source: Path,
    *,
    now: int,
    progress: Progress | None = None,
) -> Manifest:
    """Put a backup's rows into an empty database, and its files where there are none.

    Args:
        settings: of the service.
        engine: the empty database, without a journal attached.
        source: the backup.
        now: Unix seconds.
        progress: whom to tell.

    Returns:
        The backup's manifest.

    Raises:
        BackupDamaged: the backup is not whole; nothing was written.
        BackupForeign: it belongs to another service; nothing was written.
        TargetInUse: the database holds something; nothing was written.
        DatabaseUnavailable: the database failed; it is empty as before.
        OSError: a file cannot be read or written.
    """
    progress = progress or Progress(total=id, step=id)
    manifest = archive.check(source)
    for name in ("public_url", "env"):
        if manifest.settings.get(name) != str(getattr(settings, name)):
            raise BackupForeign(f"the backup was made under another {variable(name)}")
    require_empty(engine)
    progress.total(sum(manifest.counts.values()))
    files = _Files(settings)
    try:
        database.upgrade(engine, to=manifest.revision)
    except SchemaUnknown as error:
        raise BackupForeign("the backup was made by a newer program") from error
    _make_fast(engine)
    # One transaction: a restore that is broken off leaves an empty database.
    with writing(engine) as connection, _without_indexes(connection):
        for part in read_archive(source):
            if isinstance(part, Rows):
                _insert(connection, part)
                progress.step(len(part.rows))
            elif isinstance(part, StoredFile):
                files.put(part)
        files.finish()
        mark(connection, now)
    return manifest


def _make_fast(engine: Engine) -> None:
    """Load in bulk: the rows were consistent where they come from."""
    engine.dispose()
    statements = _BULK[engine.dialect.name]

    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        if engine.dialect.name != "sqlite":
            connection.commit()

    sa.event.listen(engine, "connect", prepare)


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Make the indexes that no constraint needs after the rows, which is much faster."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    indexes = [
        index
        for table in metadata.sorted_tables
        if table.name in present
        for index in table.indexes
        if index.name in {each["name"] for each in inspector.get_indexes(table.name)}
    ]
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def require_empty(engine: Engine) -> None:
    """Refuse a database that holds anything.

    Raises:
        TargetInUse: it does.
        DatabaseUnavailable: it cannot be read.
    """
    database.make_directory(engine)
    with reading(engine) as connection:
        tables = set(sa.inspect(connection).get_table_names())
        for table in metadata.sorted_tables:
            query = sa.select(sa.literal(1)).select_from(sa.table(table.name)).limit(1)
            if table.name in tables and connection.execute(query).first() is not None:
                raise TargetInUse("the database is not empty: restore writes into an empty one")


class _Files:
    """Puts files where there are none: each area as a whole, so that two worlds never mix."""

    def __init__(self, settings: Settings) -> None:
        places = {
            "keys": key_folder(settings),
            "tree": settings.published,
            "ca": settings.authorities,
        }
        self._folders = {
            area: folder
            for area, folder in places.items()
            if folder is not None and _is_free(folder)
        }
        self._root = None if settings.trust_root.exists() else settings.trust_root
        self._begun: set[Path] = set()

    def put(self, stored: StoredFile) -> None:
        if stored.area == "root" and self._root is not None:
            _make_folder(self._root.parent, 0o700)
            replace_file(self._root, stored.data, mode=0o644)
        folder = self._folders.get(stored.area)
        if folder is None:
            return
        path = PurePosixPath(stored.path)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in stored.path:
            raise BackupDamaged(f"{stored.path[:100]!r} leads out of its folder")
        public = stored.area == "tree"
        _make_folder((folder / path).parent, 0o755 if public else 0o700)
        if folder not in self._begun:
            replace_file(folder / _UNFINISHED, b"")
            self._begun.add(folder)
        replace_file(folder / path, stored.data, mode=stored.mode & (0o755 if public else 0o700))

    def finish(self) -> None:
        """All files are there."""
        for folder in self._begun:
            (folder / _UNFINISHED).unlink()
            sync_folder(folder)


def _is_free(folder: Path) -> bool:
    """Whether nothing stands in a folder but what a restore that was broken off has left."""
    if not folder.is_dir() or (folder / _UNFINISHED).is_file():
        return True
    return not any(folder.iterdir())


def _make_folder(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, mode)
        folder.mkdir(mode=mode)


def _insert(connection: Connection, part: Rows) -> None:
    # Names stand in SQL text below: they are the backup's, not a caller's.
    known = part.table in metadata.tables
    if not known or not all(name.isidentifier() for name in part.columns):
        raise BackupDamaged(f"no table is called {part.table[:60]!r}")
    if not part.rows:
        return
    names = ", ".join(part.columns)
    try:
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" for _ in part.columns)
            text = f"INSERT INTO {part.table} ({names}) VALUES ({marks})"  # noqa: S608
            connection.exec_driver_sql(text, list(part.rows))
        else:
            _copy(connection, f"COPY {part.table} ({names}) FROM STDIN", part)
    except sa.exc.SQLAlchemyError as error:
        raise DatabaseUnavailable(f"rows of {part.table} cannot be written") from error


def _copy(connection: Connection, text: str, part: Rows) -> None:
    import psycopg

    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(text) as copy:
            write: Callable[[Any], None] = copy.write_row
            for row in part.rows:
                write(row)
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"rows of {part.table} cannot be written") from error


def mark(connection: Connection, now: int) -> None:
    """Say in the database itself that a recovery must come first (`now`: Unix seconds)."""
    head = journal_head
    marked = connection.execute(
        head.update().where(head.c.issuer_id == WHOLE_SERVICE).values(restored_at=now)
    )
    if marked.rowcount == 0:
        first = {"epoch": 0, "seq": 0, "token": "", "previous": "", "restored_at": now}
        connection.execute(head.insert().values(issuer_id=WHOLE_SERVICE, **first))
