"""What a restored database, a lost journal or a hostile backup must not lead to."""

import secrets
import shutil

import pytest
import sqlalchemy as sa

from certsvc import bootstrap
from certsvc.issuing import errors
from certsvc.restoring import archive
from certsvc.restoring.archive import ArchiveWriter, Manifest, Rows, StoredFile
from certsvc.restoring.errors import BackupDamaged, BackupForeign, RecoveryNeeded, RecoveryStopped
from certsvc.restoring.restore import restore
from certsvc.service.engine import make_engine, writing
from certsvc.storage.errors import ReplayDiverged
from certsvc.storage.journal_pruning import prune
from certsvc.storage.journal_reading import newest, segments


@pytest.fixture
def sqlite_world(make_world, tmp_path):
    return make_world(f"sqlite:///{tmp_path / 'certsvc.db'}")


def forge(path, made, *parts, **changes):
    """A backup as somebody writes it who knows the format."""
    manifest = archive.check(made)
    writer = ArchiveWriter(path, file_id=secrets.token_bytes(16))
    for part in parts:
        (writer.file if isinstance(part, StoredFile) else writer.rows)(part)
    names = ("made_at", "program", "dialect", "revision", "position", "settings", "published")
    writer.finish(**{name: getattr(manifest, name) for name in names} | changes)
    assert isinstance(archive.check(path), Manifest)
    return path


def test_a_lost_journal_is_noticed_where_nothing_was_published_meanwhile(sqlite_world, tmp_path):
    world = sqlite_world
    running = world.start()
    running.issue()
    running.publish()
    world.backup(tmp_path / "one.backup")
    # No worker publishes: the tree tells of nothing.
    lost = [running.issue() for _ in range(3)]
    world.lose()
    world.lose_journal()
    world.restore(tmp_path / "one.backup")
    assert "does not reach" in world.recover(dry_run=True).journal_fault
    with pytest.raises(RecoveryStopped, match="does not reach"):
        world.recover()
    report = world.recover(accept_loss=True)
    assert report.gap is None
    assert not report.complete
    running = world.start()
    running.publish()
    fresh = running.issue()
    assert fresh.certificate_identifier not in {one.certificate_identifier for one in lost}
    assert world.rows("SELECT max(list_no) FROM certificate") == [(2,)]


def test_without_any_journal_a_recovery_never_says_that_nothing_is_lost(make_world, tmp_path):
    world = make_world(f"sqlite:///{tmp_path / 'certsvc.db'}", journal="off")
    running = world.start()
    running.publish()
    world.backup(tmp_path / "one.backup")
    running.issue()
    world.lose()
    world.restore(tmp_path / "one.backup")
    with pytest.raises(RecoveryStopped, match="switched off"):
        world.recover()
    report = world.recover(accept_loss=True)
    assert not report.complete
    world.start()


def test_a_service_that_still_runs_issues_nothing_on_what_was_restored(world, tmp_path):
    running = world.start()
    made = running.issue()
    world.backup(tmp_path / "one.backup")
    running.issue()
    world.lose()
    world.restore(tmp_path / "one.backup")
    with pytest.raises(errors.StorageUnavailable):
        running.issue("second life")
    with pytest.raises(errors.StorageUnavailable):
        running.change(made.certificate_id)
    assert world.count("certificate") == 1
    assert world.recover().complete
    assert world.count("certificate") == 2
    running.issue("after the recovery")


def test_the_old_backup_again_after_a_loss_was_accepted(world, tmp_path, monkeypatch):
    running = world.start()
    running.publish()
    world.backup(tmp_path / "old.backup")
    second = [running.issue() for _ in range(3)]
    running.publish()
    world.lose()
    world.restore(tmp_path / "old.backup")

    def diverge(_connection, _record):
        raise ReplayDiverged("a record does not fit")

    with monkeypatch.context() as patched:
        patched.setattr("certsvc.storage.journal_replay.apply", diverge)
        report = world.recover(accept_loss=True)
    assert len(report.certificates_lost) == len(second)
    running = world.start()
    running.publish()
    kept = running.issue("third")
    running.publish()
    world.lose()
    world.restore(tmp_path / "old.backup")
    assert world.recover().complete
    running = world.start()
    running.publish()
    assert kept.certificate_id in dict(world.rows("SELECT certificate_id, state FROM certificate"))


@pytest.mark.parametrize(("operation", "value"), [("revoke", 1), ("suspend", 2)])
def test_what_only_the_log_shows_and_what_only_a_list_shows_are_both_kept(
    world, tmp_path, operation, value
):
    running = world.start()
    known = running.issue()
    running.publish()
    world.backup(tmp_path / "old.backup")
    lost = running.issue()
    running.change(lost.certificate_id)
    running.publish()
    shown, _version = world.bits()
    assert list(shown.values()) == [1]
    # The log is merged, and the machine is gone before the list is published.
    running.change(known.certificate_id, operation)
    running.publish("log")
    world.lose()
    world.lose_journal()
    world.restore(tmp_path / "old.backup")
    world.recover(accept_loss=True)
    running = world.start()
    running.publish()
    after, _version = world.bits()
    assert shown.items() <= after.items()
    assert sorted(after.values()) == [1, value]


def test_a_recovered_list_without_a_key_is_no_foreign_seal(sqlite_world):
    world = sqlite_world
    with writing(world.engine()) as connection:
        connection.execute(sa.text("UPDATE status_list SET permutation_key = X''"))
    bootstrap._check_ours(world.engine(), world.keys)


def test_pruning_keeps_the_newest_record_of_the_present_life(sqlite_world, tmp_path):
    world = sqlite_world
    running = world.start()
    running.publish()
    world.backup(tmp_path / "old.backup")
    for _ in range(4):
        running.issue()
    world.lose()
    folder = world.settings.journal_folder
    shutil.move(folder, tmp_path / "elsewhere")
    world.restore(tmp_path / "old.backup")
    world.recover(accept_loss=True)
    # Found again later: its numbers are higher, its epoch is over.
    for path in segments(tmp_path / "elsewhere"):
        shutil.move(path, folder / path.name)
    present = newest(folder)
    assert present.position.epoch > 1
    prune(folder, seq=present.position.seq)
    assert newest(folder).position == present.position


@pytest.mark.parametrize(
    ("area", "path"),
    [
        ("keys", "../outside"),
        ("tree", "trust/../../outside"),
        ("keys", "/outside"),
        ("keys", "a\0b"),
        ("keys", ""),
    ],
)
def test_a_file_that_leads_out_of_its_folder_is_refused(sqlite_world, tmp_path, area, path):
    made = sqlite_world.backup(tmp_path / "one.backup")
    forged = forge(tmp_path / "forged.backup", made, StoredFile(area, path, 0o600, b"x"))
    home = tmp_path / "new" / "home"
    settings = _elsewhere(sqlite_world, home)
    with pytest.raises(BackupDamaged, match="leads out"):
        restore(settings, _engine(sqlite_world, settings), forged, now=1)
    assert not list(tmp_path.rglob("outside"))


def test_a_root_of_any_name_goes_to_the_root_s_place_alone(sqlite_world, tmp_path):
    made = sqlite_world.backup(tmp_path / "one.backup")
    forged = forge(
        tmp_path / "forged.backup",
        made,
        StoredFile("root", "passphrase", 0o600, b"mine"),
        StoredFile("keys", "k.json", 0o6777, b"{}"),
        StoredFile("nowhere", "x", 0o600, b"x"),
    )
    home = tmp_path / "new"
    settings = _elsewhere(sqlite_world, home)
    restore(settings, _engine(sqlite_world, settings), forged, now=1)
    assert not (home / "passphrase").exists()
    assert settings.trust_root.read_bytes() == b"mine"
    assert (home / "keys" / "k.json").stat().st_mode & 0o7777 == 0o700
    assert not list(home.rglob(".restoring"))


@pytest.mark.parametrize("table", ["sqlite_master", "alembic_version", "nothing", "x; y"])
def test_rows_of_a_table_that_is_not_ours_are_refused(sqlite_world, tmp_path, table):
    made = sqlite_world.backup(tmp_path / "one.backup")
    forged = forge(tmp_path / "forged.backup", made, Rows(table, ["name"], [["x"]]))
    settings = _elsewhere(sqlite_world, tmp_path / "new")
    with pytest.raises(BackupDamaged, match="no table"):
        restore(settings, _engine(sqlite_world, settings), forged, now=1)


def test_a_backup_of_another_environment_is_refused(sqlite_world, tmp_path):
    made = sqlite_world.backup(tmp_path / "one.backup")
    settings = archive.check(made).settings | {"env": "production"}
    forged = forge(tmp_path / "forged.backup", made, settings=settings)
    elsewhere = _elsewhere(sqlite_world, tmp_path / "new")
    with pytest.raises(BackupForeign, match="CERTSVC_ENV"):
        restore(elsewhere, _engine(sqlite_world, elsewhere), forged, now=1)


def test_files_of_a_restore_that_was_broken_off_are_put_again(sqlite_world, tmp_path, monkeypatch):
    world = sqlite_world
    made = world.backup(tmp_path / "one.backup")
    settings = _elsewhere(world, tmp_path / "new")
    from certsvc.restoring import restore as module

    write, written = module.replace_file, []

    def full(path, data, **options):
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        written.append(path)
        write(path, data, **options)

    monkeypatch.setattr(module, "replace_file", full)
    with pytest.raises(OSError, match="No space"):
        restore(settings, _engine(world, settings), made, now=1)
    monkeypatch.undo()
    restore(settings, _engine(world, settings), made, now=1)
    for name in ("keys", "published"):
        there, back = world.settings.home / name, tmp_path / "new" / name
        assert not (back / ".restoring").exists()
        if name == "keys":
            wanted = {path.relative_to(there) for path in there.rglob("*.json")}
            assert {path.relative_to(back) for path in back.rglob("*.json")} == wanted


def test_no_second_set_up_writes_to_a_database_that_is_behind(sqlite_world, tmp_path, monkeypatch):
    world = sqlite_world
    running = world.start()
    world.settings.trust_root.unlink(missing_ok=True)
    copy = tmp_path / "old.db"
    shutil.copy(tmp_path / "certsvc.db", copy)
    running.issue()
    running.issue()
    settings = world.settings.model_copy(update={"database_url": f"sqlite:///{copy}"})
    before = copy.read_bytes()
    monkeypatch.setattr(bootstrap, "open_keys", lambda _settings: world.keys)
    with pytest.raises(RecoveryNeeded):
        bootstrap.initialise(settings, now=1, report=print)
    assert copy.read_bytes() == before


def _elsewhere(world, home):
    return world.settings.model_copy(
        update={
            "home": home,
            "keys_url": f"file:{home / 'keys'}",
            "trust_root": home / "root.json",
            "database_url": f"sqlite:///{home / 'certsvc.db'}",
        }
    )


def _engine(world, settings):
    world.engines.append(make_engine(settings.database_url))
    return world.engines[-1]
