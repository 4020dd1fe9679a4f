"""Backups: whole, of one moment, portable between the databases, and every flipped bit found."""

import hashlib
import threading

import pytest

from certsvc.restoring import archive
from certsvc.restoring.errors import BackupDamaged, BackupForeign, RecoveryNeeded, TargetInUse
from certsvc.restoring.restore import restore
from certsvc.service.engine import make_engine
from certsvc.storage.journal_pruning import prune
from certsvc.storage.journal_reading import last_seq, segments
from keys.filestore import FileKeyStore


@pytest.fixture
def sqlite_world(make_world, tmp_path):
    return make_world(f"sqlite:///{tmp_path / 'home' / 'certsvc.db'}")


def test_a_restored_database_holds_the_same_rows(world, tmp_path):
    running = world.start()
    made = running.issue()
    running.change(made.certificate_id)
    before = world.content(without=("journal_head",))
    world.backup(tmp_path / "one.backup")
    world.lose()
    world.restore(tmp_path / "one.backup")
    assert world.content(without=("journal_head",)) == before
    assert world.rows("SELECT restored_at FROM journal_head")[0][0] is not None


def test_a_backup_of_one_kind_is_restored_into_the_other(world, tmp_path, request):
    running = world.start()
    running.issue()
    before = world.content(without=("journal_head",))
    world.backup(tmp_path / "one.backup")
    if world.settings.database_url.startswith("sqlite"):
        url = request.getfixturevalue("postgres_empty")
    else:
        url = f"sqlite:///{tmp_path / 'other.db'}"
    world.settings = world.settings.model_copy(update={"database_url": url})
    world.restore(tmp_path / "one.backup")
    assert world.content(without=("journal_head",)) == before


def test_only_an_empty_database_is_restored_into(world, tmp_path):
    world.backup(tmp_path / "one.backup")
    with pytest.raises(TargetInUse):
        world.restore(tmp_path / "one.backup")
    with pytest.raises(TargetInUse):
        world.backup(tmp_path / "one.backup")


def test_another_service_s_backup_is_refused(sqlite_world, tmp_path):
    world = sqlite_world
    world.backup(tmp_path / "one.backup")
    world.lose()
    other = world.settings.model_copy(update={"public_url": "https://other.example/"})
    with pytest.raises(BackupForeign):
        restore(other, world.engine(), tmp_path / "one.backup", now=1)


def test_a_backup_is_of_one_moment_while_certificates_are_issued(world, tmp_path):
    running, stop = world.start(), threading.Event()

    def issue():
        while not stop.is_set():
            running.issue()

    thread = threading.Thread(target=issue)
    thread.start()
    try:
        for number in range(3):
            world.backup(tmp_path / f"{number}.backup")
    finally:
        stop.set()
        thread.join()
    world.lose()
    for number in range(3):
        manifest = archive.check(tmp_path / f"{number}.backup")
        visible = manifest.counts["certificate"]
        assert manifest.counts["idempotency"] == visible
    world.restore(tmp_path / "2.backup")
    assert world.recover().complete
    world.start()


def test_keys_and_trust_files_come_back_with_it(sqlite_world, tmp_path):
    world = sqlite_world
    world.settings.trust_root.write_bytes(b"{}")
    running = world.start()
    running.issue()
    world.backup(tmp_path / "one.backup")
    home = tmp_path / "elsewhere"
    settings = world.settings.model_copy(
        update={
            "home": home,
            "keys_url": f"file:{home / 'keys'}",
            "trust_root": home / "root.json",
            "database_url": f"sqlite:///{home / 'certsvc.db'}",
        }
    )
    engine = make_engine(settings.database_url)
    restore(settings, engine, tmp_path / "one.backup", now=1)
    engine.dispose()
    assert settings.trust_root.read_bytes() == b"{}"
    store = FileKeyStore(home / "keys", passphrase=b"test only", scrypt_n=2)
    assert {key.kid for key in store.list()} == {key.kid for key in world.keys.list()}
    key = next((home / "keys").rglob("*.json"), None) or next(
        path for path in (home / "keys").rglob("*") if path.is_file()
    )
    assert key.stat().st_mode & 0o077 == 0
    published = {
        path.relative_to(world.settings.published): path.read_bytes()
        for path in (world.settings.published / "trust").rglob("*")
        if path.is_file()
    }
    assert published
    for name, data in published.items():
        assert (settings.published / name).read_bytes() == data


def test_no_key_stands_in_the_clear(sqlite_world, tmp_path):
    world = sqlite_world
    path = world.backup(tmp_path / "one.backup")
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE KEY" not in path.read_bytes()


def test_every_flipped_bit_is_found(sqlite_world, tmp_path):
    world = sqlite_world
    world.start().issue()
    path = world.backup(tmp_path / "one.backup")
    sound = path.read_bytes()
    places = [*range(200), len(sound) - 1]
    for number in range(200):
        draw = hashlib.sha256(b"%d" % number).digest()
        places.append(int.from_bytes(draw[:8], "big") % len(sound))
    damaged = tmp_path / "damaged.backup"
    for place in places:
        changed = bytearray(sound)
        changed[place] ^= 1 << place % 8
        damaged.write_bytes(changed)
        with pytest.raises(BackupDamaged):
            archive.check(damaged)
    for size in (0, 10, 40, len(sound) // 2, len(sound) - 1):
        damaged.write_bytes(sound[:size])
        with pytest.raises(BackupDamaged):
            archive.check(damaged)
    damaged.write_bytes(sound + sound[-100:])
    with pytest.raises(BackupDamaged):
        archive.check(damaged)
    assert archive.check(path).counts["certificate"] == 1


def test_a_damaged_backup_writes_nothing(sqlite_world, tmp_path):
    world = sqlite_world
    path = world.backup(tmp_path / "one.backup")
    data = bytearray(path.read_bytes())
    data[-60] ^= 1
    path.write_bytes(data)
    world.lose()
    with pytest.raises(BackupDamaged):
        world.restore(path)
    assert not (tmp_path / "home" / "certsvc.db").exists()


def test_pruning_keeps_what_lives_and_what_no_backup_holds(sqlite_world, tmp_path):
    world = sqlite_world
    world.start().issue()
    for journal in world.opened:
        journal.close()
    manifest_path = world.backup(tmp_path / "one.backup")
    position = archive.check(manifest_path).position["seq"]
    running = world.start()
    running.issue()
    folder = world.settings.journal_folder
    before = segments(folder)
    assert len(before) > 1
    removed = prune(folder, seq=position)
    assert removed
    assert all(last_seq(path) > position for path in segments(folder))
    # The process that lives goes on in its file, and the fence still sees how far it came.
    assert prune(folder, seq=10**9) == []
    running.issue()
    world.lose()
    with pytest.raises(RecoveryNeeded):
        world.fence().require()
    world.restore(manifest_path)
    assert world.recover().complete
