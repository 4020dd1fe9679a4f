"""Makes a backup while the service runs: rows of one moment, key files as they are, trust files."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from certsvc.publishing.tree import PublishedTree
from certsvc.restoring import archive
from certsvc.restoring.archive import ArchiveWriter, Manifest, Rows, StoredFile
from certsvc.restoring.errors import TargetInUse
from certsvc.restoring.outside import Outside
from certsvc.service.engine import DatabaseUnavailable, make_engine, reading
from certsvc.service.settings import Settings
from certsvc.storage import database
from certsvc.storage.frames import ID_BYTES
from certsvc.storage.journal_reading import position_of
from certsvc.storage.tables import metadata
from certsvc_sdk import __version__
from certsvc_sdk.durable import TEMPORARY_PREFIX, sync_folder
from keys.uri import read_uri

#: Rows of one frame: some megabytes of sealed certificates.
ROWS = 500
#: What cannot be made again from the database: trust repository, type and issuer metadata,
#: X.509 certificates of authorities and lists of revocations.
TREE_FOLDERS = ("trust", "vct", ".well-known", "x509")
#: Settings that must be the same again, or that a person wants to know.
SETTINGS = ("env", "public_url", "keys_url")


@dataclass(frozen=True, slots=True)
class Progress:
    """Whom to tell: rows to come, and rows done since the last call."""

    total: Callable[[int], object]
    step: Callable[[int], object]


def make_backup(
    settings: Settings,
    engine: Engine,
    target: Path,
    *,
    now: int,
    rng: Callable[[int], bytes],
    progress: Progress | None = None,
) -> Manifest:
    """Write a backup, read it back, and only then give it its name.

    Args:
        settings: of the service.
        engine: its database.
        target: the file to make.
        now: Unix seconds.
        rng: source of random bytes.
        progress: whom to tell.

    Returns:
        The manifest, as read back.

    Raises:
        TargetInUse: the file exists.
        BackupDamaged: what was read back is not what was written.
        DatabaseUnavailable: the database failed.
        StorageError: the tables wait for a migration.
        OSError: the disk is full or does not obey; no file is left.
    """
    progress = progress or Progress(total=id, step=id)
    database.check(engine)
    if target.exists():
        raise TargetInUse(f"{target} exists")
    draft = target.with_name(f".new-{target.name}")
    draft.unlink(missing_ok=True)
    # Before the rows: what was published by then is in them.
    published = Outside(PublishedTree(settings.published)).summary()
    writer = ArchiveWriter(draft, file_id=rng(ID_BYTES))
    try:
        with _moment(engine, draft) as connection:
            position = position_of(connection)
            progress.total(sum(_count(connection, table) for table in metadata.sorted_tables))
            for rows in _rows(connection):
                writer.rows(rows)
                progress.step(len(rows.rows))
        # After the rows: keys that they need were there before them.
        for stored in _files(settings):
            writer.file(stored)
        writer.finish(
            made_at=now,
            program=__version__,
            dialect=engine.dialect.name,
            revision=database.revision(engine),
            position={"epoch": position.epoch, "seq": position.seq, "token": position.token},
            settings={name: str(getattr(settings, name)) for name in SETTINGS},
            published=published,
        )
    except BaseException:
        writer.abandon()
        raise
    manifest = archive.check(draft)
    draft.replace(target)
    sync_folder(target.parent)
    return manifest


@contextmanager
def _moment(engine: Engine, beside: Path) -> Iterator[Connection]:
    """A connection that sees one moment and holds no writer up for long."""
    if engine.dialect.name != "sqlite":
        with reading(engine) as connection:
            yield connection
        return
    copy = beside.with_name(f"{beside.name}.db")
    try:
        # A long read would keep writers from committing; a copy takes as long as the disk needs.
        _copy_sqlite(str(engine.url.database), copy)
        copied = make_engine(f"sqlite:///{copy}")
        try:
            with reading(copied) as connection:
                yield connection
        finally:
            copied.dispose()
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _copy_sqlite(source: str, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(source)}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(copy)) as target,
        ):
            original.backup(target)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise OSError(28, "the disk is full", str(copy)) from error
        raise DatabaseUnavailable("the database cannot be copied") from error


def _count(connection: Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _rows(connection: Connection) -> Iterator[Rows]:
    for table in metadata.sorted_tables:
        columns = [column.name for column in table.columns]
        yield Rows(table.name, columns, [])
        query = table.select().execution_options(stream_results=True, yield_per=ROWS)
        for portion in connection.execute(query).partitions():
            yield Rows(table.name, columns, [tuple(row) for row in portion])


def _files(settings: Settings) -> Iterator[StoredFile]:
    yield from _folder("keys", key_folder(settings))
    yield from _folder("ca", settings.authorities)
    if settings.trust_root.is_file():
        yield StoredFile("root", "root.json", 0o644, settings.trust_root.read_bytes())
    tree = PublishedTree(settings.published)
    if not tree.root.is_dir():
        return
    # No publication in between: metadata names the files that belong to it.
    with tree.exclusive():
        for name in TREE_FOLDERS:
            yield from _folder("tree", tree.root / name, below=tree.root)


def key_folder(settings: Settings) -> Path | None:
    """Where the key store's files are; None where keys are not in files."""
    store = read_uri(settings.keys_url)
    return store.path if store.scheme == "file" else None


def _folder(area: str, folder: Path | None, *, below: Path | None = None) -> Iterator[StoredFile]:
    if folder is None or not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        unfinished = path.name.startswith((TEMPORARY_PREFIX, ".lock"))
        if path.is_file() and not path.is_symlink() and not unfinished:
            name = path.relative_to(below or folder).as_posix()
            yield StoredFile(area, name, path.stat().st_mode & 0o777, path.read_bytes())
