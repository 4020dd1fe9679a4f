"""The published tree: delegation by division path, hash bins, crashes, and stolen online keys."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from certsvc.authority import trust_work
from certsvc.authority.records import Outcome, new_record, publish_issuer, publish_records
from certsvc.authority.trust_publishing import publish_staged
from certsvc.authority.trust_work import Holders, RootChange
from certsvc.publishing import delegations
from certsvc.publishing.delegations import PLAIN_ISSUERS
from certsvc.publishing.errors import RoleRefused, RoleUnknown, TreeUnreadable
from certsvc.publishing.publication import publish
from certsvc.publishing.roles import expiry, target_files
from certsvc_sdk.trust import About, Environment, TrustRepository

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
PROVINCE, CITY = "113300000000000198", "113301000000000198"
COUNTY, OTHER = "113301060000000198", "113302000000000198"
HERE = Holders()


@pytest.fixture
def demo(world: Any) -> Any:
    """One of one, everything signed online, as a demonstration has it."""
    about = About(env=Environment.DEMO, base=BASE)
    assert (
        trust_work.begin(world.authority, about, HERE, HERE, now=NOW).outcome is Outcome.PUBLISHED
    )
    return world


@pytest.fixture
def forest(demo: Any) -> Any:
    """Province, city, county, and their own offices."""
    for name in ("33", "33-own", "3301", "3301-own", "330106", "3302"):
        trust_work.delegate(demo.authority, name, HERE, now=NOW)
    for uscc in (PROVINCE, CITY, COUNTY, OTHER):
        assert demo.add(uscc, "business-licence").outcome is Outcome.PUBLISHED
    return demo


def listed(world: Any, role: str) -> set[str]:
    signed = world.authority.trust.edition().role(role)
    return {Path(path).stem for path in signed.targets if path.startswith("issuers/")}


def test_each_office_stands_under_its_own_role(forest: Any) -> None:
    assert listed(forest, "33-own") == {PROVINCE}
    assert listed(forest, "3301-own") == {CITY}
    assert listed(forest, "330106") == {COUNTY}
    assert listed(forest, "3302") == {OTHER}
    reader = forest.reader()
    for uscc in (PROVINCE, CITY, COUNTY, OTHER):
        assert reader.record(uscc).uscc == uscc


def test_a_reader_fetches_one_path_only(forest: Any) -> None:
    reader = forest.reader()
    reader.record(COUNTY)
    roles = {name.split(".")[1] for name in reader.fetched if name.startswith("metadata/")}
    assert roles - {"root"} == {"json", "snapshot", "targets", "33", "3301", "330106"}


def test_a_city_cannot_vouch_for_another_province(forest: Any) -> None:
    """The city's own keys sign an office of 44: no reader ever asks it."""
    trust = forest.authority.trust
    edition, online = trust.edition(), trust.online()
    foreign = "114400000000000198"
    record = new_record(
        forest.new(foreign, "business-licence").profile, (), forest.authority.keys, base_url=BASE
    )
    for role in ("3302", "33"):
        edition.list_target(role, f"issuers/440000/{foreign}.json", record.to_bytes(), NOW)
    assert publish(edition, online, NOW)
    assert forest.reader().record(foreign) is None
    assert foreign in listed(forest, "3302")


def test_an_offices_place_moves_with_the_delegation(demo: Any) -> None:
    trust_work.delegate(demo.authority, "33", HERE, now=NOW)
    demo.add(CITY, "business-licence")
    assert listed(demo, "33") == {CITY}
    reader = demo.reader()
    assert reader.record(CITY) is not None
    trust_work.delegate(demo.authority, "3301", HERE, now=NOW)
    assert (listed(demo, "33"), listed(demo, "3301")) == (set(), {CITY})
    assert reader.record(CITY) is not None


def test_flat_divisions_go_on_beside_the_tree(demo: Any) -> None:
    demo.add(CITY, "business-licence")
    trust_work.delegate(demo.authority, "33", HERE, now=NOW)
    demo.add(OTHER, "business-licence")
    roles = list(demo.authority.trust.edition().role("targets").delegations.roles)
    assert roles == ["330100", "33"]
    reader = demo.reader()
    assert reader.record(CITY) is not None
    assert reader.record(OTHER) is not None


@pytest.mark.parametrize("name", ["3", "333", "3300", "targets", "33-own-own", "330106-own", "x"])
def test_names_that_are_no_division(demo: Any, name: str) -> None:
    with pytest.raises(RoleRefused):
        trust_work.delegate(demo.authority, name, HERE, now=NOW)


def test_own_offices_need_their_authority(demo: Any) -> None:
    with pytest.raises(RoleUnknown):
        trust_work.delegate(demo.authority, "33-own", HERE, now=NOW)
    with pytest.raises(RoleUnknown):
        trust_work.undelegate(demo.authority, "33", now=NOW)


def test_undelegation_is_seen_at_once(forest: Any) -> None:
    reader = forest.reader()
    assert reader.record(CITY) is not None
    trust_work.undelegate(forest.authority, "3301", now=NOW)
    assert reader.record(CITY) is None
    assert reader.record(COUNTY) is None
    assert reader.record(PROVINCE) is not None
    # Its number goes on from where it was, or readers would call it a rollback.
    trust_work.delegate(forest.authority, "3301", HERE, now=NOW)
    assert reader.record(CITY) is not None


def test_an_issuer_is_removed_at_once(forest: Any) -> None:
    reader = forest.reader()
    assert reader.record(CITY) is not None
    trust_work.remove_issuer(forest.authority, f"issuers/330100/{CITY}.json", now=NOW)
    assert reader.record(CITY) is None
    # Whoever rotates its keys later brings no right back.
    publish_issuer(forest.authority, CITY, now=NOW)
    assert reader.record(CITY).rights == ()


# Bins


@pytest.fixture
def crowd(demo: Any) -> Any:
    """As many offices as a plain list holds, with records that share their keys."""
    for name in ("33", "33-own"):
        trust_work.delegate(demo.authority, name, HERE, now=NOW)
    demo.add(PROVINCE, "business-licence")
    demo.template = demo.authority.trust.record(f"{BASE}i/{PROVINCE}")
    return demo


def many(world: Any, first: int, count: int) -> list[Any]:
    made = []
    for number in range(first, first + count):
        uscc = f"113300000{number:09d}"
        prefix = f"{BASE}status/{uscc}/"
        made.append(
            replace(
                world.template,
                iss=f"{BASE}i/{uscc}",
                uscc=uscc,
                status_prefix=prefix,
                status_aggregation=f"{prefix}lists.json",
            )
        )
    return made


def test_a_long_list_is_cut_and_readers_follow(crowd: Any) -> None:
    trust, reader = crowd.authority.trust, crowd.reader()
    trust.publish_records(many(crowd, 1000, PLAIN_ISSUERS - 1), NOW)
    assert trust.edition().role("33-own").delegations is None
    assert reader.record(PROVINCE) is not None
    trust.publish_records(many(crowd, 5000, 1), NOW)
    own = trust.edition().role("33-own")
    assert (own.targets, own.delegations.succinct_roles.bit_length) == ({}, 5)
    for uscc in (PROVINCE, "113300000000001000", "113300000000005000"):
        assert reader.record(uscc).uscc == uscc
    folder = crowd.authority.tree.root / "trust/metadata"
    before = set(folder.iterdir())
    trust.publish_records(many(crowd, 6000, 1), NOW)
    written = {
        p.name for p in set((crowd.authority.tree.root / "trust/metadata").iterdir()) - before
    }
    assert len([name for name in written if "33-own-" in name]) == 1
    assert len(written) == 2  # one bin and the snapshot
    assert reader.record("113300000000006000") is not None
    bins = [name for name in reader.fetched if "33-own-" in name]
    assert len(bins) == 1
    with pytest.raises(RoleRefused):
        trust_work.delegate(crowd.authority, "33-own-00", HERE, now=NOW)


def test_two_thousand_issuers_write_each_file_once(crowd: Any) -> None:
    tree = crowd.authority.tree
    before = {path for path in tree.root.rglob("*") if path.is_file()}
    crowd.authority.trust.publish_records(many(crowd, 1000, 2000), NOW)
    written = {path for path in tree.root.rglob("*") if path.is_file()} - before
    signed = [path for path in written if "metadata" in path.parts]
    assert len(signed) == 32 + 2  # the bins, the role that is cut, the snapshot
    assert len(written) == 2000 + len(signed)
    reader = crowd.reader()
    assert reader.record("113300000000002999") is not None
    assert len([name for name in reader.fetched if name.startswith("metadata/")]) <= 8


def test_bins_are_signed_by_officers_in_one_request(begun: Any) -> None:
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    trust_work.delegate(begun.authority, "33-own", begun.holders("pq", 2), now=NOW)
    begun.sign_and_publish("abpq")
    begun.add(PROVINCE, "business-licence")
    begun.sign_and_publish("pq")
    begun.template = begun.authority.trust.record(f"{BASE}i/{PROVINCE}")
    done = publish_records(begun.authority, many(begun, 1000, PLAIN_ISSUERS), now=NOW, at_once=True)
    assert done.outcome is Outcome.STAGED
    assert len(begun.request().parts) == 33
    begun.sign_and_publish("pq")
    assert begun.reader().record("113300000000001777") is not None
    begun.template = begun.authority.trust.record(f"{BASE}i/{PROVINCE}")
    publish_records(begun.authority, many(begun, 7000, 1), now=NOW, at_once=True)
    assert len(begun.request().parts) == 1
    assert trust_work.renew(begun.authority, ["33-own"], now=NOW).outcome is Outcome.STAGED
    assert len(begun.request().parts) == 33


# Crashes and hostile trees


def test_every_crash_leaves_the_old_or_the_new(begun: Any, monkeypatch: Any) -> None:
    """A reader refreshes after each write of a publication that changes root, targets and keys."""
    reader = begun.reader()
    reader.refresh()
    change = RootChange(root=begun.holders("ade", 2), targets=begun.holders("xy"), online=True)
    trust_work.rotate_root(begun.authority, change, now=NOW)
    signed = begun.signed("abdex")
    write, seen = begun.authority.tree.write, []

    def write_and_read(path: str, data: bytes) -> None:
        write(path, data)
        seen.append(path.rpartition("/")[2])
        assert reader.refresh().get_targetinfo("about.json") is not None

    monkeypatch.setattr(begun.authority.tree, "write", write_and_read)
    # Both of the old officers sign targets too, so that it is good under either root.
    publish_staged(begun.authority, [signed], now=NOW)
    assert seen == ["2.targets.json", "2.snapshot.json", "timestamp.json", "2.root.json"]


@pytest.mark.parametrize("step", range(5))
def test_a_crash_between_root_and_timestamp_is_made_good(
    begun: Any, monkeypatch: Any, step: int
) -> None:
    """Targets keys that are lost: only the new ones sign, so root and timestamp go together."""
    reader = begun.reader()
    reader.refresh()
    trust_work.rotate_root(begun.authority, RootChange(targets=begun.holders("x")), now=NOW)
    signed = begun.signed("bc")
    signed = begun.signed("x", strip(signed, "targets"))
    count: list[str] = []
    write = begun.authority.tree.write

    def write_until(path: str, data: bytes) -> None:
        if len(count) == step:
            raise OSError(28, "No space left on device")
        count.append(path)
        write(path, data)

    monkeypatch.setattr(begun.authority.tree, "write", write_until)
    if step < 4:
        with pytest.raises(OSError, match="No space"):
            publish_staged(begun.authority, [signed], now=NOW)
    else:
        publish_staged(begun.authority, [signed], now=NOW)
    monkeypatch.undo()
    begun.authority.trust.resign(NOW + DAY)  # what the worker does
    if step < 4:
        assert publish_staged(begun.authority, [], now=NOW + DAY).published
    assert reader.refresh(now=NOW + DAY).get_targetinfo("about.json") is not None
    assert begun.authority.trust.files.root_version() == 2


def strip(request: Any, role: str) -> Any:
    """The request without the signatures on one role: its old officers are gone."""
    metadata = Metadata[Targets].from_bytes(request.parts[role].encode())
    metadata.signatures.clear()
    return replace(request, parts={**request.parts, role: metadata.to_bytes().decode()})


def test_what_was_planted_in_the_tree_gets_no_signature(forest: Any) -> None:
    """Who writes the web server's files adds an issuer to a role that is signed online."""
    tree, trust = forest.authority.tree, forest.authority.trust
    edition = trust.edition()
    version = edition.published("3302").signed.version
    path = f"trust/metadata/{version}.3302.json"
    metadata = Metadata[Targets].from_bytes(tree.read(path))
    rogue = TargetFile.from_data("issuers/330200/11330200ROGUE00198.json", b"{}", ["sha256"])
    metadata.signed.targets[rogue.path] = rogue
    tree.write(path, metadata.to_bytes())
    with pytest.raises(TreeUnreadable):
        forest.add("113302000000000273", "business-licence")


def steal(world: Any, version: int) -> None:
    """A thief with the online keys writes the tree: a snapshot and a timestamp far ahead."""
    trust, tree = world.authority.trust, world.authority.tree
    edition, online = trust.edition(), trust.online()
    root = edition.root.signed
    snapshot = Metadata(Snapshot(version=version, expires=expiry(NOW, 30 * DAY)))
    snapshot.signed.meta = dict(edition.snapshot.meta)
    online.sign("snapshot", snapshot, root.roles["snapshot"])
    tree.write(f"trust/metadata/{version}.snapshot.json", snapshot.to_bytes())
    timestamp = Metadata(Timestamp(version=version, expires=expiry(NOW, 30 * DAY)))
    timestamp.signed.snapshot_meta = MetaFile.from_data(version, snapshot.to_bytes(), ["sha256"])
    online.sign("timestamp", timestamp, root.roles["timestamp"])
    tree.write("trust/metadata/timestamp.json", timestamp.to_bytes())


@pytest.mark.parametrize("where", ["mirror", "tree"])
def test_fast_forward_is_recovered_by_new_online_keys(
    begun: Any, copy_tree: Callable[..., Any], where: str, tmp_path: Path
) -> None:
    """T46: versions near 2^53 lock verifiers out; a new root with new keys lets them in again."""
    victim = begun.reader("victim")
    begun.reader("honest").refresh()
    if where == "tree":
        steal(begun, 2**53 - 1)
        victim.refresh()
    else:
        before = copy_tree(begun, "good")
        steal(begun, 2**53 - 1)
        victim.refresh()
        for name in ("timestamp.json",):
            begun.authority.tree.write(
                f"trust/metadata/{name}", before.read(f"trust/metadata/{name}")
            )
        with pytest.raises(RepositoryError):
            victim.refresh()
    trust_work.rotate_root(begun.authority, RootChange(online=True), now=NOW)
    assert begun.sign_and_publish("ab").published == ("root",)
    for name in ("victim", "honest"):
        updater = begun.reader(name).refresh()
        assert updater.get_targetinfo("about.json") is not None
    assert begun.authority.trust.edition().timestamp.signed.version < 1000
    assert begun.authority.trust.resign(NOW + DAY)
    victim.refresh(now=NOW + DAY)


def test_the_sdk_follows_a_fast_forward_too(begun: Any, tmp_path: Path) -> None:
    root = begun.authority.tree.read("trust/metadata/1.root.json")
    sdk = TrustRepository(
        root,
        tmp_path / "m",
        tmp_path / "t",
        f"{BASE}trust/metadata/",
        f"{BASE}trust/targets/",
        begun.fetcher(),
    )
    steal(begun, 2**53 - 1)
    sdk.refresh(NOW)
    trust_work.rotate_root(begun.authority, RootChange(online=True), now=NOW)
    begun.sign_and_publish("ab")
    assert sdk.refresh(NOW).version < 1000


def test_names_of_files_lead_nowhere() -> None:
    _, files = target_files("issuers/330000/x.json", b"{}")
    assert all(path.startswith("trust/targets/issuers/330000/") for path in files)
    assert delegations.parents_of("330106") == ("3301", "33", "targets")
    assert delegations.parents_of("33-own-1f") == ("33-own",)
