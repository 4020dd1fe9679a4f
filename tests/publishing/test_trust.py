"""The repository as its publisher writes it and as a verifier reads it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc.publishing import PublishedTree, TrustPublisher
from certsvc.publishing.errors import (
    RecordRefused,
    RoleKeyUntrusted,
    SigningFailed,
    TreeUnreadable,
    TrustExists,
    TrustMissing,
)
from certsvc_sdk.errors import TrustInvalid, TrustUnavailable
from certsvc_sdk.trust import About, Environment, TrustRepository
from keys import KeyInfo, State
from keys.filestore import FileKeyStore

DAY = 86_400
USCC, POLICE, ELSEWHERE = "119999000000000198", "119999000000000273", "11999800000000019X"
ISS = f"https://certs.example/i/{USCC}"
Make = Callable[..., Any]


def metadata(tree: PublishedTree, name: str) -> dict[str, Any]:
    signed: dict[str, Any] = json.loads(tree.read(f"trust/metadata/{name}.json") or b"")["signed"]
    return signed


def test_first_publication(
    publisher: TrustPublisher, reader: TrustRepository, tree: PublishedTree, about: About, now: int
) -> None:
    assert publisher.initialised
    assert publisher.about() == about
    assert publisher.root() == tree.read("trust/metadata/1.root.json")
    assert metadata(tree, "1.root")["consistent_snapshot"] is True
    assert metadata(tree, "1.root")["expires"] == "2028-01-15T08:00:00Z"
    view = reader.refresh(now)
    assert (view.env, view.base) == (Environment.DEMO, "https://certs.example/")
    assert view.expires == now + DAY
    assert reader.record(ISS, now=now) is None
    assert publisher.record(ISS) is None


def test_records_are_read_by_a_verifier(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    make_key: Make,
    now: int,
) -> None:
    records = [
        make_record(keys=(make_key("certificate"), make_key("status"))),
        make_record(POLICE),
        make_record(ELSEWHERE),
    ]
    assert publisher.publish_records(records, now)
    for record in records:
        assert reader.record(record.iss, now=now) == record
        assert publisher.record(record.iss) == record
    delegations = metadata(tree, "2.targets")["delegations"]["roles"]
    assert [(role["name"], role["paths"]) for role in delegations] == [
        ("999800", ["issuers/999800/*"]),
        ("999900", ["issuers/999900/*"]),
    ]
    assert delegations[0]["keyids"] != delegations[1]["keyids"]
    assert sorted(metadata(tree, "1.999900")["targets"]) == [
        f"issuers/999900/{USCC}.json",
        f"issuers/999900/{POLICE}.json",
    ]
    assert len(reader.prefetch(now).issuers()) == 3


def test_each_role_has_its_own_key(
    publisher: TrustPublisher, reader: TrustRepository, store: FileKeyStore, make_record: Make
) -> None:
    publisher.publish_records([make_record()], 1_800_000_000)
    found = {key.role: key for key in store.list("trust")}
    assert found.keys() == {"root", "targets", "snapshot", "timestamp", "999900"}
    assert {key.alg for key in found.values()} == {"Ed25519"}
    assert {key.state for key in found.values()} == {State.ACTIVE}


def test_unchanged_records_change_nothing(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    now: int,
) -> None:
    publisher.publish_records([make_record()], now)
    before = sorted(path for path in tree.root.rglob("*") if path.is_file())
    assert not publisher.publish_records([make_record()], now + 60)
    assert not publisher.publish_records([], now + 60)
    assert sorted(path for path in tree.root.rglob("*") if path.is_file()) == before


def test_one_change_touches_one_division(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    now: int,
) -> None:
    publisher.publish_records([make_record(), make_record(POLICE), make_record(ELSEWHERE)], now)
    names = {"zh": "新名", "en": "New name"}
    assert publisher.publish_records([make_record(names=names)], now + 60)
    assert {path.name for path in (tree.root / "trust/metadata").glob("2.*")} == {
        "2.999900.json",
        "2.snapshot.json",
        "2.targets.json",
    }
    assert tree.exists("trust/metadata/3.snapshot.json")
    record = reader.record(ISS, now=now + 60)
    assert record is not None
    assert record.names == names
    assert reader.record(make_record(POLICE).iss, now=now + 60) is not None


def test_reader_never_misses_a_file_half_way(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    monkeypatch: pytest.MonkeyPatch,
    now: int,
) -> None:
    """A verifier reads after each single write of a publication."""
    publisher.publish_records([make_record()], now)
    seen: list[str] = []
    write = tree.write

    def write_and_read(path: str, data: bytes) -> None:
        write(path, data)
        record = reader.refresh(now + 1, want=[f"issuers/999900/{USCC}.json"]).record(ISS)
        assert record is not None
        seen.append(f"{path.rsplit('/', 1)[1].split('.', 1)[1]} {record.names['en']}")

    monkeypatch.setattr(tree, "write", write_and_read)
    publisher.publish_records([make_record(names={"zh": "新", "en": "New"})], now + 1)
    old, new = "Market Regulator (example)", "New"
    assert seen == [
        f"{USCC}.json {old}",
        f"999900.json {old}",
        f"snapshot.json {old}",
        f"json {new}",
    ]


@pytest.mark.parametrize("broken", ["1.999900", "2.targets", "2.snapshot", "timestamp"])
def test_crash_half_way_is_resumed(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    monkeypatch: pytest.MonkeyPatch,
    now: int,
    broken: str,
) -> None:
    write = tree.write

    def write_until(path: str, data: bytes) -> None:
        if path == f"trust/metadata/{broken}.json":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(tree, "write", write_until)
    with pytest.raises(OSError, match="No space"):
        publisher.publish_records([make_record()], now)
    monkeypatch.undo()
    assert reader.record(ISS, now=now) is None
    left = {path: path.read_bytes() for path in (tree.root / "trust/metadata").glob("*.*.json")}
    assert publisher.publish_records([make_record()], now + 60)
    assert reader.refresh(now + 60, want=[f"issuers/999900/{USCC}.json"]).record(ISS) is not None
    # What a cache may have kept for ever has not changed.
    assert all(path.read_bytes() == data for path, data in left.items())


def test_broken_off_initialisation_is_resumed(
    publisher: TrustPublisher,
    tree: PublishedTree,
    store: FileKeyStore,
    about: About,
    monkeypatch: pytest.MonkeyPatch,
    now: int,
) -> None:
    store.generate(issuer_id="trust", alg="Ed25519", purpose="trust", role="root", now=now)
    write = tree.write

    def write_until(path: str, data: bytes) -> None:
        if path.endswith("timestamp.json"):
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(tree, "write", write_until)
    with pytest.raises(OSError, match="No space"):
        publisher.initialise(now, about)
    monkeypatch.undo()
    root = publisher.root()
    assert not publisher.initialised
    assert publisher.initialise(now + 60, about) == root
    assert publisher.initialised
    assert len(store.list("trust")) == 4


def test_second_initialisation_is_refused(
    publisher: TrustPublisher, reader: TrustRepository, about: About, now: int
) -> None:
    with pytest.raises(TrustExists):
        publisher.initialise(now, about)


def test_nothing_without_initialisation(
    publisher: TrustPublisher, make_record: Make, now: int
) -> None:
    for ask in (
        publisher.root,
        publisher.about,
        lambda: publisher.record(ISS),
        lambda: publisher.resign(now),
        lambda: publisher.renew_root(now),
        lambda: publisher.publish_records([make_record()], now),
    ):
        with pytest.raises(TrustMissing):
            ask()
    assert publisher.record("nonsense") is None


def test_refused_records(
    publisher: TrustPublisher, reader: TrustRepository, make_record: Make, now: int
) -> None:
    good = make_record(POLICE)
    for bad in (
        make_record("no code"),
        make_record(names={"zh": "", "en": ""}),
        make_record(base_url="http://certs.example/"),
    ):
        with pytest.raises(RecordRefused):
            publisher.publish_records([good, bad], now)
    assert reader.record(good.iss, now=now) is None


def test_plain_http_is_for_demonstrations(
    publisher: TrustPublisher, make_record: Make, now: int
) -> None:
    with pytest.raises(RecordRefused):
        publisher.initialise(now, About(env=Environment.PRODUCTION, base="http://127.0.0.1/"))
    publisher.initialise(now, About(env=Environment.PRODUCTION, base="https://certs.example/"))
    with pytest.raises(RecordRefused):
        publisher.publish_records([make_record(base_url="http://127.0.0.1:8000/")], now)


# The heart-beat


def test_resign_waits_for_half_of_a_life(
    publisher: TrustPublisher, reader: TrustRepository, tree: PublishedTree, now: int
) -> None:
    assert not publisher.resign(now + DAY // 2)
    assert publisher.resign(now + DAY // 2 + 1)
    assert metadata(tree, "timestamp")["version"] == 2
    assert metadata(tree, "timestamp")["meta"]["snapshot.json"]["version"] == 1
    assert reader.refresh(now + DAY // 2 + 1).expires == now + DAY // 2 + 1 + DAY


def test_resign_by_force(
    publisher: TrustPublisher, reader: TrustRepository, tree: PublishedTree, now: int
) -> None:
    assert publisher.resign(now, force=True)
    assert metadata(tree, "timestamp")["version"] == 2
    assert metadata(tree, "timestamp")["meta"]["snapshot.json"]["version"] == 2
    assert reader.refresh(now).version == 2


def test_heart_beat_keeps_everything_alive_for_a_year(
    publisher: TrustPublisher, reader: TrustRepository, make_record: Make, now: int
) -> None:
    publisher.publish_records([make_record(), make_record(ELSEWHERE)], now)
    reader.prefetch(now)
    for day in range(1, 365, 6):
        publisher.resign(now + day * DAY)
        view = reader.refresh(now + day * DAY)
        assert view.record(ISS) is not None
    assert len(view.issuers()) == 2


def test_expired_timestamp_is_stale_and_still_answers(
    publisher: TrustPublisher, reader: TrustRepository, make_record: Make, now: int
) -> None:
    publisher.publish_records([make_record()], now)
    reader.record(ISS, now=now)
    with pytest.raises(TrustInvalid):
        reader.refresh(now + 2 * DAY)
    assert reader.record(ISS) is not None
    assert (reader.verified_at, reader.expires) == (now, now + DAY)


def test_division_in_other_hands_is_left_alone(
    publisher: TrustPublisher,
    reader: TrustRepository,
    store: FileKeyStore,
    tree: PublishedTree,
    make_record: Make,
    now: int,
) -> None:
    publisher.publish_records([make_record()], now)
    (key,) = [key for key in store.list("trust") if key.role == "999900"]
    store.set_state("trust", key.kid, State.RETIRED, now=now)
    publisher.resign(now + 60 * DAY)
    assert not tree.exists("trust/metadata/2.999900.json")
    assert reader.refresh(now + 60 * DAY).as_of == now + 60 * DAY


# Keys


def _rotate(store: FileKeyStore, role: str, now: int) -> KeyInfo:
    key = store.generate(issuer_id="trust", alg="Ed25519", purpose="trust", role=role, now=now)
    store.set_state("trust", key.kid, State.PRE_PUBLISHED, now=now)
    return store.rotate("trust", key.kid, now=now)


@pytest.mark.parametrize("how", ["publish", "resign"])
def test_divisions_key_is_rotated(
    publisher: TrustPublisher,
    reader: TrustRepository,
    store: FileKeyStore,
    tree: PublishedTree,
    make_record: Make,
    now: int,
    how: str,
) -> None:
    publisher.publish_records([make_record(), make_record(POLICE)], now)
    reader.record(ISS, now=now)
    _rotate(store, "999900", now)
    later = now + 60 * DAY
    if how == "publish":
        assert publisher.publish_records([make_record()], later)
    else:
        assert publisher.resign(later)
    assert reader.refresh(later).record(ISS) is not None
    assert reader.record(make_record(POLICE).iss, now=later) is not None
    assert len(metadata(tree, "3.targets")["delegations"]["keys"]) == 1


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_online_key_is_rotated_by_a_new_root(
    publisher: TrustPublisher,
    reader: TrustRepository,
    store: FileKeyStore,
    make_record: Make,
    now: int,
    role: str,
) -> None:
    publisher.publish_records([make_record()], now)
    reader.record(ISS, now=now)
    _rotate(store, role, now)
    half = now + 46 * DAY if role == "targets" else now + 60
    with pytest.raises(RoleKeyUntrusted):
        publisher.resign(half, force=True)
    with pytest.raises(RoleKeyUntrusted):
        publisher.publish_records([make_record(ELSEWHERE)], now + 60)
    root = publisher.renew_root(now + 60)
    assert root == publisher.root()
    assert json.loads(root)["signed"]["version"] == 2
    view = reader.refresh(now + 60)
    assert view.as_of == now + 60
    assert view.record(ISS) is not None


def test_roots_own_key_is_not_rotated_alone(
    publisher: TrustPublisher, reader: TrustRepository, store: FileKeyStore, now: int
) -> None:
    _rotate(store, "root", now)
    with pytest.raises(RoleKeyUntrusted):
        publisher.renew_root(now)


def test_new_root_gives_a_new_year(
    publisher: TrustPublisher, reader: TrustRepository, now: int
) -> None:
    reader.refresh(now)
    later = now + 364 * DAY
    publisher.renew_root(later)
    publisher.resign(later + 30 * DAY)
    assert reader.refresh(later + 30 * DAY).as_of == later + 30 * DAY


# Damage


@pytest.mark.parametrize("name", ["1.root", "2.snapshot", "2.targets", "1.999900", "timestamp"])
@pytest.mark.parametrize("damage", ["empty", "garbage", "other"])
def test_damaged_metadata_stops_the_publisher(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    now: int,
    name: str,
    damage: str,
) -> None:
    publisher.publish_records([make_record()], now)
    other = "1.snapshot" if "snapshot" not in name else "1.root"
    data = {"empty": b"", "garbage": b"{", "other": tree.read(f"trust/metadata/{other}.json")}
    tree.write(f"trust/metadata/{name}.json", data[damage] or b"")
    with pytest.raises(TreeUnreadable):
        publisher.publish_records([make_record(names={"zh": "新", "en": "New"})], now + 60)


def test_snapshot_of_nothing_stops_the_publisher(
    publisher: TrustPublisher, reader: TrustRepository, tree: PublishedTree, now: int
) -> None:
    document = json.loads(tree.read("trust/metadata/1.snapshot.json") or b"")
    document["signed"]["meta"] = {}
    tree.write("trust/metadata/1.snapshot.json", json.dumps(document).encode())
    with pytest.raises(TreeUnreadable):
        publisher.resign(now, force=True)


def test_damaged_targets_stop_the_publisher(
    publisher: TrustPublisher,
    reader: TrustRepository,
    tree: PublishedTree,
    make_record: Make,
    now: int,
) -> None:
    publisher.publish_records([make_record()], now)
    (path,) = (tree.root / "trust/targets/issuers/999900").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(TreeUnreadable):
        publisher.record(ISS)
    with pytest.raises(TrustUnavailable):
        reader.record(ISS, now=now)
    path.unlink()
    with pytest.raises(TreeUnreadable):
        publisher.record(ISS)


def test_signer_that_fails_publishes_nothing(
    publisher: TrustPublisher,
    reader: TrustRepository,
    store: FileKeyStore,
    tmp_path: Path,
    make_record: Make,
    monkeypatch: pytest.MonkeyPatch,
    now: int,
) -> None:
    signer = store.active("trust", "trust", role="snapshot")
    (key,) = [key for key in store.list("trust") if key.role == "snapshot"]
    monkeypatch.setattr(store, "active", _retiring(store, key))
    with pytest.raises(SigningFailed):
        publisher.publish_records([make_record()], now)
    assert signer.kid == key.kid
    assert reader.record(ISS, now=now) is None


def _retiring(store: FileKeyStore, key: KeyInfo) -> Callable[..., Any]:
    """`active` of a store whose snapshot key another process retires between look-up and use."""
    active = store.active
    asked = 0

    def found(*args: Any, **changes: Any) -> Any:
        nonlocal asked
        signer = active(*args, **changes)
        if changes.get("role") == "snapshot":
            asked += 1
            if asked == 1:
                store.set_state(key.issuer_id, key.kid, State.RETIRED, now=key.created_at)
        return signer

    return found
