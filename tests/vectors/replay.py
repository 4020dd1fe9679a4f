"""Read the vectors of `bad/` and replay them against the SDK, without network or files.

The world of a vector is plain JSON (see bad/README.md); this is the reader that other languages'
readers can be held to. It imports nothing but the SDK, so that a mutated SDK can be put under it.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from certsvc_sdk import statuslist
from certsvc_sdk.cache import is_older
from certsvc_sdk.codes import CODES
from certsvc_sdk.errors import (
    CertsvcError,
    CodeUnknown,
    LogInvalid,
    Malformed,
    TrustUnavailable,
)
from certsvc_sdk.log.history import read_history
from certsvc_sdk.log.leaf import issued_of
from certsvc_sdk.log_trust import view_of
from certsvc_sdk.memory import Memory
from certsvc_sdk.nonces import NonceCheck, ProcessNonces
from certsvc_sdk.policy import Policy
from certsvc_sdk.strict import b64u_encode
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord, issuer_target, parse_record
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.verify import decide_token
from certsvc_sdk.world import CLOCK_TOLERANCE, StatusSnapshot

FOLDER = Path(__file__).parent / "bad"


@dataclass(frozen=True)
class Vector:
    """A vector with its world already merged in."""

    name: str
    content: dict[str, Any]
    world: dict[str, Any]

    @property
    def row(self) -> str:
        """Row of threats.md."""
        return str(self.content["row"])

    @property
    def usable(self) -> bool:
        """Whether this installation has what the vector needs."""
        return "needs" not in self.content or find_spec("gmssl_pyx") is not None

    @property
    def expect(self) -> dict[str, Any]:
        """What must come out."""
        return dict(self.content["expect"])

    @property
    def now(self) -> int:
        """Unix seconds of the question."""
        return int(self.content["now"])

    @property
    def text(self) -> str:
        """What arrives."""
        return joined(self.content["input"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Earlier checks by the same reader, then the one that counts."""
        usual = {name: self.content.get(name) for name in ("input", "policy", "at")}
        before = self.content.get("before", [])
        steps = [*before, {"now": self.now}]
        lists = self.world["status_lists"]
        return [usual | {"status_lists": lists} | step for step in steps]


def load() -> list[Vector]:
    """All vectors, in the order of their names."""
    worlds = {path.stem: _json(path) for path in sorted((FOLDER / "worlds").glob("*.json"))}
    return [_vector(path, worlds) for path in sorted(FOLDER.glob("T*.json"))]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _vector(path: Path, worlds: dict[str, Any]) -> Vector:
    content = _json(path)
    world = dict(worlds[content["world"]])
    for name in ("environment", "trust"):
        if name in content:
            world[name] = content[name]
    for name in ("records", "status_lists", "log"):
        merged = world.get(name, {}) | content.get(name, {})
        world[name] = {key: value for key, value in merged.items() if value is not None}
    return Vector(path.stem, content, world)


def joined(parts: Any) -> str:
    """The text of an input: a string, or a list of strings and runs."""
    if isinstance(parts, str):
        return parts
    return "".join(
        part if isinstance(part, str) else part["repeat"] * part["times"] for part in parts
    )


def record_text(value: Any) -> bytes:
    """Bytes of a trust record: an object, or its very text."""
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return joined(value).encode("utf-8", "surrogatepass")


def is_unfetched(value: Any) -> bool:
    """Whether a record is listed but was never fetched."""
    return bool(value == {"never_fetched": True})


def policy_of(step: dict[str, Any]) -> Policy:
    """The policy of a step; absent: the default."""
    return Policy() if step["policy"] is None else Policy.from_json(step["policy"])


def nonces_of(vector: Vector) -> ProcessNonces | None:
    """The nonces that the reader gave out, each at its moment; None: it keeps no such store."""
    if "nonces" not in vector.content:
        return None
    store = ProcessNonces()
    for nonce, moment in vector.content["nonces"].items():
        store.issue(nonce, now=moment)
    return store


@dataclass(frozen=True)
class Codes:
    """A resolver (`certsvc_sdk.resolver.Resolver`) over a vector's JSON."""

    known: dict[str, Any]

    def resolve(self, code: str) -> str:
        """What the vector says that it answers."""
        if code not in self.known:
            raise CodeUnknown("the vector names no such code")
        return joined(self.known[code])


def resolver_of(vector: Vector) -> Codes | None:
    """The resolver that the reader may ask; None: there is none."""
    return Codes(vector.content["codes"]) if "codes" in vector.content else None


@dataclass(frozen=True)
class Logged:
    """What a log serves for a certificate, and the trust in that log."""

    view: Any
    leaf_hash: bytes
    text: str


@dataclass
class MemoryWorld:
    """`certsvc_sdk.world.World` over a vector's JSON, with the memory of one reader."""

    world: dict[str, Any]
    now: int = 0
    clock_floor: int = 0
    served: dict[str, Any] = field(default_factory=dict)
    held: dict[str, StatusSnapshot] = field(default_factory=dict)
    revoked: set[tuple[str, int]] = field(default_factory=set)

    def trust(self) -> Any:
        """The trust data as the reader holds it."""
        held = self.world["trust"]
        if held is None:
            return None
        env = Environment(self.world["environment"])
        return SimpleNamespace(**held, env=env, record=self._record)

    def _record(self, iss: str) -> Any:
        """The record found from `iss`; one that cannot be accepted is as good as not fetched."""
        try:
            path = issuer_target(iss)
        except Malformed:
            return None
        value = self.world["records"].get(path)
        if value is None:
            return None
        if is_unfetched(value):
            raise TrustUnavailable("never fetched")
        try:
            record = _parsed(record_text(value))
            in_place = issuer_target(record.iss) == path
        except CertsvcError as error:
            raise TrustUnavailable("the record cannot be accepted") from error
        if not in_place or (record.uses_loopback and self.world["environment"] != "demo"):
            raise TrustUnavailable("the record cannot be accepted")
        # Whether it answers to `iss` is for the reader under test to see.
        return record

    def status(self, uri: str, record: Any) -> StatusSnapshot | None:
        """What is served, unless a genuine and newer list was seen before (T40)."""
        held = self.held.get(uri)
        if uri not in self.served:
            return held
        try:
            fetched = StatusSnapshot(statuslist.read(joined(self.served[uri])), self.now)
        except CertsvcError:
            return held
        if not fetched.is_genuine(record, uri):
            return held or fetched
        if held is not None and is_older(fetched.token, than=held.token):
            return held
        self.held[uri] = fetched
        if fetched.token.iat <= self.now + CLOCK_TOLERANCE:
            self.clock_floor = max(self.clock_floor, fetched.token.iat)
        return fetched

    def log_index(self, signing_input: bytes, record: Any) -> int | None:
        """The place that the served proof shows."""
        found = self._logged("proof", signing_input, record)
        try:
            return None if found is None else found.view.prove(found.text, found.leaf_hash).index
        except LogInvalid:
            return None

    def life(self, signing_input: bytes, record: Any, at: int, *, fresh: bool = False) -> Any:
        """The life that the served history proves."""
        found = self._logged("history", signing_input, record)
        try:
            if found is None:
                return None
            return read_history(found.text.encode()).prove(found.view, found.leaf_hash)
        except LogInvalid:
            return None

    def _logged(self, kind: str, signing_input: bytes, record: Any) -> "Logged | None":
        """What is served below the log's address for a certificate (`log_source`)."""
        view = view_of(record)
        if view is None:
            return None
        try:
            leaf_hash = issued_of(signing_input).hash
        except LogInvalid:
            return None
        address = f"https://{view.origin}/{kind}/{b64u_encode(leaf_hash)}"
        text = self.world["log"].get(address)
        return None if text is None else Logged(view, leaf_hash, joined(text))

    def dictionary(self, number: int) -> bytes | None:
        """None is listed."""
        return None

    def known_revoked(self, uri: str, index: int) -> bool:
        """Whether this entry was ever seen revoked."""
        return (uri, index) in self.revoked

    def remember_revoked(self, uri: str, index: int) -> None:
        """Remember it."""
        self.revoked.add((uri, index))


@lru_cache(maxsize=256)
def _parsed(text: bytes) -> IssuerRecord:
    """A record as a verifier holds it: the same objects for the same text."""
    return parse_record(text)


def decide(vector: Vector, memory: Memory | None = None) -> Verdict:
    """The verdict of the pure core, with or without a memory of tokens."""
    world, store = MemoryWorld(vector.world), nonces_of(vector)
    resolver = resolver_of(vector)
    for step in vector.steps:
        now = world.now = step["now"]
        world.served = step["status_lists"]
        spend = None if store is None else NonceCheck(store, now=now)
        text, policy = joined(step["input"]), policy_of(step)
        verdict = decide_token(
            text,
            world=world,
            policy=policy,
            now=now,
            at=step["at"],
            spend_nonce=spend,
            memory=memory,
            resolve=None if resolver is None else resolver.resolve,
        )
    return verdict


def differences(vector: Vector, verdict: dict[str, Any]) -> list[str]:
    """How a verdict, as the API spells it, differs from what the vector expects."""
    expect = vector.expect
    wrong = [
        f"{name}: expected {expect[name]!r}, got {verdict[name]!r}"
        for name in ("outcome", "code", "acceptable", "reasons", "claims", "issuer_name")
        if name in expect and verdict[name] != expect[name]
    ]
    found = [one["name"] for one in verdict["checks"] if one["code"] == verdict["code"]]
    if "check" in expect and expect["check"] not in found[:1]:
        wrong.append(f"found by {found[:1]} instead of {expect['check']}")
    signed = next(one["result"] for one in verdict["checks"] if one["name"] == "signature")
    shown = [verdict[name] for name in ("claims", "iss", "vct", "certificate_identifier")]
    if signed != "passed" and any(value is not None for value in shown):
        wrong.append("it shows what nobody signed")
    if verdict["code"] not in CODES or CODES[verdict["code"]].outcome != verdict["outcome"]:
        wrong.append("code and outcome do not belong together")
    return wrong


def quick_verdict(verdict: Verdict) -> dict[str, Any]:
    """The members that are compared, without the sentences."""
    return {
        "outcome": verdict.outcome.value,
        "code": verdict.code,
        "acceptable": verdict.acceptable,
        "reasons": list(verdict.reasons),
        "claims": None if verdict.claims is None else dict(verdict.claims),
        "issuer_name": None if verdict.issuer_name is None else dict(verdict.issuer_name),
        "iss": verdict.iss,
        "vct": verdict.vct,
        "certificate_identifier": verdict.certificate_identifier,
        "checks": [check._asdict() for check in verdict.checks],
    }


def judge(vector: Vector, memory: Memory | None = None) -> list[str]:
    """What is wrong with the pure core's verdict; anything but a verdict is wrong too."""
    verdict: Any = decide(vector, memory)
    if type(verdict) is not Verdict:
        return [f"not a verdict: {verdict!r}"]
    return differences(vector, quick_verdict(verdict))
