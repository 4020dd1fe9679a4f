"""Compromised keys and moments in the past: what the log proves decides, and nothing else."""

from typing import Any

import pytest

from certsvc_sdk import statuslist
from certsvc_sdk.log.leaf import issued_of
from certsvc_sdk.policy import Policy
from certsvc_sdk.verify import decide_token
from certsvc_sdk.world import MERGE_SECONDS

OLD = {"compromised_at": 1_800_000_000, "state": "compromised"}


def judge(token: str, world: Any, now: int, at: int | None = None, **policy: Any) -> Any:
    return decide_token(token, world=world, policy=Policy(**policy), now=now, at=at)


def found(verdict: Any, name: str) -> Any:
    return next((one.result, one.code) for one in verdict.checks if one.name == name)


@pytest.mark.parametrize(
    ("index", "code"),
    [(8, "valid"), (9, "key_compromised"), (10, "key_compromised"), (None, "log_proof_missing")],
)
def test_a_certificate_proven_before_the_cut_stays(
    index: int | None, code: str, issuer: Any, world: Any, facts: Any, logbooks: Any
) -> None:
    world.records[facts.iss] = issuer.record(key=OLD | {"accept_before_log_index": 9})
    token = issuer.token()
    if index is not None:
        world.logged[logbooks.signing_input(token)] = index
    verdict = judge(token, world, facts.now)
    assert verdict.code == code
    assert found(verdict, "log_proof") == ("skipped", None)


def test_the_log_is_not_asked_for_a_forgery(issuer: Any, world: Any, facts: Any) -> None:
    world.records[facts.iss] = issuer.record(key=OLD | {"accept_before_log_index": 9})
    asked = []
    world.log_index = lambda signing_input, record: asked.append(signing_input)
    signed, _, rest = issuer.token().partition("~")
    forged = signed.rpartition(".")[0] + "." + "A" * 86 + "~" + rest
    assert judge(forged, world, facts.now).code == "signature_invalid"
    assert asked == []


def test_the_log_is_not_asked_unless_something_asks(issuer: Any, world: Any, facts: Any) -> None:
    world.log_index = world.life = None  # calling it would raise
    assert judge(issuer.token(), world, facts.now).code == "valid"


class Told:
    """A certificate with a past: issued ten days ago, and what happened since."""

    def __init__(self, book: Any, issuer: Any, world: Any, facts: Any, **claims: Any) -> None:
        self.book, self.world, self.facts = book, world, facts
        self.issued = facts.now - 10 * facts.day
        self.token = issuer.token(iat=self.issued, nbf=..., **claims)
        self.signing_input = self.token.partition("~")[0].rpartition(".")[0].encode()
        book.fill(2)
        self.places = [book.issue(self.token)]

    def then(self, event: str, days_ago: float) -> "Told":
        at = int(self.facts.now - days_ago * self.facts.day)
        place = self.book.change(self.token, event, at, before=self.places)
        self.places.append(place)
        return self

    def prove(self, as_of: int | None = None) -> Any:
        as_of = self.facts.now if as_of is None else as_of
        made = self.book.history(self.places, as_of)
        life = made.prove(self.book.view, issued_of(self.signing_input).hash)
        self.world.lives[self.signing_input] = life
        return life

    def at(self, days_ago: float) -> Any:
        at = int(self.facts.now - days_ago * self.facts.day)
        return judge(self.token, self.world, self.facts.now, at)


@pytest.fixture
def told(book: Any, issuer: Any, world: Any, facts: Any) -> Told:
    return Told(book, issuer, world, facts)


def test_nothing_happened(told: Told, facts: Any) -> None:
    told.prove()
    verdict = told.at(5)
    assert verdict.code == "valid"
    assert verdict.acceptable
    assert (verdict.judged_at, verdict.status_as_of) == (facts.now - 5 * facts.day,) * 2
    assert found(verdict, "status_list") == ("skipped", None)


def test_without_a_history_nothing_is_known(told: Told) -> None:
    assert told.at(5).code == "log_proof_missing"
    assert found(told.at(5), "status") == ("unknown", "log_proof_missing")


def test_the_future_is_unknown(told: Told) -> None:
    told.prove()
    assert told.at(-1).code == "log_proof_missing"


def test_before_its_issue_and_after_its_end(book: Any, issuer: Any, world: Any, facts: Any) -> None:
    told = Told(book, issuer, world, facts, exp=facts.now - 4 * facts.day)
    told.prove()
    assert told.at(11).code == "not_yet_valid"
    assert told.at(5).code == "valid"
    assert told.at(4).code == "expired"
    assert told.at(3).code == "expired"


def test_the_last_event_up_to_the_moment_rules(
    told: Told, world: Any, issuer: Any, facts: Any
) -> None:
    told.then("suspended", 8).then("resumed", 6).then("revoked", 2).prove()
    world.lists[facts.uri] = issuer.snapshot({7: statuslist.INVALID})
    codes = {days: told.at(days).code for days in (9, 8, 7, 6, 5, 2, 1)}
    assert codes == {
        9: "valid", 8: "suspended", 7: "suspended", 6: "valid", 5: "valid", 2: "revoked",
        1: "revoked",
    }  # fmt: skip
    assert judge(told.token, world, facts.now).code == "revoked"


def test_superseded_since(told: Told, world: Any, issuer: Any, facts: Any) -> None:
    told.then("superseded", 3).prove()
    world.lists[facts.uri] = issuer.snapshot({7: statuslist.SUPERSEDED})
    assert (told.at(4).code, told.at(2).code) == ("valid", "superseded")


@pytest.mark.parametrize(
    ("value", "event", "code"),
    [
        (statuslist.INVALID, None, "log_proof_missing"),
        (statuslist.INVALID, "suspended", "log_proof_missing"),
        (statuslist.INVALID, "revoked", "valid"),
        (statuslist.SUSPENDED, None, "log_proof_missing"),
        (statuslist.SUSPENDED, "suspended", "valid"),
        (statuslist.SUPERSEDED, "suspended", "log_proof_missing"),
        (statuslist.SUPERSEDED, "superseded", "valid"),
        (statuslist.VALID, "suspended", "valid"),
    ],
)
def test_what_the_list_shows_must_have_happened(
    value: int, event: str | None, code: str, told: Told, world: Any, issuer: Any, facts: Any
) -> None:
    if event is not None:
        told.then(event, 1)
    told.prove()
    world.lists[facts.uri] = issuer.snapshot({7: value})
    assert told.at(5).code == code


def test_a_revocation_once_seen_must_have_happened(told: Told, world: Any, facts: Any) -> None:
    told.prove()
    world.remember_revoked(facts.uri, 7)
    del world.lists[facts.uri]
    assert told.at(5).code == "log_proof_missing"
    told.then("revoked", 1).prove()
    assert told.at(5).code == "valid"


def test_an_index_outside_the_list_is_malformed_at_any_moment(
    book: Any, issuer: Any, world: Any, facts: Any
) -> None:
    status = {"status_list": {"idx": 5000, "uri": facts.uri}}
    told = Told(book, issuer, world, facts, status=status)
    told.prove()
    assert told.at(5).code == "malformed"


def test_a_list_that_is_not_genuine_says_nothing(
    told: Told, world: Any, issuer: Any, facts: Any
) -> None:
    told.prove()
    world.lists[facts.uri] = issuer.snapshot({7: 1}, signer=issuer.key)
    assert told.at(5).code == "valid"


def test_a_newer_history_is_asked_for_where_the_list_knows_more(
    told: Told, world: Any, issuer: Any, facts: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: statuslist.INVALID})
    older = told.prove()
    newer = told.then("revoked", 1).prove()
    asked = []

    def life(signing_input: bytes, record: Any, at: int, *, fresh: bool = False) -> Any:
        asked.append(fresh)
        return newer if fresh else older

    world.life = life
    assert told.at(5).code == "valid"
    assert asked == [False, True]


def test_a_statement_must_reach_beyond_the_moment_and_not_into_the_future(
    told: Told, facts: Any
) -> None:
    at = facts.now - 5 * facts.day
    for as_of, code in (
        (at + MERGE_SECONDS, "valid"),
        (at + MERGE_SECONDS - 1, "log_proof_missing"),
        (facts.now + 300, "valid"),
        (facts.now + 301, "log_proof_missing"),
    ):
        told.prove(as_of)
        assert told.at(5).code == code


def test_a_moment_within_the_clocks_tolerance_is_now(told: Told, world: Any, facts: Any) -> None:
    world.life = None  # calling it would raise
    assert judge(told.token, world, facts.now, facts.now - 300).code == "valid"


def test_a_policy_may_ask_for_the_proof_too(told: Told, world: Any, facts: Any) -> None:
    life = told.prove()
    at = facts.now - 5 * facts.day
    verdict = judge(told.token, world, facts.now, at, require_log_proof=True)
    assert verdict.code == "log_proof_missing"
    assert found(verdict, "log_proof") == ("unknown", "log_proof_missing")
    world.logged[told.signing_input] = life.index
    verdict = judge(told.token, world, facts.now, at, require_log_proof=True)
    assert verdict.code == "valid"
    assert found(verdict, "log_proof") == ("passed", None)


def test_a_key_that_was_compromised_since(told: Told, world: Any, issuer: Any, facts: Any) -> None:
    told.prove()
    world.records[facts.iss] = issuer.record(key=OLD)
    assert told.at(5).code == "key_compromised"
