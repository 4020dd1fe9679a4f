"""Tables and migrations belong together, on SQLite now and on PostgreSQL later."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from certsvc.service.engine import DatabaseUnavailable, make_engine, reading, writing
from certsvc.storage import certificates, errors, idempotency, status_lists, tables
from certsvc.storage.database import check, revision, upgrade


def test_the_migrations_make_exactly_the_tables(engine):
    with reading(engine) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []


def test_constraints_are_migrated_as_well(engine):
    """Alembic compares no CHECKs: compare their names, and the stored text where it is as given."""
    with reading(engine) as connection:
        for name, table in tables.metadata.tables.items():
            expected = {
                str(one.name) for one in table.constraints if isinstance(one, sa.CheckConstraint)
            }
            found = sa.inspect(connection).get_check_constraints(name)
            assert {one["name"].rpartition(f"ck_{name}_")[2] for one in found} == {
                one.rpartition(f"ck_{name}_")[2] for one in expected
            }
        if engine.dialect.name != "sqlite":
            return
        stored = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
        ).all()
    assert {name for name, _ in stored} == set(tables.metadata.tables)
    for name, text in stored:
        table = tables.metadata.tables[name]
        for one in table.constraints:
            if isinstance(one, sa.CheckConstraint):
                assert str(one.sqltext) in text


def test_upgrade_is_idempotent_and_makes_a_closed_folder(tmp_path):
    path = tmp_path / "new" / "certsvc.db"
    engine = make_engine(f"sqlite:///{path}")
    assert upgrade(engine) == upgrade(engine) == revision(engine)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    check(engine)
    engine.dispose()


def test_check_names_what_is_wrong(tmp_path, engine):
    empty = make_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(errors.SchemaMissing):
        check(empty)
    empty.dispose()
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(errors.SchemaUnknown):
        check(engine)
    with pytest.raises(errors.SchemaUnknown):
        upgrade(engine)


def test_an_older_database_is_told_to_upgrade(engine, monkeypatch):
    monkeypatch.setattr("certsvc.storage.database._head", lambda: "9999")
    with pytest.raises(errors.SchemaOutdated):
        check(engine)


def test_a_failed_migration_leaves_nothing(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE lease (x INTEGER)")
    with pytest.raises(DatabaseUnavailable):
        upgrade(engine)
    with reading(engine) as connection:
        assert sa.inspect(connection).get_table_names() == ["lease"]
    engine.dispose()


def test_postgresql_understands_the_tables_and_the_hot_statements():
    dialect = postgresql.dialect()
    for table in tables.metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert "DATETIME" not in text
        assert "BLOB" not in text
        for index in table.indexes:
            partial = index.dialect_options["postgresql"]["where"] is not None
            assert partial == ("WHERE" in str(CreateIndex(index).compile(dialect=dialect)))
    for statement in (
        certificates._COMPLETE._together,
        certificates._SELECT_LOCKED,
        idempotency._FINISH._together,
        status_lists._TAKE_PLACE,
    ):
        assert str(statement.compile(dialect=dialect))
    assert "FOR UPDATE" in str(certificates._SELECT_LOCKED.compile(dialect=dialect))


def test_the_issuer_leads_every_primary_key():
    for table in tables.metadata.tables.values():
        assert next(iter(table.primary_key.columns)).name == "issuer_id"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'valid'",
        "state = 'nonsense'",
        "plan = NULL",
        "status_value = 4",
        "credential = x'00'",
        "issuer_id = 'nobody'",
    ],
)
def test_the_database_itself_refuses_nonsense(engine, add_plan, change):
    with writing(engine) as connection:
        add_plan(connection, 1)
    with pytest.raises(DatabaseUnavailable), writing(engine) as connection:
        connection.exec_driver_sql(f"UPDATE certificate SET {change}")
