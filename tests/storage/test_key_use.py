"""What keys signed, by type, state, list and place in the log; since when keys are listed."""

import pytest

from certsvc.service.engine import reading, writing
from certsvc.storage.certificate_rows import State
from certsvc.storage.key_use import KeyListings, KeyUse, Tally
from certsvc.storage.tables import certificate, log_entry

OFFICE = "119999000000000198"


@pytest.fixture
def used(engine, add_plan):
    """Six certificates of one key: three in the log, one that waits, one revoked, one planned."""
    with writing(engine) as connection:
        ids = [add_plan(connection, number) for number in range(1, 7)]
        for place, one in enumerate(ids[:5]):
            state = "revoked" if place == 1 else "suspended" if place == 2 else "valid"
            connection.execute(
                certificate.update()
                .where(certificate.c.certificate_id == one)
                .values(state=state, plan=None, credential=b"x", list_no=1 + place // 3)
            )
            connection.execute(
                log_entry.insert().values(
                    issuer_id=OFFICE,
                    certificate_id=one,
                    seq=0,
                    leaf="{}",
                    leaf_hash=bytes([place]) * 32,
                    created_at=100 + place,
                    log_index=place if place < 4 else None,
                )
            )
    return ids


def test_tallies(engine, used):
    with reading(engine) as connection:
        use = KeyUse(connection)
        assert use.counts() == use.counts(OFFICE) == {"kid": 6}
        assert use.counts("nobody") == {}
        assert sorted(use.tallies(OFFICE, "kid"), key=str) == [
            Tally("business-licence", State.PLANNED, 1, 1),
            Tally("business-licence", State.REVOKED, 1, 1),
            Tally("business-licence", State.SUSPENDED, 1, 1),
            Tally("business-licence", State.VALID, 1, 1),
            Tally("business-licence", State.VALID, 2, 2),
        ]
        assert use.tallies(OFFICE, "other") == []
        assert use.live(OFFICE, "kid", limit=9) == [used[0], *used[2:5]]
        assert use.live(OFFICE, "kid", limit=1) == used[:1]


@pytest.mark.parametrize("cut", range(6))
def test_both_sides_of_a_line(engine, used, cut):
    with reading(engine) as connection:
        use = KeyUse(connection)
        before = use.placed(OFFICE, "kid", first=0, end=cut)
        behind = use.placed(OFFICE, "kid", first=cut, end=None)
        assert sum(before.values()) + sum(behind.values()) == 4
        live = [0, 2, 3]
        assert sum(before.values()) == len([place for place in live if place < cut])
        listed = [used[place] for place in live if place >= cut]
        assert use.behind(OFFICE, "kid", first=cut, limit=9) == sorted([*listed, used[4]])
        assert use.behind(OFFICE, "other", first=0, limit=9) == []


def test_how_long_the_log_was(engine, used):
    with reading(engine) as connection:
        use = KeyUse(connection)
        sizes = [use.log_size_at(moment, size=4) for moment in (0, 100, 101, 103, 104, 999)]
        assert sizes == [0, 0, 1, 3, 4, 4]
        assert use.log_size_at(999, size=0) == 0


def test_since_when_keys_are_listed(engine):
    with writing(engine) as connection:
        listings = KeyListings(connection)
        assert listings.note(OFFICE, {"a", "b"}, now=5)
        assert not listings.note(OFFICE, {"a", "b"}, now=6)
        assert listings.all(OFFICE) == {"a": 5, "b": 5}
        assert listings.note(OFFICE, {"b", "c"}, now=7)
        assert listings.note(OFFICE, {"a", "b", "c"}, now=8)
    with reading(engine) as connection:
        assert KeyListings(connection).all(OFFICE) == {"a": 8, "b": 5, "c": 7}
        assert KeyListings(connection).all("nobody") == {}
