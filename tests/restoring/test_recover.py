"""A lost database, an old backup, and the way back: nothing is lost or contradicted."""

import threading

import pytest

from certsvc.restoring.errors import RecoveryNeeded, RecoveryStopped
from certsvc.restoring.recover import GAP


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def lived(world, tmp_path):
    """A world with a backup, and a life after it: certificates issued, revoked, suspended."""
    running = world.start()
    first = [running.issue() for _ in range(4)]
    running.publish()
    world.backup(tmp_path / "old.backup")
    second = [running.issue() for _ in range(4)]
    running.change(first[0].certificate_id)
    running.change(second[0].certificate_id)
    running.change(first[1].certificate_id, "suspend")
    running.publish()
    return world, first, second


def test_with_the_journal_everything_is_there_again(lived, tmp_path):
    world, first, second = lived
    before = world.content(without=("lease", "journal_head"))
    shown, version = world.bits()
    leaves = world.log_size()
    world.lose()
    with pytest.raises(RecoveryNeeded, match="certsvc recover"):
        world.start()
    world.restore(tmp_path / "old.backup")
    with pytest.raises(RecoveryNeeded, match="restored from a backup"):
        world.start()
    report = world.recover()
    assert report.complete
    assert report.replayed > 0
    assert report.gap == GAP
    after = world.content(without=("lease", "journal_head"))
    assert {name for name in before if before[name] != after[name]} == {"status_list"}
    running = world.start()
    assert running.repeat(5).token == second[1].token
    later = running.issue()
    running.publish()
    assert later.certificate_id not in {each.certificate_id for each in first + second}
    now_shown, now_version = world.bits()
    assert now_version >= version
    assert now_shown == shown
    assert world.log_size() == leaves + 1
    assert world.recover().level


def test_without_the_journal_nothing_published_is_contradicted(lived, tmp_path):
    world, first, second = lived
    shown, version = world.bits()
    leaves = world.log_size()
    world.lose()
    world.lose_journal()
    world.restore(tmp_path / "old.backup")
    with pytest.raises(RecoveryStopped, match="accept-loss"):
        world.recover()
    with pytest.raises(RecoveryNeeded):
        world.start()
    report = world.recover(accept_loss=True)
    assert not report.complete
    assert sorted(report.certificates_lost) == sorted(
        each.certificate_identifier for each in second
    )
    assert report.gap is None
    running = world.start()
    running.publish()
    now_shown, now_version = world.bits()
    assert now_shown == shown
    assert now_version > version
    assert world.log_size() == leaves
    states = dict(world.rows("SELECT certificate_id, state FROM certificate"))
    assert states[first[0].certificate_id] == "revoked"
    assert states[first[1].certificate_id] == "suspended"
    running.publish()
    taken = {(each.list_no, each.list_index) for each in _places(world)}
    fresh = running.issue()
    running.publish()
    assert fresh.certificate_identifier not in {each.certificate_identifier for each in second}
    assert _places(world)[-1] not in taken
    assert world.log_size() == leaves + 1
    # What was suspended may be lifted, and the log goes on from the published event.
    running.change(first[1].certificate_id, "resume")
    running.publish()
    assert world.log_size() == leaves + 2
    assert world.bits()[0] == {place: value for place, value in shown.items() if value != 2}


def _places(world):
    from certsvc.service.engine import reading
    from certsvc.storage.tables import certificate

    query = certificate.select().order_by(certificate.c.issued_at)
    with reading(world.engine()) as connection:
        return list(connection.execute(query))


@pytest.mark.parametrize(
    ("database_url", "journal", "dies_at"),
    [
        *(("sqlite", True, step) for step in (2, 3, 5)),
        *(("sqlite", False, step) for step in (3, 4, 5)),
        ("postgresql", True, 2),
        ("postgresql", False, 4),
    ],
    indirect=["database_url"],
)
def test_a_recovery_that_is_killed_is_run_again(lived, tmp_path, journal, dies_at):
    world, _first, second = lived
    shown, _version = world.bits()
    leaves = world.log_size()
    world.lose()
    if not journal:
        world.lose_journal()
    world.restore(tmp_path / "old.backup")
    met = []

    def step(number):
        met.append(number)
        if number == dies_at and met.count(number) <= 1:
            raise Killed

    with pytest.raises(Killed):
        world.recover(step=step, accept_loss=not journal)
    with pytest.raises(RecoveryNeeded):
        world.start()
    assert not world.recover(accept_loss=not journal).level
    running = world.start()
    running.publish()
    assert world.bits()[0] == shown
    assert world.log_size() == leaves
    if journal:
        assert running.repeat(4).token == second[0].token
    running.publish()
    running.issue()
    running.publish()
    assert world.log_size() == leaves + 1


def test_the_old_backup_again_after_a_recovery(lived, tmp_path):
    world, _first, second = lived
    for _ in range(2):
        world.lose()
        world.restore(tmp_path / "old.backup")
        assert world.recover().complete
    running = world.start()
    running.publish()
    third = running.issue()
    running.publish()
    world.lose()
    world.restore(tmp_path / "old.backup")
    report = world.recover()
    assert report.complete
    assert report.position_after.startswith("4/")
    running = world.start()
    assert running.repeat(4).token == second[0].token
    assert running.repeat(8).token == third.token


def test_a_dry_run_changes_nothing(lived, tmp_path):
    world, _first, _second = lived
    world.lose()
    world.restore(tmp_path / "old.backup")
    before = world.content()
    report = world.recover(dry_run=True)
    assert report.replayed > 0
    assert world.content() == before
    assert "nothing was changed" in report.lines()[-1]


def test_a_database_without_any_backup_is_made_from_the_whole_journal(lived):
    world, _first, second = lived
    before = world.content(without=("lease", "journal_head"))
    world.lose()
    # The tables of the journal's first record were made by a migration: replay makes them too.
    report = world.recover()
    assert report.complete
    after = world.content(without=("lease", "journal_head"))
    assert {name for name in before if before[name] != after[name]} == {"status_list"}
    assert world.start().repeat(4).token == second[0].token


def test_a_journal_that_is_damaged_stops_until_the_loss_is_accepted(lived, tmp_path):
    world, _first, _second = lived
    shown, _version = world.bits()
    world.lose()
    world.restore(tmp_path / "old.backup")
    largest = max(world.settings.journal_folder.iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) * 9 // 10] ^= 4
    largest.write_bytes(data)
    with pytest.raises(RecoveryStopped, match="journal"):
        world.recover()
    report = world.recover(accept_loss=True)
    assert report.journal_fault
    running = world.start()
    running.publish()
    assert world.bits()[0] == shown


def test_journal_off_costs_only_the_replay(make_world, database_url, tmp_path):
    world = make_world(database_url, journal="off")
    running = world.start()
    running.issue()
    running.publish()
    world.backup(tmp_path / "one.backup")
    running.issue()
    running.publish()
    leaves = world.log_size()
    world.lose()
    world.restore(tmp_path / "one.backup")
    report = world.recover(accept_loss=True)
    assert len(report.certificates_lost) == 1
    running = world.start()
    running.publish()
    assert world.log_size() == leaves
    assert not (world.settings.home / "journal").exists()


def test_what_many_issued_at_once_is_done_again_in_order(world, tmp_path):
    world.backup(tmp_path / "one.backup")
    made, workers = [], [world.start() for _ in range(3)]

    def work(running, number):
        for step in range(5):
            issued = running.issue(f"many-{number}-{step}")
            made.append(issued.certificate_id)
            if step % 2:
                running.change(issued.certificate_id)

    threads = [
        threading.Thread(target=work, args=(running, number))
        for number, running in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    workers[0].publish()
    assert len(made) == 15
    before = world.content(without=("lease", "journal_head", "status_list"))
    world.lose()
    world.restore(tmp_path / "one.backup")
    assert world.recover().complete
    assert world.content(without=("lease", "journal_head", "status_list")) == before
