"""Offices merge, are renamed, move, lose their log's key; what they signed holds.

Everything is real but the clock: keys, records, publisher, issuing, status lists, the SDK.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certsvc import bootstrap
from certsvc.authority.keys_compromise import compromise
from certsvc.authority.records import new_record, publish_issuer, publish_records
from certsvc.authority.world import Authority, open_authority
from certsvc.catalogue import Catalogue
from certsvc.issuing.errors import IssuingError
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.log_signing import log_origin
from certsvc.publishing.records import IssuerProfile
from certsvc.service.engine import reading, writing
from certsvc.service.principal import SCOPES, client
from certsvc.service.settings import Settings
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc.storage.status_lists import StatusLists
from certsvc.worker import make_worker
from certsvc_sdk.client import Verifier
from certsvc_sdk.log.leaf import issued_of
from certsvc_sdk.policy import Policy
from certsvc_sdk.trust.record import IssuerRecord, Level, Right
from keys import State
from keys.provision import ensure_active

NOW = 1_798_761_600
DAY = 86_400
OLD_HOST = "https://old.example/"
NEW_HOST = "https://new.example/"
OFFICE = "119999000000000198"
# The office that takes over, in another division: the county became a district.
HEIR = "119998000000000193"
TYPE = "business-licence"


class Reform:
    """A service whose offices are re-organised, and verifiers that look at it."""

    def __init__(self, home: Path) -> None:
        self.home, self.now = home, NOW
        self.catalogue = Catalogue.builtin()
        self.settings = Settings(home=home, public_url=OLD_HOST)
        bootstrap.initialise(self.settings, now=NOW, report=lambda _line: None)
        samples = Path(__file__).parents[1] / "samples" / "business-licences.jsonl"
        self.claims = [json.loads(line) for line in samples.read_text("utf-8").splitlines()[:9]]
        self.caches = 0

    def clock(self) -> float:
        return float(self.now)

    def authority(self) -> Any:
        clock_ns = lambda: self.now * 10**9  # noqa: E731
        return open_authority(self.settings, clock_ns=clock_ns, rng=secrets.token_bytes)

    def issue(self, office: str = OFFICE) -> str:
        """A certificate, once the worker has published everything."""
        self.now += 60
        self.work()
        with open_quiet(self) as authority:
            service = IssuingService(
                engine=authority.engine, keys=authority.keys, catalogue=self.catalogue,
                settings=self.settings, clock=self.clock,
            )  # fmt: skip
            caller = client(office, "reform", scopes=set(SCOPES), request_id="reform")
            claims = self.claims[self.now // 60 % len(self.claims)]
            issued = service.issue(caller, IssueRequest(type=TYPE, claims=claims), f"k{self.now}")
        self.work()
        return issued.token

    def work(self) -> None:
        """One round of the worker."""
        with open_quiet(self) as authority:
            worker = make_worker(
                self.settings, authority.engine, authority.keys, name="w", clock=self.clock,
                catalogue=self.catalogue,
            )  # fmt: skip
            worker.run_once()
            worker.release()

    def verifier(self, host: str = OLD_HOST, **options: Any) -> Verifier:
        self.caches += 1
        usual: dict[str, Any] = {
            "url": f"file://{self.settings.published}/",
            "cache_dir": self.home / f"cache-{self.caches}",
            "clock": self.clock,
        }
        return Verifier.from_root(self.settings.trust_root, **usual | options)


def open_quiet(reform: Reform) -> Any:
    """As services do: the tree is free for the worker."""
    return open_authority(
        reform.settings,
        clock_ns=lambda: reform.now * 10**9,
        rng=secrets.token_bytes,
        writes=False,
    )


def found_heir(authority: Authority, reform: Reform) -> IssuerRecord:
    """The office that takes over, with keys, rights and a status list."""
    for purpose in ("certificate", "status"):
        ensure_active(authority.keys, issuer_id=HEIR, alg="ES256", purpose=purpose, now=reform.now)
    right = Right(
        vct=f"{OLD_HOST}vct/{TYPE}", division="999800", not_before=reform.now,
    )  # fmt: skip
    names = {"zh": "示例区市场监督管理局", "en": "District Market Regulator (example)"}
    profile = IssuerProfile(uscc=HEIR, names=names, level=Level.COUNTY)
    return new_record(profile, [right], authority.keys, base_url=OLD_HOST)


def open_list(authority: Authority, office: str, reform: Reform) -> None:
    sealing = Sealing(office, authority.keys.data_key(data_key_name(office)))
    with writing(authority.engine) as connection:
        lists = StatusLists(connection, size=reform.settings.status_list_size)
        lists.ensure_open(sealing, now=reform.now)


def ended(record: IssuerRecord, at: int) -> tuple[Right, ...]:
    return tuple(replace(right, not_after=at) for right in record.rights)


@pytest.fixture
def reform(tmp_path: Path) -> Iterator[Reform]:
    return Reform(tmp_path / "var")


def later_offline(reform: Reform, verifier: Verifier, texts: list[str]) -> list[str]:
    """What the same cache says hours later without a line."""
    verifier.prefetch()
    reform.now += 6 * 3600
    holdings = verifier.holdings
    alone = reform.verifier(offline=True, cache_dir=reform.home / f"cache-{reform.caches}")
    assert holdings.trust.cached() is not None
    said = [alone.check(text).code for text in texts]
    reform.now -= 6 * 3600
    return said


def test_a_merged_office_keeps_what_it_signed(reform: Reform) -> None:
    old = reform.issue()
    before = reform.verifier()
    assert before.check(old).code == "valid"
    reform.now += DAY
    with reform.authority() as authority:
        heir = found_heir(authority, reform)
        publish_records(authority, [heir], now=reform.now)
        open_list(authority, HEIR, reform)
        record = authority.trust.record(f"{OLD_HOST}i/{OFFICE}")
        publish_issuer(
            authority, OFFICE, now=reform.now, rights=ended(record, reform.now), successor=heir.iss
        )
    new = reform.issue(HEIR)
    # The old office is closed: its name is not used for anything new.
    with pytest.raises(IssuingError, match="no right"):
        reform.issue(OFFICE)
    with reform.authority() as authority:
        for key in authority.keys.list(OFFICE):
            if key.purpose == "certificate" and key.state is State.ACTIVE:
                authority.keys.set_state(OFFICE, key.kid, State.RETIRED, now=reform.now)
        publish_issuer(authority, OFFICE, now=reform.now)
    reform.work()
    # One that knew the office, one that never did, and one that has no line.
    fresh = reform.verifier()
    for verifier in (before, fresh):
        verifier.refresh()
        former, present = verifier.check(old), verifier.check(new)
        assert (former.code, present.code) == ("valid", "valid")
        assert former.issuer_name["en"] != present.issuer_name["en"]
        assert former.iss.endswith(OFFICE)
        assert present.iss.endswith(HEIR)
        record = verifier.holdings.trust.cached().record(former.iss)
        assert record.successor == heir.iss
    assert later_offline(reform, fresh, [old, new]) == ["valid", "valid"]
    # The heir's keys do not speak for the old office, nor the other way.
    _, payload, rest = new.split(".", 2)
    assert fresh.check(".".join((old.split(".")[0], payload, rest))).code != "valid"


def test_a_renamed_office_shows_its_new_name(reform: Reform) -> None:
    old = reform.issue()
    offline = reform.verifier()
    assert offline.check(old).issuer_name["zh"] != "新名称"
    with reform.authority() as authority:
        names = {"zh": "新名称", "en": "New name"}
        publish_issuer(authority, OFFICE, now=reform.now, names=names)
    assert reform.verifier().check(old).issuer_name == {"zh": "新名称", "en": "New name"}
    # Who has no line shows the name of the day it last looked.
    assert later_offline(reform, offline, [old]) == ["valid"]


def test_an_office_that_moves_to_another_host(reform: Reform) -> None:
    old = reform.issue()
    knew = reform.verifier()
    assert knew.check(old).code == "valid"
    reform.now += DAY
    with reform.authority() as authority:
        record = authority.trust.record(f"{OLD_HOST}i/{OFFICE}")
        moved = tuple(replace(right, vct=right.vct.replace(OLD_HOST, NEW_HOST))
                      for right in record.rights)  # fmt: skip
    # The whole service moves; the office's code, and so its place in the list, stays.
    reform.settings = reform.settings.model_copy(update={"public_url": NEW_HOST})
    with reform.authority() as authority:
        done = publish_issuer(
            authority, OFFICE, now=reform.now, rights=(*record.rights, *moved), mirrors=(OLD_HOST,)
        )
        assert done.record.iss == f"{NEW_HOST}i/{OFFICE}"
        assert done.record.aliases == (record.iss,)
    new = reform.issue()
    sources = {OLD_HOST: f"file://{reform.settings.published}/"}
    sources[NEW_HOST] = sources[OLD_HOST]
    fresh = reform.verifier(sources=sources)
    assert [fresh.check(text).code for text in (old, new)] == ["valid", "valid"]
    assert fresh.check(old).iss == record.iss
    fresh.prefetch()
    reform.now += 6 * 3600
    alone = reform.verifier(
        sources=sources, offline=True, cache_dir=reform.home / f"cache-{reform.caches}"
    )
    assert [alone.check(text).code for text in (old, new)] == ["valid", "valid"]
    # A former host is the issuer's only because its record says so.
    with reform.authority() as authority:
        publish_issuer(authority, OFFICE, now=reform.now, mirrors=())
    assert reform.verifier(sources=sources).check(old).code == "malformed"


def proof_of(reform: Reform, token: str) -> str:
    """The proof that the office's log gives of a certificate now."""
    signing_input = token.split("~", 1)[0].rpartition(".")[0].encode()
    wanted = issued_of(signing_input).hash
    with open_quiet(reform) as authority:
        with reading(authority.engine) as connection:
            rows = connection.exec_driver_sql("SELECT leaf_hash, log_index FROM log_entry").all()
        (index,) = (place for leaf_hash, place in rows if leaf_hash == wanted)
        reader = LogReader(authority.tree, authority.keys, origin=log_origin(OLD_HOST))
        return reader.proof(index, wanted) or ""


def test_a_stolen_log_key_proves_nothing_and_its_log_goes_on(reform: Reform) -> None:
    old = reform.issue()
    stale = proof_of(reform, old)
    asks = Policy(require_log_proof=True)
    assert reform.verifier().check(old, policy=asks, log_proof=stale).code == "valid"
    with reform.authority() as authority:
        (key,) = authority.keys.list("log")
        compromise(authority, "log", key.kid, now=reform.now, replace=True)
    # What the stolen key has signed counts no more; nothing else is lost.
    verifier = reform.verifier()
    assert verifier.check(old, policy=asks, log_proof=stale).code == "log_proof_missing"
    assert verifier.check(old).code == "valid"
    # The log stands still, and its proofs are good again; they stay so when it grows.
    proof = proof_of(reform, old)
    assert verifier.check(old, policy=asks, log_proof=proof).code == "valid"
    new = reform.issue()
    for token in (old, new):
        proof = proof_of(reform, token)
        assert verifier.check(token, policy=asks, log_proof=proof).code == "valid"
