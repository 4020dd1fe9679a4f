"""The database as a whole: create, upgrade, and check that program and tables belong together."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from certsvc.service.engine import reading, writing
from certsvc.storage.errors import SchemaMissing, SchemaOutdated, SchemaUnknown

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, *, to: str = "head") -> str:
    """Bring the tables up to date; a new database gets all of them.

    Args:
        engine: The database.
        to: The revision to reach; an older one than the database's changes nothing.

    Returns:
        The revision reached.

    Raises:
        DatabaseUnavailable: The database failed; the tables are as before.
        SchemaUnknown: A newer program has written this database.
    """
    make_directory(engine)
    with writing(engine) as connection:
        current = _revision(connection)
        if current is not None and current not in _known():
            raise SchemaUnknown(f"the database is at unknown revision {current}")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    return _head() if to == "head" else to


def revision(engine: Engine) -> str | None:
    """The revision of the tables; None: there are none yet.

    Raises:
        DatabaseUnavailable: The database cannot be read.
    """
    with reading(engine) as connection:
        return _revision(connection)


def check(engine: Engine) -> None:
    """Refuse to work on tables of another version.

    Raises:
        DatabaseUnavailable: The database cannot be read.
        SchemaMissing: There are no tables yet.
        SchemaOutdated: A migration is due.
        SchemaUnknown: A newer program has written this database.
    """
    with reading(engine) as connection:
        current = _revision(connection)
    if current is None:
        raise SchemaMissing("the database has no tables yet")
    if current not in _known():
        raise SchemaUnknown(f"the database is at unknown revision {current}")
    if current != _head():
        raise SchemaOutdated(f"the database is at revision {current}, not {_head()}")


def make_directory(engine: Engine) -> None:
    """Make the folder of a SQLite file, closed to others: the file holds citizens' records."""
    database = engine.url.database
    if engine.dialect.name == "sqlite" and database:
        Path(database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _head() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:  # pragma: no cover - the package always ships its migrations
        raise SchemaUnknown("the program has no migrations")
    return head


def _known() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return MigrationContext.configure(connection).get_current_revision()
