"""Offices whose keys take turns, and windows that were without a line meanwhile.

Keys, publisher and verifiers are the real ones; only the clock is turned by hand. What a window
must answer is worked out here from when each key was first listed and when the window last looked,
and never from what the window holds.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from certsvc.issuing.errors import SigningUnavailable
from certsvc.issuing.plan import choose_signer
from certsvc.publishing import IssuerProfile, PublishedTree, TrustPublisher, build_record
from certsvc.publishing.roles import ROOT_LIFE
from certsvc.publishing.status import StatusPublisher
from certsvc_sdk import sdjwt, statuslist
from certsvc_sdk.client import Verifier
from certsvc_sdk.policy import Policy
from certsvc_sdk.trust.about import About, Environment
from certsvc_sdk.trust.record import IssuerRecord, Level, Right
from keys import KeyInfo, Signer, State
from keys.filestore import FileKeyStore
from keys.rotation import RotationPolicy, apply, plan

BASE = "https://certs.example/"
NOW = 1_800_000_000
HOUR, DAY = 3600, 86_400
# What a verifier may go without newer trust data, and how often the worker looks at the tree.
LIFE, BEAT = DAY, 6 * HOUR
MARKET, ELSEWHERE = "119999000000000198", "11999800000000019X"
TYPES = {MARKET: ("business-licence", "food-permit"), ELSEWHERE: ("business-licence",)}
GROUPS = [(office, purpose, ()) for office in TYPES for purpose in ("certificate", "status")]
GROUPS.append((MARKET, "certificate", ("food-permit",)))
BITS = statuslist.MutableStatusBits(64).freeze()
# Memory where there is some: every file is synced, and a disk would be all that is measured.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def store_in(folder: Path) -> FileKeyStore:
    return FileKeyStore(folder / "keys", passphrase=b"test only", scrypt_n=2)


@cache
def template() -> tuple[tempfile.TemporaryDirectory[str], bytes]:
    """A world in which every group has its key, made once; and its root."""
    folder = tempfile.TemporaryDirectory(dir=MEMORY)
    store = store_in(Path(folder.name))
    for office, purpose, types in GROUPS:
        key = store.generate(issuer_id=office, alg="ES256", purpose=purpose, types=types, now=NOW)
        for state in (State.PRE_PUBLISHED, State.ACTIVE):
            store.set_state(office, key.kid, state, now=NOW)
    tree = PublishedTree(Path(folder.name) / "published")
    trust = TrustPublisher(tree, store)
    root = trust.initialise(NOW, About(env=Environment.PRODUCTION, base=BASE))
    trust.publish_records([record_of(store, office) for office in TYPES], NOW)
    for office in TYPES:
        StatusPublisher(tree, store, base_url=BASE).publish(office, 1, BITS, 1, NOW)
    for name in ("village", "truck"):
        knows = Verifier.from_root(
            root, url=f"file://{tree.root}/", clock=lambda: NOW,
            cache_dir=Path(folder.name) / f"cache-{name}",
        )  # fmt: skip
        assert knows.prefetch().complete
    return folder, root


def record_of(store: FileKeyStore, office: str) -> IssuerRecord:
    rights = tuple(
        Right(vct=f"{BASE}vct/{name}", division=office[2:8], not_before=0) for name in TYPES[office]
    )
    profile = IssuerProfile(uscc=office, names={"zh": "机关", "en": "Office"}, level=Level.CITY)
    return build_record(profile, store.list(office), rights, BASE)


@dataclass(frozen=True)
class Certificate:
    office: str
    kid: str
    text: str


@dataclass
class Window:
    """A place that accepts certificates.

    Attributes:
        name: its line is the link of that name; without the link there is no line.
        source: the tree behind the line, `published` or `mirror`.
        rules: `trust_refresh`, and the ages that its policy accepts.
        looked: moment of a look → moment for which the tree stood that it saw.
        offices: whose records and lists it has.
    """

    name: str
    source: str
    rules: Mapping[str, int]
    verifier: Verifier = field(init=False)
    looked: dict[int, int] = field(default_factory=dict)
    offices: set[str] = field(default_factory=set)

    @property
    def policy(self) -> Policy:
        ages = {name: age for name, age in self.rules.items() if name != "trust_refresh"}
        return Policy(**ages)


def windows() -> list[Window]:
    days = {"max_trust_age": DAY, "max_status_age": 2 * DAY}
    week = {"max_trust_age": 7 * DAY, "max_status_age": 7 * DAY}
    return [
        Window("counter", "published", {"trust_refresh": 300}),
        # The longest way: a mirror's copy of a day, used for another day.
        Window("village", "mirror", {"trust_refresh": DAY, **days}),
        Window("truck", "published", {"trust_refresh": 7 * DAY, **week}),
    ]


class World:
    """One schedule's world, under a rule of rotation."""

    def __init__(self, policy: RotationPolicy) -> None:
        self.policy = policy
        self._home = tempfile.TemporaryDirectory(dir=MEMORY)
        self.home = Path(self._home.name)
        made, self.root = template()
        shutil.copytree(made.name, self.home, dirs_exist_ok=True)
        self.now = self.beaten = NOW
        self.store = store_in(self.home)
        self.tree = PublishedTree(self.home / "published")
        self.trust = TrustPublisher(self.tree, self.store)
        self.lists = StatusPublisher(self.tree, self.store, base_url=BASE)
        self.signed = dict.fromkeys(TYPES, NOW)
        self.rooted = NOW
        self.listed = {info.kid: NOW for office in TYPES for info in self.store.list(office)}
        self.records = {office: record_of(self.store, office) for office in TYPES}
        self.held: dict[str, Signer] = {}
        self.certificates: list[Certificate] = []
        self.copy()
        self.windows = windows()
        for window in self.windows[1:]:
            window.looked[NOW], window.offices = NOW, set(TYPES)
        for window in self.windows:
            self.connect(window)
            self.restart(window)

    def end(self) -> None:
        self._home.cleanup()

    def wait(self, seconds: int, lag: int = 0, *, turn: bool = False) -> None:
        """Let time pass; the worker was at the tree `lag` seconds before its end."""
        end = self.now + seconds
        if end - lag > self.beaten + HOUR:
            self.now = max(self.now, end - lag)
            self.beat()
            if turn:
                self.turn()
                self.publish()
        self.now = end

    def beat(self) -> None:
        if self.now - self.rooted > ROOT_LIFE // 2:
            self.trust.renew_root(self.now)
            self.rooted = self.now
        self.trust.resign(self.now)
        for office in TYPES:
            if self.now - self.signed[office] >= BEAT:
                self.lists.publish(office, 1, BITS, 1, self.now)
                self.signed[office] = self.now
        self.beaten = self.now

    def copy(self) -> None:
        """The mirror takes a copy of the tree."""
        new = self.home / f"copy-{self.now}"
        shutil.copytree(self.tree.root, new, copy_function=os.link)
        link(self.home / "mirror", new)
        self.copied = self.now

    def publish(self) -> None:
        records = [record_of(self.store, office) for office in TYPES]
        self.trust.publish_records(records, self.now)
        self.records = {record.uscc: record for record in records}
        for record in records:
            for key in record.keys:
                self.listed.setdefault(key.kid, self.now)

    def turn(self) -> None:
        """Do what the plan says is due."""
        every = [info for office in TYPES for info in self.store.list(office)]
        used = {info.kid: self.used(info.kid) for info in every}
        steps = plan(every, policy=self.policy, now=self.now, used=used, listed=self.listed)
        apply(self.store, steps, now=self.now)

    def used(self, kid: str) -> int:
        return sum(each.kid == kid for each in self.certificates)

    def in_state(self, *states: State, purpose: str | None = None) -> list[KeyInfo]:
        every = (info for office in TYPES for info in self.store.list(office))
        return [info for info in every if info.state in states and purpose in (None, info.purpose)]

    def ripe(self) -> list[KeyInfo]:
        """Keys that the rule lets a person activate by hand."""
        since = self.now - self.policy.pre_publish
        waiting = self.in_state(State.PRE_PUBLISHED)
        return [info for info in waiting if self.listed.get(info.kid, self.now + 1) <= since]

    def issue(self, office: str, name: str, skew: int) -> None:
        """Issue by a host whose clock is off by `skew`, with a signer it may have held for long."""
        iat = self.now + skew
        record = self.records[office]
        try:
            signer = choose_signer(self.store, record, office, name, now=iat)
        except SigningUnavailable:
            return
        signer = self.held.setdefault(signer.kid, signer)
        number = len(self.certificates)
        claims: dict[str, Any] = {
            "iss": record.iss,
            "vct": f"{BASE}vct/{name}/1",
            "certificate_identifier": f"1.2.156.3005.2.test.{number}",
            "iat": iat,
            "status": {"status_list": {"idx": number % 64, "uri": f"{record.status_prefix}1"}},
        }
        header = {"alg": signer.alg, "typ": "dc+sd-jwt", "kid": signer.kid}
        draft = sdjwt.draft(header=header, claims=claims, disclose=(), salts=iter(()))
        text = draft.finish(signer.sign(draft.signing_input))
        self.certificates.append(Certificate(office, signer.kid, text))

    def connect(self, window: Window) -> None:
        link(self.line(window), self.home / window.source)

    def cut(self, window: Window) -> None:
        self.line(window).unlink(missing_ok=True)

    def line(self, window: Window) -> Path:
        return self.home / f"line-{window.name}"

    def restart(self, window: Window) -> None:
        window.verifier = Verifier.from_root(
            self.root,
            url=f"file://{self.line(window)}/",
            cache_dir=self.home / f"cache-{window.name}",
            policy=window.policy,
            clock=lambda: self.now,
            trust_refresh=window.rules["trust_refresh"],
        )

    def look(self, window: Window) -> None:
        """Note what a fetch would see now."""
        if self.line(window).is_symlink():
            self.wait(1)
            window.looked[self.now] = self.copied if window.source == "mirror" else self.now

    def fetch(self, window: Window, *, whole: bool) -> None:
        self.look(window)
        done = window.verifier.prefetch() if whole else window.verifier.refresh()
        if whole and done.complete:
            window.offices.update(TYPES)

    def check(self, window: Window, each: Certificate) -> tuple[str, str]:
        """What a window says, and what it must say."""
        self.look(window)
        verdict = window.verifier.check(each.text)
        if verdict.status_as_of is not None:
            window.offices.add(each.office)
        return verdict.code, self.expected(window, each, verdict.status_as_of)

    def expected(self, window: Window, each: Certificate, status_as_of: int | None) -> str:
        trust = window.verifier.holdings.trust.cached()
        if trust is None:
            return "trust_unavailable"
        rules, seen = window.policy, window.looked[trust.as_of]
        if rules.max_trust_age is None:
            stale = self.now >= trust.expires
        else:
            stale = self.now - trust.as_of > rules.max_trust_age
        if stale:
            return "trust_stale"
        if each.office not in window.offices:
            return "trust_unavailable"
        # The rule itself: who looked within twice the life of trust data knows every active key.
        if self.listed[each.kid] > seen:
            return "trust_stale" if self.now - seen > 2 * LIFE else "valid"
        if status_as_of is None:
            return "status_unavailable"
        longest = LIFE - 1 if rules.max_status_age is None else rules.max_status_age
        return "status_stale" if self.now - status_as_of > longest else "valid"


def link(place: Path, to: Path) -> None:
    new = place.with_suffix(".new")
    new.symlink_to(to)
    new.replace(place)
