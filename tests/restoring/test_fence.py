"""The fence: each thing that is newer outside is named, and what is level passes."""

import pytest
import sqlalchemy as sa

from certsvc.app import create_app
from certsvc.restoring.errors import RecoveryNeeded
from certsvc.restoring.fence import Gate, fence_of
from certsvc.service.engine import DatabaseUnavailable, make_engine, reading, writing
from certsvc.service.settings import Settings
from certsvc.storage.journal_reading import newest, position_of


@pytest.fixture
def level(make_world, tmp_path):
    """A world with two certificates, both published."""
    world = make_world(f"sqlite:///{tmp_path / 'certsvc.db'}")
    running = world.start()
    for _ in range(2):
        running.issue()
    running.publish()
    return world


def spoil(world, *statements):
    """Change the database past its journal, as a restore by other means would."""
    with writing(world.engine()) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_an_empty_world_passes(tmp_path):
    settings = Settings(home=tmp_path)
    engine = make_engine(settings.database_url)
    fence_of(settings, engine).require()
    engine.dispose()


def test_a_level_database_passes(level):
    level.fence().require()
    assert level.fence().findings() == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE journal_head SET seq = seq - 2", "the journal reaches"),
        ("UPDATE log_head SET size = 1, published_size = 1", "the log shows 2 leaves"),
        ("UPDATE status_list SET version = 0, published_version = 0", "status list .* published"),
        ("UPDATE log_entry SET leaf_hash = X'00' WHERE log_index = 0", "another story"),
        ("UPDATE journal_head SET restored_at = 1", "restored from a backup"),
        ("DELETE FROM status_list", "status list .* none"),
    ],
)
def test_what_is_newer_outside_is_named(level, statement, message):
    spoil(level, statement)
    with pytest.raises(RecoveryNeeded, match=message) as refused:
        level.start()
    assert "certsvc recover" in str(refused.value)
    assert refused.value.exit_code == 78


def test_a_lost_database_does_not_begin_anew(level):
    level.lose()
    with pytest.raises(RecoveryNeeded, match="no tables"):
        level.start()


@pytest.mark.parametrize("path", ["log/checkpoint", "status/119999000000000198/1"])
def test_a_tree_that_cannot_be_read_refuses(level, path):
    (level.settings.published / path).write_bytes(b"\xff")
    with pytest.raises(RecoveryNeeded, match="cannot be read"):
        level.start()


def test_a_commit_in_doubt_is_done_again_at_the_next_start(level):
    running = level.start()
    reached = newest(level.settings.journal_folder).position

    def die(_connection):
        if newest(level.settings.journal_folder).position != reached:
            raise KeyboardInterrupt

    # Behind the journal's own listener: the record is written, the commit never comes.
    sa.event.listen(running.engine, "commit", die)
    with pytest.raises(KeyboardInterrupt):
        running.issue("doubtful")
    engine = level.engine()
    with reading(engine) as connection:
        before = position_of(connection)
    ahead = newest(level.settings.journal_folder).position
    assert ahead.seq == before.seq + 1
    level.start()
    with reading(engine) as connection:
        assert position_of(connection) == ahead
    # The plan is there; the client's second try finds it.
    assert level.rows("SELECT count(*) FROM idempotency")[0][0] == 3


def test_a_worker_that_takes_over_asks_again(level):
    spoil(level, "UPDATE status_list SET version = 0, published_version = 0")
    running = level.start_unfenced()
    with pytest.raises(RecoveryNeeded):
        running.publish()
    assert level.rows("SELECT holder FROM lease")[0][0] == ""


def test_a_gate_opens_when_the_database_is_back(level, tmp_path):
    path = tmp_path / "certsvc.db"
    away = tmp_path / "away.db"
    path.rename(away)
    path.mkdir()
    gate = Gate(level.fence())
    gate.at_start()
    with pytest.raises(DatabaseUnavailable):
        gate.require()
    path.rmdir()
    away.rename(path)
    gate.require()
    assert gate.probe() is None
    spoil(level, "UPDATE journal_head SET restored_at = 1")
    assert gate.probe() == "recovery_needed"


def test_the_service_says_that_a_recovery_is_needed(level):
    """A database that is put back under a running service, or before its first request."""
    level.settings.keys_passphrase_file.write_bytes(b"test only")
    level.settings.keys_passphrase_file.chmod(0o600)
    app = create_app(level.settings)
    client = app.test_client()
    spoil(level, "UPDATE journal_head SET restored_at = 1")
    answer = client.get("/readyz").get_json()
    assert {"check": "recovery", "reason": "recovery_needed"} in answer["reasons"]
    with pytest.raises(RecoveryNeeded):
        create_app(level.settings)
