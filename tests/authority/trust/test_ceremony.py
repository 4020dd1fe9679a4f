"""Two-person signing: requests carried out and back, thresholds, and what is refused (T49)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Targets

from certsvc.authority import trust_rights, trust_work
from certsvc.authority.records import Outcome, latest_record, publish_issuer, stored_record
from certsvc.authority.trust_errors import (
    ChangeRefused,
    KeyNotInRole,
    NothingStaged,
    RequestExpired,
    RequestMalformed,
    RequestRefused,
    RequestStale,
    RightTooSoon,
)
from certsvc.authority.trust_publishing import publish_staged
from certsvc.authority.trust_request import read_request
from certsvc.authority.trust_signing import examine, sign_request
from certsvc.authority.trust_staging import Staging
from certsvc.authority.trust_status import trust_status
from certsvc.authority.trust_words import words_of
from certsvc.authority.trust_work import RootChange
from certsvc.publishing.errors import RoleRefused, TrustExists
from certsvc_sdk.trust import About, Environment, Right
from keys import State

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
PROVINCE = "113300000000000198"
CITY = "113301000000000198"

Make = Callable[..., Any]


def right(division: str = "330000", begins: int = NOW + 2 * DAY) -> Right:
    return Right(vct=f"{BASE}vct/household-register", division=division, not_before=begins)


def test_two_of_three_begin_in_parallel(world: Any) -> None:
    about = About(env=Environment.DEMO, base=BASE)
    who = world.holders("abc", 2)
    change = trust_work.begin(world.authority, about, who, who, now=NOW)
    assert change.roles == ("root", "targets")
    first, second = world.signed("a"), world.signed("c")
    assert not publish_staged(world.authority, [first], now=NOW).published
    assert not world.authority.trust.initialised
    result = publish_staged(world.authority, [second], now=NOW)
    assert result.published == ("root", "targets")
    assert world.reader().refresh().get_targetinfo("about.json") is not None
    assert not Staging(world.authority.settings.home).path.exists()
    assert world.authority.settings.trust_root.is_file()
    with pytest.raises(TrustExists):
        trust_work.begin(world.authority, about, who, who, now=NOW)
    with pytest.raises(NothingStaged):
        publish_staged(world.authority, [], now=NOW)


def test_the_same_key_twice_counts_once(begun: Any) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    once = begun.signed("ap")
    twice = begun.signed("a", once)
    result = publish_staged(begun.authority, [once, twice], now=NOW)
    assert not result.published
    assert {each.role: len(each.signed) for each in result.waiting} == {"targets": 1, "33": 1}
    with pytest.raises(RoleRefused):
        begun.holders("pp", 2).checked()
    assert publish_staged(begun.authority, [begun.signed("b", once)], now=NOW).published


def test_one_signature_below_the_threshold_is_refused_by_readers(begun: Any) -> None:
    """What one officer alone can make, put into the tree by force."""
    reader = begun.reader()
    reader.refresh()
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    text = begun.signed("a").parts["targets"]
    files = begun.authority.trust.files
    files.write({"trust/metadata/2.targets.json": text.encode()})
    edition = begun.authority.trust.edition()
    edition.drafts["targets"] = Metadata[Targets].from_bytes(text.encode())
    assert not edition.is_signed("targets", edition.drafts["targets"])
    assert reader.refresh().get_targetinfo("issuers/330000/x.json") is None


def test_a_key_outside_the_role_is_refused(begun: Any) -> None:
    begun.officer("x")
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    with pytest.raises(KeyNotInRole):
        begun.signed("x")
    ours, other = begun.request(), begun.signed("a")
    part = json.loads(other.parts["targets"])
    part["signatures"][0]["keyid"] = "0" * 64
    forged = replace(
        ours, parts={"targets": json.dumps(part, separators=(",", ":"), sort_keys=True)}
    )
    with pytest.raises(KeyNotInRole):
        publish_staged(begun.authority, [forged], now=NOW)
    part["signatures"] = json.loads(other.parts["targets"])["signatures"]
    part["signatures"][0]["sig"] = "00" * 64
    forged = replace(
        ours, parts={"targets": json.dumps(part, separators=(",", ":"), sort_keys=True)}
    )
    with pytest.raises(RequestRefused):
        publish_staged(begun.authority, [forged], now=NOW)


def compact(part: Any) -> str:
    return json.dumps(part, separators=(",", ":"), sort_keys=True)


def test_a_stale_request_is_refused(begun: Any) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    old = begun.signed("abp")
    trust_work.delegate(begun.authority, "34", begun.holders("q"), now=NOW)
    with pytest.raises(RequestStale):
        publish_staged(begun.authority, [old], now=NOW)
    assert begun.sign_and_publish("abpq").published == ("33", "34", "targets")
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    with pytest.raises(RequestStale):
        publish_staged(begun.authority, [old], now=NOW)


def test_what_waits_is_stale_once_another_version_is_out(begun: Any) -> None:
    staging = Staging(begun.authority.settings.home)
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    mine = staging.path.read_bytes()
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    begun.sign_and_publish("abp")
    staging.save(read_request(mine))
    with pytest.raises(RequestStale):
        begun.sign_and_publish("ab")


def test_a_broken_off_publication_is_finished_by_the_same_call(begun: Any) -> None:
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    signed = begun.signed("ab")
    staging = Staging(begun.authority.settings.home)
    publish_staged(begun.authority, [signed], now=NOW)
    staging.save(signed)  # as a crash before the last step leaves it
    result = publish_staged(begun.authority, [signed], now=NOW)
    assert result.published == ("targets",)
    assert not staging.path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"words": {"targets": (("续期", "renewal"),)}},
        {"made_at": NOW + 2 * DAY},
        {"roots": ()},
        {"published": {}},
        {"parts": {}},
    ],
    ids=["words", "moment", "no roots", "no base", "nothing"],
)
def test_a_request_that_is_not_what_it_says(begun: Any, change: dict[str, Any]) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    trust_work.delegate(begun.authority, "33-own", begun.holders("q"), now=NOW)
    begun.sign_and_publish("abpq")
    begun.add(PROVINCE, "business-licence")
    request = begun.request()
    assert examine(request, now=NOW)
    wrong = replace(request, **change)
    with pytest.raises((RequestRefused, RequestMalformed)):
        sign_request(wrong, begun.officers["q"], now=NOW)


def altered_part(request: Any, alter: Callable[[Any], None]) -> Any:
    """A request whose words fit an altered part, as a hostile preparer would write it."""
    metadata = Metadata[Targets].from_bytes(request.parts["targets"].encode())
    alter(metadata.signed)
    metadata.signatures.clear()
    before = Metadata[Targets].from_bytes(request.published["targets"].encode()).signed
    words = words_of("targets", before, metadata.signed, request.records, made_at=request.made_at)
    return replace(
        request, parts={"targets": metadata.to_bytes().decode()}, words={"targets": words}
    )


def leap(signed: Any) -> None:
    signed.version = 2**53 - 1


def hide(signed: Any) -> None:
    signed.unrecognized_fields["x"] = 1


def widen(signed: Any) -> None:
    signed.delegations.roles["33"].paths.append("issuers/44*/*")


def double(signed: Any) -> None:
    """The same key under a second id: it would count twice."""
    (keyid,) = signed.delegations.roles["33"].keyids
    key = signed.delegations.keys[keyid]
    signed.delegations.keys["f" * 64] = type(key)(
        "f" * 64, key.keytype, key.scheme, dict(key.keyval)
    )
    signed.delegations.roles["33"].keyids.append("f" * 64)
    signed.delegations.roles["33"].threshold = 2


def forever(signed: Any) -> None:
    signed.expires = signed.expires.replace(year=signed.expires.year + 5)


@pytest.mark.parametrize("alter", [leap, hide, widen, double, forever])
def test_what_no_tool_of_ours_writes_is_not_signed(begun: Any, alter: Any) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    begun.sign_and_publish("abp")
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    request = begun.request()
    assert examine(altered_part(request, lambda _: None), now=NOW)
    with pytest.raises(RequestRefused):
        sign_request(altered_part(request, alter), begun.officers["a"], now=NOW)


def test_an_expired_request_is_refused(begun: Any) -> None:
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    with pytest.raises(RequestExpired):
        begun.signed("a", now=NOW + 366 * DAY)


def test_another_root_than_the_pinned_one(begun: Any, make_world: Any) -> None:
    other = make_world("other")
    other.begin()
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    root = other.authority.trust.root()
    with pytest.raises(RequestRefused):
        sign_request(begun.request(), begun.officers["a"], now=NOW, root=root)


def test_bytes_that_are_no_request(begun: Any) -> None:
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    good = begun.request().to_bytes()
    for bad in (b"", b"{}", good + b"\n", good.replace(b'"at_once":false', b'"at_once": false')):
        with pytest.raises(RequestMalformed):
            read_request(bad)


# What an officer reads


def test_words_say_what_changes(begun: Any) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("pq", 2), now=NOW)
    said = " ".join(zh + en for zh, en in begun.request().words["targets"])
    assert "issuers/33*/*" in said
    assert "须 2 人签字" in said
    assert "2 of 2 keys must sign" in said
    begun.sign_and_publish("abpq")
    trust_work.delegate(begun.authority, "33-own", begun.holders("p"), now=NOW)
    begun.sign_and_publish("pq")
    begun.add(PROVINCE, "business-licence")
    said = " ".join(zh + en for zh, en in begun.request().words["33-own"])
    assert "示例机关" in said
    assert "vct/business-licence" in said
    assert "without public delay" not in said


# Rights


@pytest.fixture
def province(begun: Any) -> Any:
    """Province 33; its own offices are signed by officer p."""
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    trust_work.delegate(begun.authority, "33-own", begun.holders("p"), now=NOW)
    begun.sign_and_publish("abp")
    assert begun.add(PROVINCE, "business-licence").outcome is Outcome.STAGED
    assert begun.reader().record(PROVINCE) is None
    begun.sign_and_publish("p")
    return begun


def test_rights_are_public_for_a_day(province: Any) -> None:
    soon = right(begins=NOW + DAY - 1)
    with pytest.raises(RightTooSoon):
        trust_rights.grant(province.authority, PROVINCE, soon, now=NOW)
    trust_rights.grant(province.authority, PROVINCE, right(), now=NOW)
    # Signed in time, brought back too late.
    with pytest.raises(RightTooSoon):
        province.sign_and_publish("p", now=NOW + 2 * DAY - 60)
    assert len(province.reader().record(PROVINCE).rights) == 1
    province.sign_and_publish("p", now=NOW + 3600)
    assert len(province.reader().record(PROVINCE, now=NOW + 3600).rights) == 2


def test_at_once_is_said(province: Any) -> None:
    now_right = right(begins=NOW)
    trust_rights.grant(province.authority, PROVINCE, now_right, now=NOW, at_once=True)
    said = " ".join(en for _, en in province.request().words["33-own"])
    assert "without public delay" in said
    province.sign_and_publish("p")
    assert now_right in province.reader().record(PROVINCE).rights


def test_a_right_ends_at_once(province: Any) -> None:
    later = NOW + 10 * DAY
    vct = f"{BASE}vct/business-licence"
    trust_rights.revoke_right(province.authority, PROVINCE, vct, division=None, now=later)
    province.sign_and_publish("p", now=later)
    (left,) = province.reader().record(PROVINCE, now=NOW + DAY // 2).rights
    assert left.not_after == later
    with pytest.raises(ChangeRefused):
        trust_rights.revoke_right(province.authority, PROVINCE, vct, division=None, now=later + 1)
    trust_rights.revoke_right(
        province.authority, PROVINCE, vct, division=None, now=later + 1, erase=True
    )
    province.sign_and_publish("p", now=later + 1)
    assert province.reader().record(PROVINCE, now=NOW + DAY // 2).rights == ()


def test_a_right_elsewhere_is_refused(province: Any) -> None:
    with pytest.raises(ChangeRefused):
        trust_rights.grant(province.authority, PROVINCE, right("440000"), now=NOW)


def test_the_database_learns_of_a_record_with_its_publication(province: Any) -> None:
    trust_rights.grant(province.authority, PROVINCE, right(), now=NOW)
    assert len(latest_record(province.authority, PROVINCE).rights) == 2
    assert len(stored_record(province.authority, PROVINCE).rights) == 1
    # A second change builds on the first, which waits.
    publish_issuer(province.authority, PROVINCE, now=NOW, mirrors=("https://mirror.example/",))
    province.sign_and_publish("p")
    record = stored_record(province.authority, PROVINCE)
    assert (len(record.rights), len(record.mirrors)) == (2, 1)
    assert province.reader().record(PROVINCE) == record


# Roots


def test_root_keys_change_with_both_thresholds(begun: Any) -> None:
    reader = begun.reader()
    reader.refresh()
    change = RootChange(root=begun.holders("cde", 2))
    trust_work.rotate_root(begun.authority, change, now=NOW)
    assert not begun.sign_and_publish("de").published  # the new keys alone
    assert not begun.sign_and_publish("a").published  # one of the old
    assert begun.sign_and_publish("b").published == ("root",)
    reader.refresh()
    trust_work.rotate_root(begun.authority, RootChange(), now=NOW + 300 * DAY)
    with pytest.raises(KeyNotInRole):
        begun.signed("a", now=NOW + 300 * DAY)
    assert begun.sign_and_publish("cd", now=NOW + 300 * DAY).published == ("root",)


def test_targets_go_to_other_officers(begun: Any) -> None:
    reader = begun.reader()
    reader.refresh()
    change = RootChange(targets=begun.holders("xy", 2))
    trust_work.rotate_root(begun.authority, change, now=NOW)
    result = begun.sign_and_publish("ab")
    assert not result.published
    assert {each.role: each.behind for each in result.waiting} == {
        "root": "targets",
        "targets": "targets",
    }
    assert begun.sign_and_publish("xy").published == ("root", "targets")
    assert reader.refresh().get_targetinfo("about.json") is not None


def test_status_shows_who_is_missing(begun: Any) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    publish_staged(begun.authority, [begun.signed("a")], now=NOW)
    status = trust_status(begun.authority, now=NOW)
    lines = "\n".join(status.lines())
    assert "targets v2  1/2" in lines
    assert "b (" in lines
    assert json.dumps(status.to_json())
    late = trust_status(begun.authority, now=NOW + 340 * DAY)
    assert {each.name for each in late.roles if each.warns} == {
        "root",
        "targets",
        "snapshot",
        "timestamp",
    }


def test_resign_leaves_officers_roles_alone(province: Any) -> None:
    trust = province.authority.trust
    later = NOW + 300 * DAY
    assert trust.resign(later)
    assert province.reader().record(PROVINCE, now=later) is not None
    names = {path.name for path in (province.authority.tree.root / "trust/metadata").iterdir()}
    assert {"2.33-own.json", "2.targets.json"} <= names
    assert not {"3.33-own.json", "3.targets.json", "2.33.json", "2.root.json"} & names


def test_an_officer_whose_key_is_retired_cannot_sign(begun: Any) -> None:
    trust_work.renew(begun.authority, ["targets"], now=NOW)
    store = begun.officers["a"]
    (key,) = store.list("trust")
    store.set_state("trust", key.kid, State.RETIRED, now=NOW)
    with pytest.raises(KeyNotInRole):
        begun.signed("a")
