"""The same request again, after the world has changed (threats T57, T58)."""

from dataclasses import replace

import pytest

from certsvc.issuing import errors
from certsvc.issuing.model import IssueRequest, SupersedeRequest
from certsvc.service.engine import writing
from certsvc.storage.status_lists import StatusLists
from keys import State

MARKET = "119999000000000198"


def test_a_request_is_answered_again_whatever_became_of_key_right_and_certificate(world, licence):
    first = world.service.issue(world.caller(), licence(), "key-1")
    request = SupersedeRequest(claims=licence(0, domicile="示例路 2 号").claims)
    second = world.service.supersede(world.caller(), first.certificate_id, request, "key-1")
    world.service.change_status(world.caller(), second.certificate_id, "revoke")
    for key in world.keys.list(MARKET):
        world.keys.set_state(MARKET, key.kid, State.RETIRED, now=world.clock.now)
    world.set_record(replace(world.records[MARKET], rights=()))
    world.clock.now += 10 * 365 * 86_400
    assert world.service.issue(world.caller(), licence(), "key-1") == first
    again = world.service.supersede(world.caller(), first.certificate_id, request, "key-1")
    assert (again, again.replayed) == (second, True)
    assert world.counts()["certificate"] == 2


def test_a_refused_request_leaves_its_key_free(world, licence):
    with pytest.raises(errors.ClaimsInvalid):
        world.service.issue(world.caller(), licence(0, name=""), "key-1")
    assert not world.service.issue(world.caller(), licence(), "key-1").replayed


def test_equal_json_is_the_same_request(world, licence):
    issued = world.service.issue(world.caller(), licence(), "key-1")
    claims = licence().claims
    turned = IssueRequest(type="business-licence", claims=dict(reversed(claims.items())))
    assert world.service.issue(world.caller(), turned, "key-1") == issued
    # Another text is another request, even if it would look the same on the certificate.
    padded = licence(0, name=f"{claims['name']} ")
    with pytest.raises(errors.IdempotencyKeyReused):
        world.service.issue(world.caller(), padded, "key-1")


def test_a_small_list_is_used_up_to_its_last_place(world, licence):
    """Every place once; then requests wait for the next list's publication."""
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE status_list SET size = 7")
    made = [world.service.issue(world.caller(), licence(n), f"key-{n}") for n in range(7)]
    assert sorted(one.list_index for one in made) == list(range(7))
    for _ in range(2):
        with pytest.raises(errors.StatusListUnpublished):
            world.service.issue(world.caller(), licence(7), "key-7")
    with writing(world.engine) as connection:
        lists = StatusLists(connection).all(MARKET)
        assert [(one.list_no, one.used) for one in lists] == [(1, 7), (2, 0)]
        StatusLists(connection).mark_published(MARKET, 2, 1, now=world.clock.now)
    assert world.service.issue(world.caller(), licence(7), "key-7").list_no == 2
    # A full list still shows what becomes of its certificates.
    world.service.change_status(world.caller(), made[0].certificate_id, "revoke")
    with writing(world.engine) as connection:
        bits, version = StatusLists(connection).snapshot(MARKET, 1)
    assert (bits.get(made[0].list_index), version) == (1, 2)
