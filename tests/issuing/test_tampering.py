"""Rows and columns exchanged in the database: told as such, never another person's data (T63)."""

import pytest
import sqlalchemy as sa

from certsvc.issuing import errors
from certsvc.service.engine import writing
from certsvc.storage.sealing import Sealing, data_key_name

MARKET = "119999000000000198"


class Stop(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@pytest.fixture
def execute(world):
    def run(*statements: str) -> None:
        with writing(world.engine) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    return run


@pytest.fixture
def exchange(world):
    """Exchange columns between the two rows of a table."""

    def run(table: str, *columns: str) -> None:
        with writing(world.engine) as connection:
            place = "rowid" if connection.dialect.name == "sqlite" else "CAST(ctid AS TEXT)"
            query = f"SELECT {place}, {', '.join(columns)} FROM {table}"
            (one, *former), (two, *latter) = connection.exec_driver_sql(query)
            for row, values in ((one, latter), (two, former)):
                sets = ", ".join(f"{name} = :{name}" for name in columns)
                connection.execute(
                    sa.text(f"UPDATE {table} SET {sets} WHERE {place} = :row"),
                    {**dict(zip(columns, values, strict=True)), "row": row},
                )

    return run


@pytest.mark.parametrize(
    "columns", [("answer",), ("certificate_id",), ("certificate_id", "answer")]
)
def test_an_answer_belongs_to_its_key(world, licence, exchange, columns):
    for number in range(2):
        world.service.issue(world.caller(), licence(number), f"key-{number}")
    exchange("idempotency", *columns)
    for number in range(2):
        with pytest.raises(errors.RecordTampered):
            world.service.issue(world.caller(), licence(number), f"key-{number}")


def test_a_waiting_plan_belongs_to_its_key(world, licence, exchange):
    def stop(step: int) -> None:
        if step == 4:
            raise Stop

    for number in range(2):
        with pytest.raises(Stop):
            world.make(checkpoint=stop).issue(world.caller(), licence(number), f"key-{number}")
    exchange("idempotency", "certificate_id")
    world.clock.now += 100
    for number in range(2):
        with pytest.raises(errors.RecordTampered):
            world.service.issue(world.caller(), licence(number), f"key-{number}")


def test_an_answer_of_a_change_belongs_to_its_key(world, licence, execute, exchange):
    ids = []
    for number in range(2):
        issued = world.service.issue(world.caller(), licence(number), f"key-{number}")
        ids.append(issued.certificate_id)
    execute("DELETE FROM idempotency")

    def revoke(number: int):
        return world.service.change_status(
            world.caller(), ids[number], "revoke", idempotency_key=f"key-{number}"
        )

    assert [revoke(number).certificate_id for number in range(2)] == ids
    exchange("idempotency", "certificate_id", "answer")
    for number in range(2):
        with pytest.raises(errors.RecordTampered):
            revoke(number)


@pytest.mark.parametrize("column", ["credential", "certificate_id"])
def test_a_credential_belongs_to_its_row(world, licence, execute, exchange, column):
    ids = [
        world.service.issue(world.caller(), licence(number), f"key-{number}").certificate_id
        for number in range(2)
    ]
    if column == "credential":
        exchange("certificate", column)
    else:
        unchecked = {
            "sqlite": "PRAGMA defer_foreign_keys = ON",
            "postgresql": "SET LOCAL session_replication_role = replica",
        }
        execute(
            unchecked[world.engine.dialect.name],
            f"UPDATE certificate SET certificate_id = 'x' WHERE certificate_id = '{ids[0]}'",
            f"UPDATE certificate SET certificate_id = '{ids[0]}' WHERE certificate_id = '{ids[1]}'",
            f"UPDATE certificate SET certificate_id = '{ids[1]}' WHERE certificate_id = 'x'",
        )
    for one in ids:
        with pytest.raises(errors.RecordTampered):
            world.service.get(world.caller(), one)


def test_a_look_up_leads_to_the_holders_own_certificates_only(world, licence, exchange):
    codes = []
    for number in range(2):
        world.service.issue(world.caller(), licence(number), f"key-{number}")
        codes.append(licence(number).claims["unified_social_credit_code"])
    exchange("holder", "certificate_id")
    for code in codes:
        with pytest.raises(errors.RecordTampered):
            world.service.find_by_holder(world.caller(), "001", code)


def test_a_planted_look_up_shows_nobody_elses_certificate(world, licence, execute):
    issued = world.service.issue(world.caller(), licence(), "key-0")
    sealing = Sealing(MARKET, world.keys.data_key(data_key_name(MARKET)))
    lookup = sealing.lookup("001", licence(1).claims["unified_social_credit_code"])
    execute(f"INSERT INTO holder VALUES ('{MARKET}', '{lookup}', '{issued.certificate_id}')")
    with pytest.raises(errors.RecordTampered):
        world.service.find_by_holder(
            world.caller(), "001", licence(1).claims["unified_social_credit_code"]
        )


def test_a_holder_is_found_however_the_code_is_typed(world, licence):
    issued = world.service.issue(world.caller(), licence(), "key-0")
    code = str(licence().claims["unified_social_credit_code"])
    for typed in (code.lower(), f" {code}\u3000", code):
        found = world.service.find_by_holder(world.caller(), "001", typed)
        assert [one.certificate_id for one in found] == [issued.certificate_id]
    for typed in ("", "\ud800", "1" * 100_000, f"{code}|x", "\0"):
        assert world.service.find_by_holder(world.caller(), "001", typed) == []
