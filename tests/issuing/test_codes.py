"""Typed codes: kept as a keyed hash, found for every issuer, filled in for older rows."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from certsvc.issuing import errors
from certsvc.issuing.codes import PAGE
from certsvc.service.engine import writing
from certsvc.storage.database import upgrade
from certsvc_sdk import typedcode

World = Any
MARKET, POLICE = "119999000000000198", "119999000000000273"
NOBODYS = typedcode.of("nobody's~")


@pytest.fixture
def verifier(world: World) -> Any:
    return world.caller(MARKET, scopes={"resolve"}, client_id="hall")


@contextlib.contextmanager
def statements(world: World) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(world.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(world.engine, "before_cursor_execute", note)


def code_of(issued: Any) -> str:
    return typedcode.read(issued.typed_code)


def test_a_code_finds_the_certificate_of_any_issuer(
    world: World, licence: Any, household: Any, verifier: Any
) -> None:
    mine = world.service.issue(world.caller(), licence(), "a")
    theirs = world.service.issue(world.caller(POLICE), household(), "b")
    for issued, issuer in ((mine, MARKET), (theirs, POLICE)):
        found = world.service.codes.resolve(verifier, code_of(issued))
        assert (found.issuer_id, found.certificate_id) == (issuer, issued.certificate_id)
        assert found.token == issued.token
        assert issued.token not in repr(found)


def test_the_code_is_the_same_however_it_is_asked_for(world: World, licence: Any) -> None:
    issued = world.service.issue(world.caller(), licence(), "a")
    again = world.service.issue(world.caller(), licence(), "a")
    read = world.service.get(world.caller(), issued.certificate_id)
    elsewhere = world.make().get(world.caller(), issued.certificate_id)
    assert {one.typed_code for one in (issued, again, read, elsewhere)} == {issued.typed_code}
    assert issued.typed_code == typedcode.grouped(typedcode.of(issued.token))


def test_only_a_keyed_hash_is_stored(world: World, licence: Any) -> None:
    issued = world.service.issue(world.caller(), licence(), "a")
    ((stored,),) = world.rows("SELECT code_lookup FROM certificate")
    plain = code_of(issued).encode()
    assert len(bytes(stored)) == 16
    assert plain not in bytes(stored)
    # Another installation's key gives another hash of the same code.
    other = world.keys.data_key("typed-codes-elsewhere").hmac(b"typed-code|" + plain)
    assert bytes(stored) == world.keys.data_key("typed-codes").hmac(b"typed-code|" + plain)[:16]
    assert bytes(stored) != other[:16]


def test_a_certificate_out_of_force_still_resolves(
    world: World, licence: Any, verifier: Any
) -> None:
    both = world.caller()
    first = world.service.issue(both, licence(), "a")
    second = world.service.issue(both, licence(1), "b")
    world.service.change_status(both, second.certificate_id, "revoke")
    from certsvc.issuing.model import SupersedeRequest

    newer = world.service.supersede(
        both, first.certificate_id, SupersedeRequest(claims=licence(2).claims), "c"
    )
    for issued in (first, second, newer):
        assert world.service.codes.resolve(verifier, code_of(issued)).token == issued.token
    assert len({one.typed_code for one in (first, second, newer)}) == 3


def test_other_scopes_do_not_resolve(world: World, licence: Any) -> None:
    issued = world.service.issue(world.caller(), licence(), "a")
    for scopes in ({"issue", "read", "status", "approve"}, set()):
        with pytest.raises(errors.ScopeMissing):
            world.service.codes.resolve(world.caller(scopes=scopes), code_of(issued))


def test_what_was_never_issued_looks_like_what_never_was(
    world: World, licence: Any, verifier: Any
) -> None:
    """The same words after the same statements, and the row itself is not even read."""
    issued = world.service.issue(world.caller(), licence(), "a")
    with writing(world.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE certificate SET state = 'abandoned', status_value = 1, credential = NULL"
        )
    told = []
    for code in (NOBODYS, code_of(issued)):
        with statements(world) as seen, pytest.raises(errors.CodeUnknown) as refused:
            world.service.codes.resolve(verifier, code)
        told.append((str(refused.value), tuple(seen)))
    assert told[0] == told[1]
    assert "state" in told[0][1][-1]


def test_an_altered_look_up_gives_nobody_elses_certificate(
    world: World, licence: Any, verifier: Any
) -> None:
    first = world.service.issue(world.caller(), licence(), "a")
    second = world.service.issue(world.caller(), licence(1), "b")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE certificate SET code_lookup = NULL")
        lookup = world.keys.data_key("typed-codes").hmac(b"typed-code|" + code_of(first).encode())
        connection.execute(
            sa.text("UPDATE certificate SET code_lookup = :l WHERE certificate_id = :i"),
            {"l": lookup[:16], "i": second.certificate_id},
        )
    with pytest.raises(errors.CodeUnknown):
        world.service.codes.resolve(verifier, code_of(first))


def test_an_older_database_is_upgraded_and_filled(
    world: World, licence: Any, household: Any, verifier: Any
) -> None:
    """The tables of the release before, with certificates in them, on both databases."""
    issued = [world.service.issue(world.caller(), licence(n), f"l{n}") for n in range(3)]
    issued.append(world.service.issue(world.caller(POLICE), household(), "h"))
    with writing(world.engine) as connection:
        for text in (
            "DROP INDEX ix_certificate_uncoded",
            "DROP INDEX ix_certificate_code_lookup",
            "ALTER TABLE certificate DROP COLUMN code_lookup",
            "UPDATE alembic_version SET version_num = '0004'",
        ):
            connection.exec_driver_sql(text)
    upgrade(world.engine)
    service = world.make()
    # What is printed does not wait for the worker; what resolves does.
    assert service.get(world.caller(), issued[0].certificate_id).typed_code == issued[0].typed_code
    with pytest.raises(errors.CodeUnknown):
        service.codes.resolve(verifier, code_of(issued[0]))
    assert service.codes.backfill(keeps=lambda: False) == 0
    assert service.codes.backfill(keeps=lambda: True) == len(issued)
    assert service.codes.backfill(keeps=lambda: True) == 0
    for one in issued:
        assert service.codes.resolve(verifier, code_of(one)).token == one.token


def test_a_row_that_does_not_open_stops_no_other(world: World, licence: Any, verifier: Any) -> None:
    issued = [world.service.issue(world.caller(), licence(n), f"l{n}") for n in range(3)]
    broken = min(issued, key=lambda one: one.certificate_id)
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE certificate SET code_lookup = NULL")
        connection.execute(
            sa.text("UPDATE certificate SET credential = :c WHERE certificate_id = :i"),
            {"c": b"\x01garbage", "i": broken.certificate_id},
        )
    assert world.service.codes.backfill(keeps=lambda: True) == 2
    for one in issued:
        if one is not broken:
            assert world.service.codes.resolve(verifier, code_of(one)).token == one.token
    assert len(issued) < PAGE


def test_codes_outlive_a_new_data_key(world: World, licence: Any, verifier: Any) -> None:
    """Lost with its key store or replaced: printed codes stay, the worker fills the hashes anew."""
    issued = world.service.issue(world.caller(), licence(), "a")
    next((world.folder / "keys" / "data").glob("typed-codes.json")).unlink()
    service = world.make()
    with pytest.raises(errors.CodeUnknown):
        service.codes.resolve(verifier, code_of(issued))
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE certificate SET code_lookup = NULL")
    assert service.codes.backfill(keeps=lambda: True) == 1
    assert service.codes.resolve(verifier, code_of(issued)).token == issued.token
    assert service.get(world.caller(), issued.certificate_id).typed_code == issued.typed_code
