"""Attacks on the trust repository, over HTTP and from files; nothing bad is ever believed.

A newer state withdraws the key of each office; whoever makes a verifier believe an older or foreign
state makes a withdrawn key good again. Threats T44 to T49.
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, MetaFile, Targets

from certsvc_sdk.client import Verifier

HOUR, DAY = 3_600, 86_400
WITHDRAWN = {"state": "compromised", "compromised_at": 1_799_990_000}


def judged(verifier: Verifier, token: str) -> str:
    return verifier.check(token).code


@pytest.fixture
def verifier(nation: Any, tmp_path: Path) -> Verifier:
    """A verifier that knows all offices, refreshed at the beginning."""
    made: Verifier = nation.verifier(tmp_path / "cache", trust_refresh=60)
    assert made.prefetch().complete
    return made


@pytest.fixture
def offices(nation: Any) -> list[str]:
    return [nation.COUNTY, nation.CITY, nation.PROVINCE, nation.OTHER]


@pytest.fixture
def withdraw(nation: Any, verifier: Verifier, offices: list[str]) -> Callable[[], None]:
    """Publishes a newer state in which all keys are withdrawn, and lets the verifier see it."""

    def done() -> None:
        for uscc in offices:
            nation.put(uscc, **WITHDRAWN)
        nation.clock.now += HOUR
        nation.forest.publish(int(nation.clock.now))
        assert verifier.refresh().trust
        for uscc in offices:
            assert judged(verifier, nation.licence(uscc)) == "key_compromised"

    return done


def stays(nation: Any, verifier: Verifier, code: str, offices: list[str]) -> None:
    """A refresh is refused, and the verdicts are those of before with their age."""
    before = verifier.check(nation.licence(offices[0])).trust_as_of
    nation.clock.now += 120
    assert not verifier.refresh().trust
    for uscc in offices:
        verdict = verifier.check(nation.licence(uscc))
        assert (verdict.code, verdict.trust_as_of) == (code, before)
        assert verdict.trust_age == nation.clock.now - before


def test_all_is_well_without_an_attack(nation: Any, verifier: Verifier, offices: list[str]) -> None:
    for uscc in offices:
        verdict = verifier.check(nation.licence(uscc))
        assert (verdict.code, verdict.trust_age) == ("valid", 0)


class TestRollback:
    """T44: what was withdrawn does not come back."""

    def test_of_the_timestamp(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        path = nation.tree / "trust/metadata/timestamp.json"
        old = path.read_bytes()
        withdraw()
        path.write_bytes(old)
        stays(nation, verifier, "key_compromised", offices)

    def test_of_the_timestamp_for_another_process(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str], tmp_path: Path
    ) -> None:
        path = nation.tree / "trust/metadata/timestamp.json"
        old = path.read_bytes()
        withdraw()
        path.write_bytes(old)
        stays(nation, nation.verifier(tmp_path / "cache"), "key_compromised", offices)

    def test_of_the_snapshot_by_a_stolen_timestamp_key(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        forest = nation.forest
        old = forest.timestamp.snapshot_meta
        withdraw()
        forest.timestamp.snapshot_meta = old
        forest.publish_timestamp()
        stays(nation, verifier, "key_compromised", offices)

    @pytest.mark.parametrize("role", ["targets", "33", "3301", "330106", "33-own-bin-2"])
    def test_of_a_role_by_stolen_online_keys(
        self, role: str, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        forest = nation.forest
        forest.touch(role)
        forest.publish()
        assert verifier.refresh().trust
        old = deepcopy(forest.snapshot.meta)
        forest.touch(role)
        withdraw()
        forest.snapshot.meta[f"{role}.json"] = old[f"{role}.json"]
        forest.publish_snapshot()
        stays(nation, verifier, "key_compromised", offices)

    def test_a_role_cannot_vanish_from_the_snapshot(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        withdraw()
        del nation.forest.snapshot.meta["330106.json"]
        nation.forest.publish_snapshot()
        stays(nation, verifier, "key_compromised", offices)

    def test_of_the_root(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        forest = nation.forest
        stolen = forest.signers["timestamp"]
        forest.replace_keys("timestamp")
        withdraw()
        # The thief hides the root that took his key away.
        (nation.tree / "trust/metadata/2.root.json").unlink()
        forest.signers["timestamp"] = stolen
        forest.timestamp.version += 10
        forest.publish_timestamp()
        stays(nation, verifier, "key_compromised", offices)

    def test_of_a_root_that_was_seen_but_could_not_be_used(
        self, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        forest = nation.forest
        stolen = forest.signers["timestamp"]
        forest.replace_keys("timestamp")
        # The mirror goes on with the old key's timestamp: the new root is seen and nothing else.
        nation.clock.now += 120
        assert not verifier.refresh().trust
        (nation.tree / "trust/metadata/2.root.json").unlink()
        forest.signers["timestamp"] = stolen
        forest.publish_timestamp()
        stays(nation, verifier, "valid", offices)

    def test_two_timestamps_of_one_version(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str], caplog: Any
    ) -> None:
        withdraw()
        forest = nation.forest
        forest.timestamp.version -= 1
        forest.now += 60
        forest.publish_timestamp()
        stays(nation, verifier, "key_compromised", offices)
        assert "two different timestamps bear the same version" in caplog.text


def test_freeze(nation: Any, verifier: Verifier, offices: list[str]) -> None:
    """T45: a mirror that shows the same for ever is believed for a day, with its true end."""
    start = nation.clock.now
    for hours, code in (
        (12, "valid"),
        (23, "valid"),
        (24, "trust_stale"),
        (31 * 24, "trust_stale"),
    ):
        nation.clock.now = start + hours * HOUR
        assert verifier.refresh().trust is (code == "valid")
        for uscc in offices:
            verdict = verifier.check(nation.licence(uscc))
            assert (verdict.code, verdict.outcome == "VALID") == (code, code == "valid")


class TestFastForward:
    """T46: a version that locks out updates is cured by a root that withdraws the stolen key."""

    @pytest.mark.parametrize("version", [2**31, 2**53 - 1])
    def test_of_the_timestamp(
        self, version: int, nation: Any, verifier: Verifier, withdraw: Any
    ) -> None:
        forest = nation.forest
        honest = forest.timestamp.version
        forest.timestamp.version = version - 1
        forest.publish_timestamp()
        assert verifier.refresh().trust
        forest.timestamp.version = honest
        forest.publish()
        nation.clock.now += 60
        assert not verifier.refresh().trust
        forest.replace_keys("timestamp")
        withdraw()

    def test_by_a_version_that_no_file_can_keep(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        forest = nation.forest
        honest = forest.timestamp.version
        forest.timestamp.version = 2**63 - 1
        forest.publish_timestamp()
        stays(nation, verifier, "valid", offices)
        forest.timestamp.version = honest
        withdraw()

    @pytest.mark.parametrize("replaced", [("snapshot",), ("timestamp", "snapshot")])
    def test_of_the_snapshot(
        self, replaced: tuple[str, ...], nation: Any, verifier: Verifier, withdraw: Any
    ) -> None:
        forest = nation.forest
        honest = forest.snapshot.version
        forest.snapshot.version = 2**40
        forest.publish_snapshot()
        assert verifier.refresh().trust
        forest.snapshot.version = honest
        forest.publish()
        nation.clock.now += 60
        assert not verifier.refresh().trust
        forest.replace_keys(*replaced)
        withdraw()

    @pytest.mark.parametrize("role", ["targets", "330106"])
    def test_of_a_role(self, role: str, nation: Any, verifier: Verifier, withdraw: Any) -> None:
        forest = nation.forest
        honest = forest.roles[role].version
        forest.roles[role].version = 2**40
        forest.touch(role)
        forest.publish()
        assert verifier.refresh().trust
        forest.roles[role].version = honest
        forest.touch(role)
        forest.publish()
        nation.clock.now += 60
        assert not verifier.refresh().trust
        forest.replace_keys("snapshot")
        withdraw()


class TestMixAndMatch:
    """T47: one snapshot holds hashes and lengths of all parts."""

    @pytest.mark.parametrize("role", ["snapshot", "targets"])
    def test_a_part_of_another_generation(
        self, role: str, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        forest = nation.forest
        held = forest.snapshot if role == "snapshot" else forest.roles[role]
        folder = nation.tree / "trust/metadata"
        old = (folder / f"{held.version}.{role}.json").read_bytes()
        withdraw()
        if role == "targets":
            forest.touch("targets")
        forest.publish()
        (folder / f"{held.version}.{role}.json").write_bytes(old)
        stays(nation, verifier, "key_compromised", offices)

    def test_a_division_of_another_generation_is_unknown(
        self, nation: Any, verifier: Verifier, withdraw: Any, offices: list[str]
    ) -> None:
        folder = nation.tree / "trust/metadata"
        old = (folder / "1.330106.json").read_bytes()
        withdraw()
        nation.forest.touch("330106")
        nation.forest.publish()
        (folder / "3.330106.json").write_bytes(old)
        nation.clock.now += 60
        assert verifier.refresh().trust
        assert judged(verifier, nation.licence(nation.COUNTY)) == "trust_unavailable"
        for uscc in offices[1:]:
            assert judged(verifier, nation.licence(uscc)) == "key_compromised"

    @pytest.mark.parametrize("content", ["old", "other", "none", "long"])
    def test_another_record_in_the_place_of_the_listed_one(
        self, content: str, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        listed = {path.name for path in nation.tree.glob("trust/targets/issuers/*/*")}
        for uscc in offices:
            nation.put(uscc, **WITHDRAWN)
        old = {
            "old": nation.record(nation.COUNTY).to_bytes(),
            "other": nation.record(nation.OTHER).to_bytes(),
            "none": b"{}",
            "long": b" " * 10_000_000,
        }
        nation.forest.publish()
        for path in nation.tree.glob("trust/targets/issuers/*/*"):
            if path.name not in listed:
                path.write_bytes(old[content])
        nation.clock.now += 60
        assert verifier.refresh().trust
        for uscc in offices:
            assert judged(verifier, nation.licence(uscc)) == "trust_unavailable"


class TestEndless:
    """T48: caps come from signed lengths or are small, and time is bounded."""

    @pytest.mark.parametrize("name", ["timestamp.json", "2.snapshot.json", "2.targets.json"])
    def test_data_of_the_top(
        self, name: str, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        sent: list[int] = []
        nation.server.answer = endless(name, sent)
        nation.forest.touch("targets")
        nation.forest.publish()
        stays(nation, verifier, "valid", offices)
        assert 0 < sum(sent) < 8_000_000

    @pytest.mark.parametrize("name", ["2.330106.json", ".1233010600000"])
    def test_data_of_one_office_cost_that_office_only(
        self, name: str, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        sent: list[int] = []
        nation.put(nation.COUNTY, **WITHDRAWN)
        nation.forest.publish()
        nation.server.answer = endless(name, sent)
        nation.clock.now += 120
        assert verifier.refresh().trust
        assert judged(verifier, nation.licence(nation.COUNTY)) == "trust_unavailable"
        for uscc in offices[1:]:
            assert judged(verifier, nation.licence(uscc)) == "valid"
        assert 0 < sum(sent) < 16_000_000

    def test_a_drip_ends_in_time(
        self, nation: Any, verifier: Verifier, offices: list[str], monkeypatch: Any
    ) -> None:
        # Ten seconds in production; a byte now and then never meets a socket's own time-out.
        monkeypatch.setattr("certsvc_sdk.fetch.TOTAL_SECONDS", 0.3)
        over = threading.Event()

        def drip(handler: Any) -> bool:
            handler.close_connection = True
            handler.send_response(200)
            handler.end_headers()
            with suppress(OSError):
                while not over.wait(0.02):
                    handler.wfile.write(b" ")
            return True

        nation.server.answer = drip
        try:
            stays(nation, verifier, "valid", offices)
        finally:
            over.set()

    def test_a_mirror_that_uses_up_its_time_for_every_file(
        self, nation: Any, verifier: Verifier, offices: list[str], monkeypatch: Any
    ) -> None:
        monkeypatch.setattr("certsvc_sdk.trust.metered.FREE_SECONDS", 0.2)
        monkeypatch.setattr("certsvc_sdk.trust.metered.SECONDS_A_FILE", 0.01)
        over = threading.Event()
        asked: list[str] = []

        def slow(handler: Any) -> bool:
            asked.append(handler.path)
            over.wait(0.09)
            return False

        for role in ("33", "44", "3301", "330106", "3301-own"):
            nation.forest.touch(role)
        nation.forest.publish()
        nation.server.answer = slow
        stays(nation, verifier, "valid", offices)
        assert len([path for path in asked if path.startswith("/trust/")]) <= 4

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_lead_nowhere(
        self, status: int, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        asked: list[str] = []

        def answer(handler: Any) -> bool:
            asked.append(handler.path)
            if not handler.path.endswith("timestamp.json"):
                return False
            handler.reply(status, b"", Location=f"{nation.server.url}elsewhere/timestamp.json")
            return True

        nation.server.answer = answer
        stays(nation, verifier, "valid", offices)
        assert not [path for path in asked if "elsewhere" in path]


def endless(name: str, sent: list[int]) -> Callable[[Any], bool]:
    def answer(handler: Any) -> bool:
        if name not in handler.path:
            return False
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                sent.append(handler.wfile.write(b" " * 65_536))
        except OSError:
            return True

    return answer


class TestThreshold:
    """T49: the county's role wants two of two keys."""

    @pytest.fixture
    def forged(self, nation: Any, verifier: Verifier, offices: list[str]) -> Callable[..., None]:
        """Publishes the county's role under signatures of one's choice; it must not count."""

        def tried(sign: Callable[[Targets], bytes]) -> None:
            forest = nation.forest
            nation.put(nation.COUNTY, **WITHDRAWN)
            role = forest.roles["330106"]
            role.version += 1
            data = sign(role)
            forest.write(f"trust/metadata/{role.version}.330106.json", data)
            meta = MetaFile.from_data(role.version, data, ["sha256"])
            forest.snapshot.meta["330106.json"] = meta
            forest.publish_snapshot()
            nation.clock.now += 60
            assert verifier.refresh().trust
            assert judged(verifier, nation.licence(nation.COUNTY)) == "trust_unavailable"
            for uscc in offices[1:]:
                assert judged(verifier, nation.licence(uscc)) == "valid"

        return tried

    def test_one_of_two(self, nation: Any, forged: Any) -> None:
        forged(lambda role: nation.forest.sign(role, nation.forest.signers["330106"][:1]))

    def test_the_same_key_twice(self, nation: Any, forged: Any) -> None:
        def sign(role: Targets) -> bytes:
            one = nation.forest.signers["330106"][:1]
            document = json.loads(nation.forest.sign(role, one))
            document["signatures"] *= 2
            return json.dumps(document).encode()

        forged(sign)

    def test_the_same_signature_under_the_other_name(self, nation: Any, forged: Any) -> None:
        def sign(role: Targets) -> bytes:
            one, other = nation.forest.signers["330106"]
            document = json.loads(nation.forest.sign(role, [one]))
            again = dict(document["signatures"][0], keyid=other.public_key.keyid)
            document["signatures"].append(again)
            return json.dumps(document).encode()

        forged(sign)

    @pytest.mark.parametrize("role", ["3301", "44", "timestamp", "root"])
    def test_a_key_of_another_role(self, role: str, nation: Any, forged: Any) -> None:
        signers = [nation.forest.signers["330106"][0], *nation.forest.keys_of(role)]
        forged(lambda content: nation.forest.sign(content, signers))

    def test_a_strangers_key(self, nation: Any, forged: Any) -> None:
        strangers = [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()]
        forged(lambda content: nation.forest.sign(content, strangers))

    def test_a_strangers_key_under_a_known_name(self, nation: Any, forged: Any) -> None:
        def sign(role: Targets) -> bytes:
            document = json.loads(
                nation.forest.sign(role, [CryptoSigner.generate_ed25519() for _ in range(2)])
            )
            for mark, known in zip(
                document["signatures"], nation.forest.signers["330106"], strict=True
            ):
                mark["keyid"] = known.public_key.keyid
            return json.dumps(document).encode()

        forged(sign)

    @pytest.mark.parametrize("spelling", [str.lower, str.upper])
    def test_one_key_under_two_names_is_one_key(
        self,
        spelling: Callable[[str], str],
        nation: Any,
        verifier: Verifier,
        offices: list[str],
    ) -> None:
        """The city writes one officer's key down twice, so that one would be two."""
        forest = nation.forest
        one = forest.signers["330106"][0]
        forest.roles["3301"].revoke_key(forest.signers["330106"][1].public_key.keyid, "330106")
        public = dict(one.public_key.keyval, public=spelling(one.public_key.keyval["public"]))
        twin = SSlibKey("another-name", one.public_key.keytype, one.public_key.scheme, public)
        forest.roles["3301"].add_key(twin, "330106")
        nation.put(nation.COUNTY, **WITHDRAWN)
        role = forest.roles["330106"]
        role.version += 1
        document = json.loads(forest.sign(role, [one]))
        document["signatures"].append(dict(document["signatures"][0], keyid="another-name"))
        data = json.dumps(document).encode()
        forest.write(f"trust/metadata/{role.version}.330106.json", data)
        meta = MetaFile.from_data(role.version, data, ["sha256"])
        forest.snapshot.meta["330106.json"] = meta
        forest.touch("3301")
        forest._changed.discard("330106")
        forest.publish()
        nation.clock.now += 60
        assert verifier.refresh().trust
        assert judged(verifier, nation.licence(nation.COUNTY)) == "trust_unavailable"
        assert judged(verifier, nation.licence(nation.OTHER)) == "valid"

    def test_a_root_that_the_old_root_did_not_sign(
        self, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        forest = nation.forest
        stranger = CryptoSigner.generate_ed25519()
        forest.root.version += 1
        forest.root.add_key(stranger.public_key, "timestamp")
        data = forest.sign(forest.root, [stranger])
        forest.write(f"trust/metadata/{forest.root.version}.root.json", data)
        stays(nation, verifier, "valid", offices)


class TestWrongDelegation:
    """A city cannot vouch for another city's office, whatever it signs."""

    @pytest.mark.parametrize("role", ["3301", "33", "330106", "33-own-bin-0"])
    def test_another_provinces_office(
        self, role: str, nation: Any, verifier: Verifier, tmp_path: Path
    ) -> None:
        office = nation.OTHER.replace("1X", "2X")
        nation.put(office, role)
        nation.forest.publish()
        nation.clock.now += 60
        assert verifier.prefetch().trust
        assert judged(verifier, nation.licence(office)) == "issuer_unknown"
        fresh = nation.verifier(tmp_path / "fresh")
        assert judged(fresh, nation.licence(office)) == "issuer_unknown"

    @pytest.mark.parametrize("role", ["3301", "33", "targets"])
    def test_an_office_in_anothers_place(self, role: str, nation: Any, verifier: Verifier) -> None:
        victim = nation.OTHER.replace("1X", "3X")
        path = f"issuers/330106/{nation.COUNTY.replace('1X', '4X')}.json"
        nation.forest.put(
            path, nation.record(victim).to_bytes(), "330106" if role == "33" else role
        )
        nation.forest.publish()
        nation.clock.now += 60
        assert verifier.prefetch().trust
        assert judged(verifier, nation.licence(victim)) == "issuer_unknown"
        assert judged(verifier, nation.licence(nation.OTHER)) == "valid"

    def test_a_city_that_delegates_beyond_itself(self, nation: Any, verifier: Verifier) -> None:
        forest = nation.forest
        forest.delegate("3301", "rogue", "issuers/44*/*", "issuers/*/*")
        office = nation.OTHER.replace("1X", "5X")
        nation.put(office, "rogue")
        forest.publish()
        nation.clock.now += 60
        assert verifier.prefetch().trust
        assert judged(verifier, nation.licence(office)) == "issuer_unknown"

    def test_a_city_that_names_anothers_role_as_its_own(
        self, nation: Any, verifier: Verifier
    ) -> None:
        """The role is then the other's content, under the city's keys: it fits neither."""
        forest = nation.forest
        mine = CryptoSigner.generate_ed25519()
        delegations = forest._delegations("3301")
        delegations.roles = {
            "44": type(delegations.roles["3301-own"])("44", [], 1, True, ["issuers/3301*/*"]),
            **delegations.roles,
        }
        forest.roles["3301"].add_key(mine.public_key, "44")
        forest.touch("3301")
        forest.publish()
        nation.clock.now += 60
        assert verifier.refresh().trust
        assert judged(verifier, nation.licence(nation.CITY)) == "trust_unavailable"
        assert judged(verifier, nation.licence(nation.OTHER)) == "valid"
        assert judged(verifier, nation.licence(nation.PROVINCE)) == "valid"

    def test_a_role_whose_name_no_file_can_bear(
        self, nation: Any, verifier: Verifier, offices: list[str]
    ) -> None:
        forest = nation.forest
        name = "x" * 300
        forest.delegate("44", name, "issuers/44*/*")
        served = forest.sign(forest.roles[name], forest.signers[name])
        forest.roles[name].version = 1
        forest.roles[name].expires = forest._end("targets")
        served = forest.sign(forest.roles[name], forest.signers[name])
        forest.snapshot.meta[f"{name}.json"] = MetaFile.from_data(1, served, ["sha256"])
        forest._changed.discard(name)

        def answer(handler: Any) -> bool:
            if name not in handler.path:
                return False
            handler.reply(200, served)
            return True

        nation.server.answer = answer
        forest.put(f"issuers/440000/{nation.OTHER}.json", b"{}", name)
        forest._changed.discard(name)
        del forest.roles["44"].targets[f"issuers/440000/{nation.OTHER}.json"]
        forest.publish()
        nation.clock.now += 60
        assert verifier.refresh().trust
        assert judged(verifier, nation.licence(nation.OTHER)) == "trust_unavailable"
        for uscc in offices[:-1]:
            assert judged(verifier, nation.licence(uscc)) == "valid"

    def test_bins_without_end_cost_nothing(self, nation: Any, verifier: Verifier) -> None:
        """2**32 bins, none of which is in the snapshot."""
        forest = nation.forest
        bins = forest.roles["33-own"].delegations.succinct_roles
        forest.delegate("44", "44-own", "issuers/440100/*")
        made = type(bins)(bins.keyids, 1, 32, "44-bin")
        keys = dict(forest.roles["33-own"].delegations.keys)
        forest.roles["44-own"].delegations = type(forest.roles["33-own"].delegations)(
            keys, succinct_roles=made
        )
        forest.publish()
        nation.clock.now += 60
        assert verifier.prefetch().trust
        office = nation.OTHER.replace("440000", "440100")
        assert judged(verifier, nation.licence(office)) == "trust_unavailable"
        assert judged(verifier, nation.licence(nation.OTHER)) == "valid"


def test_signed_roles_are_what_the_forest_says(nation: Any) -> None:
    """The attacks above mean something only if the honest files verify."""
    for path in sorted((nation.tree / "trust/metadata").glob("1.*.json")):
        assert Metadata.from_bytes(path.read_bytes()).signatures
