"""What is fuzzed: one target a format, each a function of choices that raises on a finding."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from fuzzing import aims, model, policies, published, world
from fuzzing.draws import Draws
from fuzzing.logs import LogTarget
from fuzzing.presentations import make_code, make_token, raw_text
from fuzzing.properties import (
    Finding,
    check_binding,
    check_presentation,
    check_verdict,
    fresh_world,
    hold,
    judge,
    same,
)
from fuzzing.tokens import (
    Jws,
    Token,
    mutate_json,
    mutate_jws,
    mutate_token,
    signer_of,
    spoil_text,
)
from fuzzing.world import URI, Surroundings

from certsvc_sdk import Outcome, statuslist
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.policy import Policy
from certsvc_sdk.trust.record import parse_record
from certsvc_sdk.world import StatusSnapshot

Target = Callable[[Draws], None]

_RECORD = world.record_json()
# One more than what a reader may inflate of a list.
_BOMB = 2 * 1024 * 1024 + 1


class TokenTarget:
    """Token → verdict, in a world that remembers; a mutant changes no other answer."""

    def __init__(self) -> None:
        self.world = fresh_world()
        self.before = {
            kind: judge(text, self.world).to_json() for kind, text in world.tokens().items()
        }

    def __call__(self, draws: Draws) -> None:
        raw = draws.one_in(8)
        text, kind = (raw_text(draws), None) if raw else make_token(draws)
        verdict = judge(text, self.world)
        original = None if kind is None else self.before[kind]["claims"]
        lists = {URI: world.list_token()}
        check_presentation(verdict, text, record=_RECORD, lists=lists, original=original)
        other = draws.pick(tuple(self.before))
        again = judge(world.tokens()[other], self.world).to_json()
        hold(same(again, self.before[other]), "a mutant changed another token's verdict", text)
        twice = judge(text, self.world)
        hold(same(twice.to_json(), verdict.to_json()), "asked twice, answered otherwise", text)


def frame(draws: Draws) -> None:
    """QR frame → verdict."""
    text, kind = (raw_text(draws), None) if draws.one_in(8) else make_code(draws)
    surroundings = fresh_world()
    verdict = judge(text, surroundings)
    original = None if kind is None else judge(world.tokens()[kind], surroundings).claims
    lists = {URI: world.list_token()}
    check_presentation(verdict, text, record=_RECORD, lists=lists, original=original)


def status_list(draws: Draws) -> None:
    """Status list → reader, snapshot, and the verdict of a good token."""
    raw = draws.one_in(8)
    text = raw_text(draws) if raw else _changed_list(draws)
    surroundings = fresh_world()
    surroundings.lists = {}
    try:
        snapshot = StatusSnapshot(statuslist.read(text), world.NOW)
    except CertsvcError:
        snapshot = None
    except Exception as error:
        raise Finding(f"statuslist.read raised {error!r}", text) from error
    if snapshot is not None:
        surroundings.lists[URI] = snapshot
        genuine = snapshot.is_genuine(surroundings.issuer, URI)
        hold(type(genuine) is bool, "is_genuine says neither yes nor no", text)
        if genuine:
            _read_entries(snapshot, text)
    kind = draws.pick(("licence", "clear"))
    verdict = judge(world.tokens()[kind], surroundings)
    hold(snapshot is not None or verdict.outcome is Outcome.UNKNOWN, "an answer of no list", text)
    token, lists = world.tokens()[kind], {URI: text}
    check_presentation(verdict, token, record=_RECORD, lists=lists)


def _read_entries(snapshot: StatusSnapshot, text: str) -> None:
    for index in (0, 1, 7, world.ENTRIES - 1, 10**7, 2**63):
        try:
            value = snapshot.value(index)
        except CertsvcError:
            continue
        hold(type(value) is int and 0 <= value < 256, "an entry of no value", text)


def _changed_list(draws: Draws) -> str:
    before = Jws.of(world.list_token())
    after = mutate_jws(before, draws, aims.LIST) if draws.below(2) else before
    if draws.below(2):
        after = _repacked(after, draws)
    if draws.below(2):
        after = after.signed(signer_of(after, world.STATUS, draws))
    text = after.text()
    return spoil_text(text, draws) if draws.one_in(6) else text


def _repacked(jws: Jws, draws: Draws) -> Jws:
    """Another bit array, or another compression of it."""
    bits = bytearray(draws.pick((250, 2, 1, 500)))
    at = draws.place(bits)
    bits[at] = draws.below(256)
    packed = zlib.compress(bytes(bits), draws.pick((9, 0)))
    cut = draws.place(packed)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    lst = draws.pick(
        (
            lambda: packed,
            lambda: packed[:cut],
            lambda: packed + draws.blob(4),
            lambda: packed + packed,
            lambda: packed[:cut] + bytes((packed[cut] ^ 1 << draws.below(8),)) + packed[cut + 1 :],
            lambda: raw.compress(bytes(bits)) + raw.flush(),
            lambda: zlib.compress(bytes(_BOMB - draws.below(2)), 9),
            lambda: zlib.compress(packed),
            lambda: b"",
            lambda: zlib.compress(b""),
            lambda: draws.blob(60),
        )
    )()
    payload = world.list_payload()
    payload["status_list"] = {"bits": draws.pick((2, 1, 4, 8, 3, 0)), "lst": world.b64u(lst)}
    return Jws(jws.header, world.compact(payload), jws.signature)


def trust_record(draws: Draws) -> None:
    """Trust record → reader, and the verdict of a good token in its world."""
    if draws.one_in(8):
        data = draws.rest()
    else:
        stated = world.record_json()
        # An aggregation holds the prefix fast: it must lie under it.
        stated |= {"status_aggregation": None} if draws.below(2) else {}
        data = mutate_json(world.compact(stated), draws, aims.RECORD)
    try:
        record = parse_record(data)
    except CertsvcError:
        return
    except Exception as error:
        raise Finding(f"parse_record raised {error!r}", data) from error
    hold(parse_record(record.to_bytes()) == record, "written and read, another record", data)
    hold(type(record.uses_loopback) is bool, "uses_loopback says neither yes nor no", data)
    surroundings = Surroundings(issuer=record)
    token = world.tokens()[draws.pick(("licence", "household", "clear"))]
    verdict = judge(token, surroundings)
    if verdict.outcome is Outcome.VALID:
        stated = model.read(data, "record")
        hold(same(stated["names"], dict(verdict.issuer_name or {})), "another name", data)
        check_presentation(verdict, token, record=stated, lists={URI: world.list_token()})


def policy(draws: Draws) -> None:
    """Policy JSON → policy, and verdicts under it."""
    if draws.one_in(8):
        data = draws.rest()
    else:
        data = world.compact(policies.POLICY)
        data = mutate_json(data, draws, policies.AIMS) if draws.below(3) else data
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        rules = Policy.from_json(value)
    except CertsvcError:
        return
    except Exception as error:
        raise Finding(f"Policy.from_json raised {error!r}", value) from error
    if rules.given is None:  # what belongs to the case at hand is not written
        again = Policy.from_json(rules.to_json())
        hold(again == rules, "written and read, another policy", value)
    if draws.below(2):
        text, _ = make_token(draws)
        verdict = judge(text, fresh_world(), rules)
        check_presentation(verdict, text, record=_RECORD, lists={URI: world.list_token()})
        return
    text = world.tokens()[draws.pick(tuple(world.tokens()))]
    verdict = judge(text, fresh_world(), rules)
    hold(verdict.claims is not None, "a policy hides the claims of a good token", value)
    hold(verdict.code != "signature_invalid", "a policy breaks a signature", value)


def key_binding(draws: Draws) -> None:
    """Presentation with a holder's signature → verdict under a policy that asks for it."""
    rules = Policy(require_holder_binding=True, audience=world.AUDIENCE, nonce=world.NONCE)
    base = Token.of(world.tokens()["bound"])
    plain = base.text()
    iat = world.NOW + draws.pick((-5, 0, -119, -121, 59, 61, -(10**6), 10**6))
    binding = world.bind(plain, iat=iat)
    if draws.below(2):
        jws = mutate_jws(Jws.of(binding), draws, aims.BINDING)
        jws = jws.signed(draws.pick((world.HOLDER, world.ISSUER))) if draws.below(2) else jws
        binding = jws.text()
    if draws.below(2):
        changed = mutate_token(base, draws)
        anew = changed.jws.signed(world.ISSUER) if draws.below(2) else changed.jws
        base = Token(anew, changed.disclosures)
        if draws.below(2):
            binding = world.bind(base.text())
    text = Token(base.jws, base.disclosures, binding).text()
    text = spoil_text(text, draws) if draws.one_in(6) else text
    verdict = judge(text, fresh_world(), rules)
    check_presentation(verdict, text, record=_RECORD, lists={URI: world.list_token()})
    check_binding(verdict, text)


class VerifierTarget:
    """Text → `Verifier.check`: the whole SDK over a published tree and a cache on disk."""

    def __init__(self) -> None:
        self.tree = published.tree()
        self.verifier = published.verifier(self.tree)
        self.good = {kind: self._check(text) for kind, text in world.tokens().items()}

    def __call__(self, draws: Draws) -> None:
        if draws.one_in(8):
            text = raw_text(draws)
        elif draws.below(2):
            text, _ = make_token(draws)
        else:
            text, _ = make_code(draws)
        verdict = self._check(text)
        lists = {URI: world.list_token()}
        check_presentation(verdict, text, record=_RECORD, lists=lists)
        kind = draws.pick(tuple(self.good))
        hold(self._check(world.tokens()[kind]) == self.good[kind], "a mutant left a mark", text)

    def _check(self, text: str) -> Any:
        try:
            verdict = self.verifier.check(text)
        except Exception as error:
            raise Finding(f"Verifier.check raised {error!r}", text) from error
        check_verdict(verdict, text)
        return verdict


def targets() -> dict[str, Callable[[], Target]]:
    """Every target by name; a call of its value makes it ready."""
    return {
        "token": TokenTarget,
        "frame": lambda: frame,
        "list": lambda: status_list,
        "record": lambda: trust_record,
        "policy": lambda: policy,
        "binding": lambda: key_binding,
        "log": LogTarget,
        "verifier": VerifierTarget,
    }
