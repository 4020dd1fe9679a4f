"""Offline bundles: carried by hand, verified as if fetched, and never a way back."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certsvc_sdk import bundle
from certsvc_sdk.bundle import BundleInvalid, BundleUntrusted, Maker
from certsvc_sdk.bundle.archive import pack, unpack
from certsvc_sdk.bundle.manifest import MANIFEST, SIGNATURE, Part
from certsvc_sdk.client import Verifier
from certsvc_sdk.errors import TrustInvalid, TrustUnavailable
from certsvc_sdk.policy import Policy

HOUR, DAY = 3_600, 86_400
WITHDRAWN = {"state": "compromised", "compromised_at": 1_799_990_000}
MAKER = Maker(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Maker(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def rebuilt(data: bytes, key: Maker | None = None, **changes: Any) -> bytes:
    """A bundle with other parts or claims, in order by itself, as a liar would make it."""
    found = bundle.read(data)
    parts = dict(found.parts) | changes.pop("parts", {})
    parts = {name: content for name, content in sorted(parts.items()) if content is not None}
    uris = {name: part.uri for name, part in found.manifest.parts.items()}
    listed = {name: Part.of(content, uris.get(name)) for name, content in parts.items()}
    manifest = replace(found.manifest, parts=listed, **changes).to_bytes()
    signature = {} if key is None else {SIGNATURE: key.sign(manifest)}
    return pack({MANIFEST: manifest, **signature, **parts})


@pytest.fixture
def made(nation: Any, tmp_path: Path) -> Callable[..., bytes]:
    """Makes a bundle where there is a line; `offices` are all that its maker knows."""

    def make(*offices: str, key: Maker | None = None, cache: str = "online") -> bytes:
        verifier = nation.verifier(tmp_path / cache)
        if offices:
            for uscc in offices:
                assert verifier.check(nation.licence(uscc)).code in ("valid", "key_compromised")
        else:
            assert verifier.prefetch().complete
        return bundle.make(verifier, key)

    return make


@pytest.fixture
def offline(nation: Any, tmp_path: Path) -> Verifier:
    """A verifier that never has a line."""
    found: Verifier = nation.verifier(tmp_path / "offline", offline=True)
    return found


class TestCarried:
    def test_a_verifier_without_any_line_answers(
        self, nation: Any, made: Any, offline: Verifier, tmp_path: Path
    ) -> None:
        assert offline.check(nation.licence(nation.CITY)).code == "trust_unavailable"
        data = made()
        nation.clock.now += HOUR
        nation.server.requests.clear()
        used = bundle.use(offline, data)
        assert (used.issuers, used.lists, used.refused, used.maker) == (4, 4, (), None)
        assert used.as_of == nation.facts.now
        for uscc in (nation.COUNTY, nation.CITY, nation.PROVINCE, nation.OTHER):
            verdict = offline.check(nation.licence(uscc))
            assert (verdict.code, verdict.trust_age) == ("valid", HOUR)
            assert verdict.status_age == HOUR + 60
        # Another process, a day later.
        nation.clock.now = nation.facts.now + DAY
        later = nation.verifier(tmp_path / "offline", offline=True)
        assert later.check(nation.licence(nation.CITY)).code == "trust_stale"
        long = Policy(max_trust_age=2 * DAY, max_status_age=2 * DAY)
        verdict = later.check(nation.licence(nation.CITY), policy=long)
        assert (verdict.code, verdict.trust_age) == ("valid", DAY)
        assert nation.server.requests == []

    def test_an_office_that_is_not_in_it_is_unknown_and_not_absent(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        bundle.use(offline, made(nation.COUNTY))
        assert offline.check(nation.licence(nation.COUNTY)).code == "valid"
        assert offline.check(nation.licence(nation.OTHER)).code == "trust_unavailable"

    def test_the_same_data_make_the_same_file(self, nation: Any, made: Any) -> None:
        data = made(key=MAKER)
        assert made(key=MAKER) == data
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        assert names[:2] == [MANIFEST, SIGNATURE]
        assert names[2:] == sorted(names[2:])
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None

    def test_the_trust_part_is_a_mirror(self, nation: Any, made: Any, tmp_path: Path) -> None:
        """Any TUF client can read it, unpacked."""
        zipfile.ZipFile(io.BytesIO(made())).extractall(tmp_path / "mirror")
        verifier = nation.verifier(tmp_path / "third", url=(tmp_path / "mirror").as_uri() + "/")
        assert verifier.refresh().trust
        assert verifier.trust_state() is not None

    def test_a_verifier_that_pinned_an_older_root_follows(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        nation.forest.replace_keys("timestamp", "snapshot")
        nation.forest.publish()
        bundle.use(offline, made())
        assert offline.check(nation.licence(nation.CITY)).code == "valid"

    def test_nothing_was_ever_fetched(self, offline: Verifier) -> None:
        with pytest.raises(TrustUnavailable):
            bundle.make(offline)


class TestAge:
    """A claimed time never makes data younger than what is signed."""

    @pytest.mark.parametrize("ahead", [HOUR, 10 * HOUR, 50 * 365 * DAY])
    def test_a_claim_of_youth(self, ahead: int, nation: Any, made: Any, offline: Verifier) -> None:
        data = rebuilt(made(), made_at=nation.facts.now, trust_verified_at=nation.facts.now + ahead)
        nation.clock.now += 12 * HOUR
        assert bundle.use(offline, data).as_of == nation.facts.now
        verdict = offline.check(nation.licence(nation.CITY))
        assert (verdict.code, verdict.trust_age) == ("valid", 12 * HOUR)

    def test_what_was_seen_live_late_counts_from_its_signature(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        nation.clock.now += 10 * HOUR
        data = made()
        assert bundle.read(data).manifest.trust_verified_at == nation.facts.now + 10 * HOUR
        assert bundle.use(offline, data).as_of == nation.facts.now

    def test_a_claim_of_age_only_ages(self, nation: Any, made: Any, offline: Verifier) -> None:
        used = bundle.use(offline, rebuilt(made(), trust_verified_at=0))
        assert used.as_of == 0
        verdict = offline.check(nation.licence(nation.CITY), policy=Policy(max_trust_age=DAY))
        assert verdict.code == "trust_stale"

    def test_an_ended_root_is_not_revived_by_an_early_claim(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        """The thief of an old timestamp key signs fresh timestamps under a root that has ended."""
        data = made()
        forest = nation.forest
        forest.now = int(nation.clock.now) + 400 * DAY
        nation.clock.now = forest.now + HOUR
        forest.touch("targets", "33", "44")
        forest.publish()
        fresh = {
            f"trust/metadata/{path.name}": path.read_bytes()
            for path in (nation.tree / "trust/metadata").iterdir()
        }
        with pytest.raises(TrustInvalid, match="expired"):
            bundle.use(offline, rebuilt(data, parts=fresh, trust_verified_at=0))
        assert offline.check(nation.licence(nation.CITY)).code == "trust_unavailable"

    def test_an_ended_bundle_is_taken_and_stale(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        data = made()
        nation.clock.now += 3 * DAY
        used = bundle.use(offline, data)
        assert (used.as_of, used.expires) == (nation.facts.now, nation.facts.now + DAY)
        assert offline.check(nation.licence(nation.CITY)).code == "trust_stale"

    def test_a_clock_that_is_behind_is_noticed(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        data = made()
        nation.clock.now -= HOUR
        bundle.use(offline, data)
        assert offline.check(nation.licence(nation.CITY)).code == "clock_untrusted"


class TestNeverBack:
    def test_an_older_bundle_adds_what_is_missing_and_lowers_nothing(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        old = made(cache="old")
        nation.put(nation.COUNTY, **WITHDRAWN)
        nation.forest.publish(nation.facts.now + HOUR)
        nation.clock.now += HOUR
        bundle.use(offline, made(nation.COUNTY, cache="new"))
        state = offline.trust_state()
        assert offline.check(nation.licence(nation.OTHER)).code == "trust_unavailable"
        used = bundle.use(offline, old)
        assert used.issuers == 4
        assert offline.trust_state() == state
        assert offline.check(nation.licence(nation.COUNTY)).code == "key_compromised"
        for uscc in (nation.CITY, nation.PROVINCE, nation.OTHER):
            assert offline.check(nation.licence(uscc)).code == "valid"

    def test_what_changed_since_is_not_taken_from_an_older_bundle(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        old = made(cache="old")
        nation.put(nation.OTHER, **WITHDRAWN)
        nation.forest.publish()
        bundle.use(offline, made(nation.COUNTY, cache="new"))
        bundle.use(offline, old)
        assert offline.check(nation.licence(nation.OTHER)).code == "trust_unavailable"

    def test_after_the_newer_one_has_ended(self, nation: Any, made: Any, offline: Verifier) -> None:
        old = made(cache="old")
        nation.forest.publish()
        bundle.use(offline, made(nation.COUNTY, cache="new"))
        nation.clock.now += 2 * DAY
        assert bundle.use(offline, old).issuers == 4
        assert offline.check(nation.licence(nation.OTHER)).code == "trust_stale"

    def test_a_newer_bundle_keeps_what_still_holds(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        bundle.use(offline, made(cache="old"))
        nation.put(nation.COUNTY, **WITHDRAWN)
        nation.forest.publish(nation.facts.now + HOUR)
        nation.clock.now += HOUR
        used = bundle.use(offline, made(nation.COUNTY, cache="new"))
        assert (used.as_of, used.issuers) == (nation.facts.now + HOUR, 4)
        assert offline.check(nation.licence(nation.COUNTY)).code == "key_compromised"
        assert offline.check(nation.licence(nation.OTHER)).code == "valid"

    def test_twice_is_once(self, nation: Any, made: Any, offline: Verifier) -> None:
        data = made()
        assert bundle.use(offline, data) == bundle.use(offline, data)

    def test_a_fresh_cache_is_not_made_older(self, nation: Any, made: Any, tmp_path: Path) -> None:
        data = made()
        verifier = nation.verifier(tmp_path / "other")
        nation.clock.now += HOUR
        assert verifier.prefetch().complete
        bundle.use(verifier, data)
        assert verifier.check(nation.licence(nation.CITY)).trust_age == 0

    def test_two_timestamps_of_one_version(self, nation: Any, made: Any, offline: Verifier) -> None:
        bundle.use(offline, made(cache="one"))
        nation.forest.timestamp.version -= 1
        nation.forest.now += 60
        nation.forest.publish_timestamp()
        with pytest.raises(TrustInvalid, match="same version"):
            bundle.use(offline, made(cache="two"))

    def test_a_stolen_timestamp_key_rolls_nothing_back(
        self, nation: Any, made: Any, offline: Verifier
    ) -> None:
        old = nation.forest.timestamp.snapshot_meta
        nation.put(nation.COUNTY, **WITHDRAWN)
        nation.forest.publish()
        bundle.use(offline, made(cache="new"))
        nation.forest.timestamp.snapshot_meta = old
        nation.forest.publish_timestamp()
        with pytest.raises(TrustInvalid):
            bundle.use(offline, made(cache="rolled"))
        assert offline.check(nation.licence(nation.COUNTY)).code == "key_compromised"

    def test_status_lists(
        self, nation: Any, made: Any, offline: Verifier, issuer: Any, tmp_path: Path
    ) -> None:
        uri = f"{nation.facts.base}status/{nation.CITY}/1"
        old = made(cache="old")
        revoked = issuer.status_token({7: 1}, uri=uri, version=2, iat=nation.facts.now - 30)
        nation.forest.write(f"status/{nation.CITY}/1", revoked.encode())
        bundle.use(offline, made(cache="new"))
        assert offline.check(nation.licence(nation.CITY)).code == "revoked"
        assert bundle.use(offline, old).lists == 4
        later = nation.verifier(tmp_path / "offline", offline=True)
        assert later.check(nation.licence(nation.CITY)).code == "revoked"

    def test_a_list_that_was_carried_is_no_fresher_to_the_next_process(
        self, nation: Any, made: Any, offline: Verifier, issuer: Any, tmp_path: Path
    ) -> None:
        data = made()
        nation.clock.now += HOUR
        uri = f"{nation.facts.base}status/{nation.CITY}/1"
        revoked = issuer.status_token({7: 1}, uri=uri, version=2, iat=nation.clock.now - 60)
        nation.forest.write(f"status/{nation.CITY}/1", revoked.encode())
        bundle.use(offline, data)
        with_a_line = nation.verifier(tmp_path / "offline")
        assert with_a_line.check(nation.licence(nation.CITY)).code == "revoked"


class TestLies:
    """Parts that hang together and still are not what their issuers signed."""

    def test_another_worlds_trust(self, made: Any, publisher: Any, clock: Any) -> None:
        stranger = Verifier.from_root(publisher.root, offline=True, clock=clock)
        with pytest.raises(TrustInvalid):
            bundle.use(stranger, made())
        assert stranger.trust_state() is None

    def test_a_record_of_ones_own(self, nation: Any, made: Any, offline: Verifier) -> None:
        data = made()
        name = next(n for n in bundle.read(data).parts if nation.CITY in n)
        rogue = nation.record(nation.CITY, not_before=0).to_bytes()
        bundle.use(offline, rebuilt(data, parts={name: rogue}))
        assert offline.check(nation.licence(nation.CITY)).code == "trust_unavailable"
        assert offline.check(nation.licence(nation.OTHER)).code == "valid"

    @pytest.mark.parametrize("role", ["timestamp", ".snapshot", ".targets"])
    def test_a_role_that_is_not_signed(
        self, role: str, nation: Any, made: Any, offline: Verifier
    ) -> None:
        data = made()
        name = next(n for n in bundle.read(data).parts if n.endswith(f"{role}.json"))
        changed = bundle.read(data).parts[name].replace(b'"version":1}}', b'"version":2}}')
        assert changed != bundle.read(data).parts[name]
        with pytest.raises((TrustInvalid, TrustUnavailable)):
            bundle.use(offline, rebuilt(data, parts={name: changed}))
        assert offline.trust_state() is None

    @pytest.mark.parametrize("lack", ["timestamp", ".snapshot", ".targets"])
    def test_a_role_that_is_missing(self, lack: str, made: Any, offline: Verifier) -> None:
        data = made()
        name = next(n for n in bundle.read(data).parts if n.endswith(f"{lack}.json"))
        with pytest.raises((TrustInvalid, TrustUnavailable)):
            bundle.use(offline, rebuilt(data, parts={name: None}))

    @pytest.mark.parametrize("what", ["noise", "text", "stranger", "nowhere", "record key"])
    def test_a_list_that_its_office_did_not_sign(
        self, what: str, nation: Any, made: Any, offline: Verifier, issuer: Any, make_signer: Any
    ) -> None:
        data = made()
        uri = f"{nation.facts.base}status/{nation.CITY}/1"
        token = {
            "noise": b"\xff\xfe",
            "text": b"no token",
            "stranger": issuer.status_token(uri=uri, signer=make_signer("ES256", 77)).encode(),
            "nowhere": issuer.status_token(uri="https://other.example/status/1").encode(),
            "record key": issuer.status_token(uri=uri, signer=issuer.key).encode(),
        }[what]
        name = f"status/{'0' * 64}.jwt"
        used = bundle.use(offline, rebuilt(data, parts={name: token}))
        assert (used.refused, used.complete, used.lists) == ((name,), False, 4)
        assert offline.check(nation.licence(nation.CITY)).code == "valid"


class TestMaker:
    def test_a_demanded_signature(self, made: Any, offline: Verifier) -> None:
        used = bundle.use(offline, made(key=MAKER), makers=[OTHER.public, MAKER.public])
        assert used.maker == MAKER.public

    def test_others_and_nobody(self, made: Any, offline: Verifier) -> None:
        signed, plain = made(key=MAKER), made()
        for data in (plain, signed, rebuilt(signed, made_at=1)):
            with pytest.raises(BundleUntrusted):
                bundle.use(offline, data, makers=[OTHER.public])
        assert offline.trust_state() is None
        bundle.use(offline, signed)  # who asks for nobody takes anybody's

    @pytest.mark.parametrize("kind", ["moved", "empty", "noise", "none", "typ"])
    def test_a_signature_of_something_else(self, kind: str, made: Any, offline: Verifier) -> None:
        data = made(key=MAKER)
        members = unpack(data)
        good = members[SIGNATURE]
        members[SIGNATURE] = {
            "moved": MAKER.sign(b'{"version":1}'),
            "empty": b"",
            "noise": b"a..b\xff",
            "none": b"eyJhbGciOiJub25lIn0..",
            "typ": good[:-2] + (b"QA" if good.endswith(b"AA") else b"AA"),
        }[kind]
        with pytest.raises(BundleUntrusted):
            bundle.use(offline, pack(members), makers=[MAKER.public])

    @pytest.mark.parametrize("key", ["", "x", "A" * 43, "A" * 44, "é" * 43])
    def test_what_is_no_public_key(self, key: str, made: Any, offline: Verifier) -> None:
        with pytest.raises(BundleInvalid):
            bundle.use(offline, made(key=MAKER), makers=[key])


class TestTypes:
    def test_unsigned_documents_are_taken_from_a_demanded_maker_only(
        self, nation: Any, made: Any, offline: Verifier, tmp_path: Path
    ) -> None:
        vct = f"{nation.facts.base}vct/business-licence/1"
        document = b'{"vct":"%s","name":"Business licence"}' % vct.encode()
        nation.forest.write("vct/business-licence/1", document)
        maker = nation.verifier(tmp_path / "online")
        maker.prefetch()
        assert maker.type_metadata(vct).name == "Business licence"
        data = bundle.make(maker, MAKER)
        assert bundle.use(offline, data).types == 0
        with pytest.raises(Exception, match="never fetched"):
            offline.type_metadata(vct)
        assert bundle.use(offline, data, makers=[MAKER.public]).types == 1
        assert offline.type_metadata(vct).name == "Business licence"
        # One at hand stays.
        name = next(n for n in bundle.read(data).parts if n.startswith("types/"))
        lie = rebuilt(data, MAKER, parts={name: document.replace(b"licence", b"LICENCE")})
        bundle.use(offline, lie, makers=[MAKER.public])
        later = nation.verifier(tmp_path / "offline", offline=True)
        assert later.type_metadata(vct).name == "Business licence"
        noise = rebuilt(data, MAKER, parts={name: b"{"})
        assert bundle.use(offline, noise, makers=[MAKER.public]).refused == (name,)
