"""`certsvc recover` killed (SIGKILL) anywhere: run again, it brings the database level (R20)."""

import secrets
import shutil

import pytest

from certsvc.restoring.backup import make_backup
from certsvc.restoring.errors import RecoveryNeeded
from certsvc.restoring.restore import restore
from certsvc.service.engine import make_engine

# Numbered steps: begun, a record of the journal, outside read, a list taken, all but the epoch.
JOURNAL = [1, 2, 3, 5]
OUTSIDE = [1, 3, 4, 5]
MOMENTS = ["open", "journaled", "kept"]


@pytest.fixture
def lived(nursery, tmp_path):
    """A world with a backup and a life after it, and its backup's file."""
    old = tmp_path / "old.backup"
    with nursery.heir() as one:
        service = one.service()
        ids = [service.issue(one.caller, one.request(n), f"a-{n}").certificate_id for n in range(3)]
        one.settle()
        make_backup(one.settings, one.engine, old, now=int(one.clock()), rng=secrets.token_bytes)
        ids += [
            service.issue(one.caller, one.request(n), f"b-{n}").certificate_id for n in range(3)
        ]
        nursery.states |= dict.fromkeys(ids, "valid")
        for number, operation in ((0, "revoke"), (1, "suspend"), (3, "revoke")):
            view = service.change_status(one.caller, ids[number], operation)
            nursery.states[ids[number]] = view.state
        one.settle()
        nursery.hold(one)
    return nursery, old


def put_back(nursery, old, lose):
    """The database is lost, and an old backup stands in its place."""
    settings = nursery.settings
    lose(settings.database_url)
    engine = make_engine(settings.database_url)
    restore(settings, engine, old, now=int(nursery.now))
    engine.dispose()
    refused(nursery)


def refused(nursery):
    with pytest.raises(RecoveryNeeded), nursery.heir():
        pass


def check(nursery, *, also=""):
    with nursery.heir() as one:
        one.settle()
        # The same request again is the same certificate, not another one.
        for number in range(3):
            again = one.service().issue(one.caller, one.request(number), f"b-{number}")
            assert again.replayed
            assert nursery.states[again.certificate_id]
        if also:
            made = one.service().issue(one.caller, one.request(0), also)
            nursery.states[made.certificate_id] = "valid"
            one.settle()
        nursery.hold(one)


def test_with_the_journal(lived, lose_database, large):
    nursery, old = lived
    deaths = [["step", number] for number in JOURNAL]
    deaths += [
        ["commit", number, moment] for number, moment in zip((1, 2, 5), MOMENTS, strict=True)
    ]
    if large:
        deaths += [["commit", number, moment] for number in range(1, 25) for moment in MOMENTS]
    for number, die in enumerate(deaths):
        put_back(nursery, old, lose_database)
        assert nursery.live("recover", accept_loss=False, die=die)[0], die
        if die[0] == "step":
            refused(nursery)
        killed, replayed = nursery.live("recover", accept_loss=False)
        assert not killed
        assert replayed is not None
        check(nursery, also=f"after-{number}" if number % 3 == 0 else "")
    nursery.sound()


def test_without_the_journal(lived, lose_database, large):
    """Only what is published tells of the lost time: nothing of it is contradicted."""
    nursery, old = lived
    deaths = [["step", number] for number in OUTSIDE] if large else [["step", 4], ["step", 5]]
    deaths += [["commit", 2, moment] for moment in (MOMENTS if large else ["journaled"])]
    for die in deaths:
        shutil.rmtree(nursery.settings.journal_folder)
        put_back(nursery, old, lose_database)
        assert nursery.live("recover", accept_loss=True, die=die)[0], die
        refused(nursery)
        assert not nursery.live("recover", accept_loss=True)[0]
        before = dict(nursery.reader.bits)
        with nursery.heir() as one:
            one.settle()
            nursery.reader.look(one.keys)
            assert nursery.reader.bits == before
    nursery.sound()
