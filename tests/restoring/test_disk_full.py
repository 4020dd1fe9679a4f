"""A full disk: nothing half-written is taken for whole, and everything goes on by itself."""

import pytest

from certsvc.issuing.errors import StorageUnavailable
from certsvc.restoring import archive
from certsvc.service.engine import DatabaseUnavailable, reading
from certsvc.storage.journal_reading import START, Notices, position_of, records_after


def fill(folder):
    """Leave no room; returns what must be removed to make some."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def refusals(running, folder):
    """Issue until the disk refuses; returns the keys that were acknowledged."""
    done = []
    for number in range(400):
        try:
            running.issue(f"full-{number}")
        except (DatabaseUnavailable, StorageUnavailable):
            return done
        done.append(f"full-{number}")
    raise AssertionError("the disk was never full")


def test_a_journal_without_room_refuses_and_goes_on(make_world, tmp_path, small_disk):
    url = f"sqlite:///{tmp_path / 'certsvc.db'}"
    world = make_world(url, journal=str(small_disk / "journal"))
    running = world.start()
    running.issue("before")
    filler = fill(small_disk)
    acknowledged = refusals(running, small_disk)
    assert world.count("certificate") >= len(acknowledged) + 1
    filler.unlink()
    running.issue("after")
    running.publish()
    # Every record that is committed can be read, and nothing else follows.
    with reading(world.engine()) as connection:
        position = position_of(connection)
    notices = Notices([], [])
    told = list(records_after(world.settings.journal_folder, START, notices))
    assert told[-1].position.seq == position.seq
    assert notices.damaged == []
    world.lose()
    assert world.recover().complete
    keys = world.count("idempotency")
    assert keys >= len(acknowledged) + 2


def test_a_tree_without_room_keeps_the_old_files(make_world, tmp_path, small_disk):
    home = small_disk / "home"
    world = make_world(
        f"sqlite:///{tmp_path / 'certsvc.db'}", home=home, journal=str(tmp_path / "journal")
    )
    running = world.start()
    made = running.issue()
    running.publish()
    shown, version = world.bits()
    leaves = world.log_size()
    filler = fill(small_disk)
    running.change(made.certificate_id)
    running.publish()
    assert world.bits() == (shown, version)
    assert world.log_size() == leaves
    filler.unlink()
    world.clock.now += 60
    running.publish()
    assert len(world.bits()[0]) == 1
    assert world.bits()[1] > version
    assert world.log_size() == leaves + 1


def test_a_backup_without_room_leaves_no_file(make_world, tmp_path, small_disk):
    world = make_world(f"sqlite:///{tmp_path / 'certsvc.db'}")
    running = world.start()
    running.issue()
    filler = fill(small_disk)
    with pytest.raises((OSError, DatabaseUnavailable)):
        world.backup(small_disk / "one.backup")
    filler.unlink()
    assert list(small_disk.iterdir()) == []
    # The small disk holds no copy of the database; elsewhere there is room.
    world.backup(tmp_path / "one.backup")
    assert archive.check(tmp_path / "one.backup").counts["certificate"] == 1
