"""The live repository: what is fetched, what is refused, and what stays believed meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Targets

from certsvc_sdk.errors import FetchFailed, TrustInvalid, TrustUnavailable
from certsvc_sdk.trust import Environment, TrustRepository

DAY = 86_400
URL = "https://certs.example/trust/"
TIMESTAMP = URL + "metadata/timestamp.json"


def test_first_refresh_knows_the_repository_but_no_issuer(
    trust: TrustRepository, now: int, iss: str
) -> None:
    view = trust.refresh(now)
    assert (view.as_of, view.expires, view.version) == (now, now + DAY, 1)
    assert view.env is Environment.DEMO
    assert view.base == "https://certs.example/"
    assert (trust.verified_at, trust.expires) == (now, now + DAY)
    with pytest.raises(TrustUnavailable):
        view.record(iss)


def test_wanted_record_is_fetched(trust: TrustRepository, now: int, iss: str) -> None:
    record = trust.record(iss, now=now)
    assert record is not None
    assert record.iss == iss
    assert trust.view().record(iss) == record


def test_nothing_was_ever_fetched(trust: TrustRepository, iss: str) -> None:
    for ask in (trust.view, lambda: trust.record(iss), lambda: trust.target("about.json")):
        with pytest.raises(TrustUnavailable):
            ask()
    with pytest.raises(TrustUnavailable):
        _ = trust.expires
    with pytest.raises(TrustUnavailable):
        _ = trust.verified_at


@pytest.mark.parametrize(
    "iss",
    [
        "https://certs.example/i/119999000000000273",  # division known, office not
        "https://certs.example/i/113301060000000198",  # division not delegated
        "https://evil.example/i/119999000000000198",  # same code, other host
        "https://certs.example/i/nonsense",
        "",
    ],
)
def test_not_in_the_list(trust: TrustRepository, now: int, iss: str) -> None:
    trust.refresh(now)
    assert trust.record(iss, now=now) is None
    assert trust.record(iss) is None


def test_no_list_holds_a_malformed_identifier(trust: TrustRepository) -> None:
    assert trust.record("nonsense") is None


def test_unlisted_issuer_costs_no_fetch_again(trust: TrustRepository, sim: Any, now: int) -> None:
    unlisted = "https://certs.example/i/113301060000000198"
    assert trust.record(unlisted, now=now) is None
    asked = len(sim.mirror.asked)
    assert trust.record(unlisted, now=now) is None
    assert len(sim.mirror.asked) == asked


def test_known_records_follow_a_change(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, iss: str
) -> None:
    trust.record(iss, now=now)
    path = "issuers/999900/119999000000000198.json"
    sim.put("999900", path, record_bytes(level="county"))
    sim.publish(now + 60)
    view = trust.refresh(now + 60)
    assert view.version == 2
    record = view.record(iss)
    assert record is not None
    assert record.level == "county"


def test_withdrawn_record_is_gone(trust: TrustRepository, sim: Any, now: int, iss: str) -> None:
    trust.record(iss, now=now)
    del sim.roles["999900"].targets["issuers/999900/119999000000000198.json"]
    sim.publish(now + 60)
    assert trust.refresh(now + 60).record(iss) is None


def test_unchanged_record_is_not_fetched_again(
    trust: TrustRepository, sim: Any, now: int, iss: str
) -> None:
    trust.record(iss, now=now)
    sim.publish(now + 60)
    sim.mirror.asked.clear()
    trust.refresh(now + 60)
    assert not [url for url in sim.mirror.asked if "/targets/issuers/" in url]


def test_prefetch_knows_every_issuer(trust: TrustRepository, sim: Any, now: int) -> None:
    sim.delegate("country", "issuers/*/*", terminating=False)
    sim.publish(now + 1)
    view = trust.prefetch(now + 1)
    assert [record.uscc for record in view.issuers()] == [
        "11999800000000019X",
        "119999000000000198",
    ]


def test_prefetch_passes_over_a_broken_division(trust: TrustRepository, sim: Any, now: int) -> None:
    del sim.mirror.files[URL + "metadata/1.999800.json"]
    view = trust.prefetch(now)
    assert [record.division for record in view.issuers()] == ["999900"]


def test_target_is_read(trust: TrustRepository, sim: Any, now: int) -> None:
    sim.put(None, "dictionaries/9.bin", b"words")
    sim.publish(now + 1)
    assert trust.target("dictionaries/9.bin", now=now + 1) == b"words"
    assert trust.target("dictionaries/8.bin", now=now + 1) is None


def test_own_clock_is_the_argument(trust: TrustRepository, now: int) -> None:
    with pytest.raises(TrustInvalid, match="expired"):
        trust.refresh(now + DAY)


# Attacks on the line


def test_rollback_of_timestamp_is_refused(
    trust: TrustRepository, sim: Any, now: int, iss: str
) -> None:
    old = sim.freeze()
    sim.publish(now + 60)
    trust.record(iss, now=now + 60)
    sim.mirror.files = old
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 120)
    assert trust.view().version == 2
    assert trust.record(iss) is not None


def test_rollback_is_refused_by_another_process_too(
    open_trust: Callable[..., TrustRepository], sim: Any, now: int
) -> None:
    old = sim.freeze()
    sim.publish(now + 60)
    open_trust().refresh(now + 60)
    sim.mirror.files = old
    with pytest.raises(TrustInvalid):
        open_trust().refresh(now + 120)


def test_rollback_of_one_role_is_refused(trust: TrustRepository, sim: Any, now: int) -> None:
    old = sim.copy_of(sim.targets)
    old.version = 1
    sim.publish(now + 60)
    trust.refresh(now + 60)
    # A new snapshot, properly signed, that names the targets of the day before.
    old.expires = sim.targets.expires
    sim.snapshot.meta["targets.json"] = sim.write("targets", old)
    sim.publish_snapshot()
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 120)


def test_freeze_shows_in_the_age(trust: TrustRepository, now: int, iss: str) -> None:
    trust.record(iss, now=now)
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 2 * DAY)
    view = trust.view()
    assert view.as_of == now
    assert view.expires == now + DAY
    assert view.record(iss) is not None


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_mix_and_match_is_refused(trust: TrustRepository, sim: Any, now: int, role: str) -> None:
    trust.refresh(now)
    sim.publish(now + 60)
    # Yesterday's signed file under today's name.
    sim.mirror.files[f"{URL}metadata/2.{role}.json"] = sim.mirror.files[
        f"{URL}metadata/1.{role}.json"
    ]
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 60)
    assert trust.view().version == 1


def test_record_of_yesterday_under_todays_name(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, iss: str
) -> None:
    trust.record(iss, now=now)
    path = "issuers/999900/119999000000000198.json"
    url = sim.put("999900", path, record_bytes(level="county"))
    sim.mirror.files[url] = record_bytes()
    sim.publish(now + 60)
    view = trust.refresh(now + 60)
    with pytest.raises(TrustUnavailable):
        view.record(iss)


def test_division_cannot_list_another_divisions_office(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, other_iss: str
) -> None:
    path = "issuers/999800/11999800000000019X.json"
    del sim.roles["999800"].targets[path]
    sim.put("999900", path, record_bytes("11999800000000019X"))
    sim.publish(now + 60)
    assert trust.record(other_iss, now=now + 60) is None


def test_division_cannot_sign_for_another_division(
    trust: TrustRepository, sim: Any, now: int, iss: str, other_iss: str
) -> None:
    sim.signers["999800"] = sim.signers["999900"]
    sim.publish(now + 60)
    with pytest.raises(TrustUnavailable):
        trust.record(other_iss, now=now + 60)
    assert trust.record(iss, now=now + 60) is not None


def test_division_cannot_speak_for_another_office(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, iss: str
) -> None:
    foreign = record_bytes("11999800000000019X", aliases=[iss])
    sim.put("999900", "issuers/999900/119999000000000198.json", foreign)
    sim.publish(now + 60)
    with pytest.raises(TrustUnavailable, match="another office"):
        trust.record(iss, now=now + 60)


def test_delegated_key_cannot_sign_targets(trust: TrustRepository, sim: Any, now: int) -> None:
    sim.signers["targets"] = sim.signers["999900"]
    sim.publish(now + 60)
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 60)


def test_lapsed_division_does_not_stop_the_others(
    trust: TrustRepository, sim: Any, now: int, iss: str, other_iss: str
) -> None:
    trust.prefetch(now)
    later = now + 89 * DAY
    sim.publish(later)
    sim.roles["999800"].expires = sim.roles["999900"].expires.replace(year=2000)
    sim.roles["999800"].version += 1
    sim.snapshot.meta["999800.json"] = sim.write("999800", sim.roles["999800"])
    sim.snapshot.version += 1
    sim.timestamp.version += 1
    sim.publish_snapshot()
    view = trust.refresh(later)
    assert view.record(iss) is not None
    with pytest.raises(TrustUnavailable):
        view.record(other_iss)


def test_threshold_counts_different_keys(
    open_trust: Callable[..., TrustRepository], sim: Any, now: int
) -> None:
    sim.add_key("timestamp")
    sim.root.roles["timestamp"].threshold = 2
    sim.root.version = 1
    pinned = sim.publish_root()
    sim.publish(now)
    assert open_trust(root=pinned).refresh(now).as_of == now

    one, two = sim.signers["timestamp"]
    for signers in ([one], [one, one]):
        sim.timestamp.version += 1
        data = sim.sign("timestamp", sim.timestamp, signers)
        sim.mirror.files[TIMESTAMP] = data
        with pytest.raises(TrustInvalid):
            open_trust(root=pinned).refresh(now)
    # The same signature under a second key id, made up, counts for nothing.
    metadata = Metadata.from_bytes(sim.sign("timestamp", sim.timestamp, [one]))
    forged = metadata.signatures[one.public_key.keyid]
    forged.keyid = two.public_key.keyid
    metadata.signatures[two.public_key.keyid] = forged
    sim.mirror.files[TIMESTAMP] = metadata.to_bytes()
    with pytest.raises(TrustInvalid):
        open_trust(root=pinned).refresh(now)


@pytest.mark.parametrize(
    "name", ["timestamp.json", "1.snapshot.json", "1.targets.json", "2.root.json"]
)
def test_endless_metadata_is_cut(trust: TrustRepository, sim: Any, now: int, name: str) -> None:
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 4096
            yield b"0" * 4096

    sim.mirror.faults[URL + "metadata/" + name] = endless
    with pytest.raises(TrustUnavailable):
        trust.refresh(now)
    assert given <= 520_000


def test_endless_record_is_cut(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, iss: str
) -> None:
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1024
            yield b" " * 1024

    url = sim.put("999900", "issuers/999900/119999000000000198.json", record_bytes())
    sim.mirror.faults[url] = endless
    with pytest.raises(TrustUnavailable):
        trust.record(iss, now=now)
    assert given <= len(record_bytes()) + 1024


def test_record_that_claims_to_be_huge_is_passed_over(
    trust: TrustRepository, sim: Any, now: int, iss: str
) -> None:
    sim.roles["999900"].targets["issuers/999900/119999000000000198.json"].length = 10**9
    sim.publish(now + 1)
    with pytest.raises(TrustUnavailable):
        trust.record(iss, now=now + 1)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'{"signed":{"_type":"timestamp"}}', b"[" * 10_000]
)
def test_garbage_is_refused(trust: TrustRepository, sim: Any, now: int, data: bytes) -> None:
    trust.refresh(now)
    sim.mirror.files[TIMESTAMP] = data
    with pytest.raises(TrustInvalid):
        trust.refresh(now)
    assert trust.view().as_of == now


# The line itself


def test_line_down_keeps_the_cache(trust: TrustRepository, sim: Any, now: int, iss: str) -> None:
    trust.record(iss, now=now)
    sim.mirror.down = True
    with pytest.raises(TrustUnavailable):
        trust.refresh(now + 60)
    assert trust.view().as_of == now
    assert trust.record(iss) is not None


def test_line_lost_midway_changes_nothing(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, iss: str
) -> None:
    trust.record(iss, now=now)
    url = sim.put("999900", "issuers/999900/119999000000000198.json", record_bytes(level="county"))
    sim.publish(now + 60)
    sim.mirror.answer(url, 503)
    with pytest.raises(TrustUnavailable):
        trust.refresh(now + 60)
    record = trust.record(iss)
    assert record is not None
    assert record.level == "city"
    sim.mirror.faults.clear()
    record = trust.refresh(now + 60).record(iss)
    assert record is not None
    assert record.level == "county"


def test_fetcher_that_breaks_while_reading(trust: TrustRepository, sim: Any, now: int) -> None:
    def broken() -> Iterator[bytes]:
        yield b"{"
        raise FetchFailed("time is over")

    sim.mirror.faults[TIMESTAMP] = broken
    with pytest.raises(TrustUnavailable):
        trust.refresh(now)


def test_missing_record_file(trust: TrustRepository, sim: Any, now: int, iss: str) -> None:
    for url in [url for url in sim.mirror.files if "/targets/issuers/999900/" in url]:
        sim.mirror.answer(url, 404)
    with pytest.raises(TrustUnavailable):
        trust.record(iss, now=now)
    assert trust.view().as_of == now


def test_offline_repository_does_not_fetch(
    open_trust: Callable[..., TrustRepository], now: int
) -> None:
    offline = open_trust(fetcher=None)
    for ask in (offline.refresh, offline.prefetch):
        with pytest.raises(TrustUnavailable):
            ask(now)


def test_cache_that_cannot_be_written(
    open_trust: Callable[..., TrustRepository], tmp_path: Path, now: int
) -> None:
    (tmp_path / "file").write_bytes(b"")
    blocked = open_trust(metadata_dir=tmp_path / "file" / "metadata")
    with pytest.raises(TrustUnavailable):
        blocked.refresh(now)


# Roots


def test_root_rotation_is_followed(
    open_trust: Callable[..., TrustRepository], sim: Any, now: int, iss: str
) -> None:
    open_trust().refresh(now)
    sim.next_root(keys=["root", "timestamp"])
    sim.next_root(keys=["snapshot"])
    sim.publish(now + 60)
    assert open_trust().record(iss, now=now + 60) is not None
    assert open_trust(fetcher=None).record(iss) is not None


def test_root_signed_by_a_stranger_is_refused(trust: TrustRepository, sim: Any, now: int) -> None:
    trust.refresh(now)
    sim.root.version = 2
    sim.replace_key("root")
    sim.publish_root()
    with pytest.raises(TrustInvalid):
        trust.refresh(now)


def test_fast_forward_is_cured_by_a_new_key(trust: TrustRepository, sim: Any, now: int) -> None:
    honest = sim.timestamp.version
    sim.timestamp.version = 2**40
    sim.publish(now + 60)
    trust.refresh(now + 60)
    sim.timestamp.version = honest
    sim.snapshot.version += 1
    sim.publish_snapshot()
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 61)
    sim.next_root(keys=["timestamp"])
    sim.publish_snapshot()
    assert trust.refresh(now + 62).version == honest


def test_pinned_root_of_another_world(
    open_trust: Callable[..., TrustRepository], sim: Any, now: int, iss: str
) -> None:
    open_trust().record(iss, now=now)
    stranger = type(sim)(now)
    foreign = open_trust(root=stranger.pinned)
    with pytest.raises(TrustUnavailable):
        foreign.view()
    with pytest.raises(TrustInvalid):
        foreign.refresh(now)


@pytest.mark.parametrize("root", [b"", b"{}", b"not a root"])
def test_pinned_root_is_garbage(
    open_trust: Callable[..., TrustRepository], now: int, root: bytes
) -> None:
    with pytest.raises(TrustInvalid):
        open_trust(root=root).refresh(now)


# What the repository says of itself and of issuers


def test_repository_without_about(trust: TrustRepository, sim: Any, now: int) -> None:
    del sim.targets.targets["about.json"]
    sim.publish(now + 1)
    with pytest.raises(TrustInvalid):
        trust.refresh(now + 1)


def test_repository_with_unknown_about(
    trust: TrustRepository, sim: Any, make_about: Callable[..., bytes], now: int
) -> None:
    sim.put(None, "about.json", make_about(version=2))
    sim.publish(now + 1)
    with pytest.raises(TrustUnavailable):
        trust.refresh(now + 1)


def test_plain_http_needs_a_demonstration(
    trust: TrustRepository,
    sim: Any,
    record_bytes: Callable[..., bytes],
    make_about: Callable[..., bytes],
    now: int,
) -> None:
    local = "http://127.0.0.1:8000"
    iss = f"{local}/i/119999000000000198"
    sim.put("999900", "issuers/999900/119999000000000198.json", record_bytes(host=local))
    sim.publish(now + 1)
    assert trust.record(iss, now=now + 1) is not None
    sim.put(None, "about.json", make_about("production"))
    sim.publish(now + 2)
    with pytest.raises(TrustUnavailable, match="demonstrations"):
        trust.refresh(now + 2).record(iss)


def test_signed_record_this_release_cannot_read(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int, iss: str
) -> None:
    sim.put("999900", "issuers/999900/119999000000000198.json", record_bytes(version=2))
    sim.publish(now + 1)
    with pytest.raises(TrustUnavailable):
        trust.record(iss, now=now + 1)
    assert trust.prefetch(now + 1).issuers()[0].division == "999800"


# Nested delegations


def _nest(sim: Any, parent: str, child: str, pattern: str, *, sign: bool = True) -> None:
    """`parent` delegates `pattern` to `child`."""
    helper = type(sim)(sim.now)
    helper.delegate(child, pattern)
    sim.roles[parent].delegations = helper.targets.delegations
    sim.roles[child] = Targets()
    sim.signers[child] = helper.signers[child] if sign else sim.signers["999900"]


def test_province_delegates_to_city(
    trust: TrustRepository,
    open_trust: Callable[..., TrustRepository],
    sim: Any,
    record_bytes: Callable[..., bytes],
    now: int,
) -> None:
    sim.delegate("330000", "issuers/33*/*")
    _nest(sim, "330000", "330100", "issuers/3301*/*")
    sim.put("330100", "issuers/330106/113301060000000198.json", record_bytes("113301060000000198"))
    # Outside what the province gave it: nobody will ask the city for it.
    sim.put("330100", "issuers/330200/113302000000000198.json", record_bytes("113302000000000198"))
    sim.publish(now + 1)
    city = "https://certs.example/i/113301060000000198"
    assert trust.record(city, now=now + 1) is not None
    assert open_trust(fetcher=None).record(city) is not None
    assert trust.record("https://certs.example/i/113302000000000198", now=now + 1) is None
    assert len(trust.prefetch(now + 1).issuers()) == 3


def test_cycle_of_delegations_ends(
    trust: TrustRepository, open_trust: Callable[..., TrustRepository], sim: Any, now: int
) -> None:
    sim.delegate("330000", "issuers/33*/*")
    _nest(sim, "330000", "330000", "issuers/33*/*")
    sim.signers["330000"] += [s for s in sim.signers["330000"] if s not in sim.signers["330000"]]
    assert sim.targets.delegations is not None
    sim.targets.add_key(sim.signers["330000"][0].public_key, "330000")
    sim.publish(now + 1)
    unlisted = "https://certs.example/i/113301060000000198"
    assert trust.record(unlisted, now=now + 1) is None
    assert open_trust(fetcher=None).record(unlisted) is None


def test_first_terminating_role_decides(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int
) -> None:
    sim.delegate("a", "issuers/33*/*", terminating=True)
    sim.delegate("b", "issuers/*/*", terminating=True)
    sim.put("b", "issuers/330106/113301060000000198.json", record_bytes("113301060000000198"))
    sim.publish(now + 1)
    assert trust.record("https://certs.example/i/113301060000000198", now=now + 1) is None


def test_role_that_does_not_terminate_lets_the_next_speak(
    trust: TrustRepository, sim: Any, record_bytes: Callable[..., bytes], now: int
) -> None:
    sim.delegate("a", "issuers/33*/*", terminating=False)
    sim.delegate("b", "issuers/*/*", terminating=True)
    sim.put("b", "issuers/330106/113301060000000198.json", record_bytes("113301060000000198"))
    sim.publish(now + 1)
    assert trust.record("https://certs.example/i/113301060000000198", now=now + 1) is not None
