"""A token that comes again needs no second signature check; all that may change is asked anew."""

from dataclasses import replace
from typing import Any

import pytest

from certsvc_sdk import sdjwt, statuslist, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.memory import LIFE, Memory
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.verify import decide_token


class Counted:
    """An issuer's record whose certificate key counts its signature checks."""

    def __init__(self, record: Any) -> None:
        self.count = 0
        first, *others = record.keys
        check = first.public._check

        def counting(signing_input: bytes, signature: bytes) -> bool:
            self.count += 1
            result: bool = check(signing_input, signature)
            return result

        public = replace(first.public, _check=counting)
        self.record = replace(record, keys=(replace(first, public=public), *others))


@pytest.fixture
def counted(issuer: Any, world: Any, facts: Any) -> Counted:
    made = Counted(issuer.record())
    world.records[facts.iss] = made.record
    return made


@pytest.fixture
def memory() -> Memory:
    return Memory(2)


def judge(token: str, world: Any, memory: Memory | None, now: int, **policy: Any) -> Verdict:
    return decide_token(token, world=world, policy=Policy(**policy), now=now, memory=memory)


def test_the_same_verdict_without_a_second_signature_check(
    issuer: Any, world: Any, counted: Counted, memory: Memory, facts: Any
) -> None:
    token = issuer.token()
    first = judge(token, world, memory, facts.now)
    assert first.code == "valid"
    assert judge(token, world, memory, facts.now) == first == judge(token, world, None, facts.now)
    assert counted.count == 2
    assert judge(issuer.qr_text(token), world, memory, facts.now) == first
    assert counted.count == 2


def test_claims_belong_to_whoever_got_them(
    issuer: Any, world: Any, memory: Memory, facts: Any
) -> None:
    token = issuer.token(address={"city": "示例市"}, disclose=("/address",))
    first = judge(token, world, memory, facts.now)
    assert isinstance(first.claims, dict)
    first.claims["address"]["city"] = first.claims["name"] = "另一个"
    again = judge(token, world, memory, facts.now)
    assert again.claims is not None
    assert (again.claims["address"], again.claims["name"]) == (
        {"city": "示例市"},
        "示例科技有限公司",
    )


def test_what_may_change_is_asked_at_each_check(
    issuer: Any, world: Any, counted: Counted, memory: Memory, facts: Any
) -> None:
    token, now = issuer.token(exp=facts.now + 100), facts.now
    assert judge(token, world, memory, now).code == "valid"
    assert judge(token, world, memory, now, types=["other"]).reasons == ("type_not_accepted",)
    assert judge(token, world, memory, now + 100).code == "expired"
    world.expires = now
    assert judge(token, world, memory, now).code == "trust_stale"
    world.expires = now + 1
    world.lists[facts.uri] = issuer.snapshot({7: statuslist.INVALID})
    assert judge(token, world, memory, now).code == "revoked"
    world.revoked.clear()
    world.lists[facts.uri] = issuer.snapshot()
    assert judge(token, world, memory, now).code == "valid"
    assert counted.count == 1
    world.records[facts.iss] = issuer.record(rights=[])
    assert judge(token, world, memory, now).code == "issuer_not_authorised"
    gone = {"key": {"state": "compromised", "compromised_at": now}}
    world.records[facts.iss] = issuer.record(**gone)
    assert judge(token, world, memory, now).code == "key_compromised"
    world.records.clear()
    assert judge(token, world, memory, now).code == "issuer_unknown"


def test_another_key_checks_for_itself(
    issuer: Any, world: Any, memory: Memory, facts: Any, make_signer: Any
) -> None:
    token = issuer.token()
    assert judge(token, world, memory, facts.now).code == "valid"
    # The record's own kid, and another point: what was true under one key is not under the other.
    other = Counted(issuer.record())
    first, *rest = other.record.keys
    stranger = PublicKey.from_jwk(make_signer("ES256", 98).jwk, "ES256")
    public = replace(first.public, _check=stranger._check)
    world.records[facts.iss] = replace(other.record, keys=(replace(first, public=public), *rest))
    verdict = judge(token, world, memory, facts.now)
    assert (verdict.code, verdict.claims) == ("signature_invalid", None)


def test_only_what_verified_is_kept(issuer: Any, world: Any, memory: Memory, facts: Any) -> None:
    good = issuer.token()
    head, payload, signature = good.split("~")[0].split(".")
    forged = ".".join((head, payload, signature[:-2] + "AA")) + good[good.index("~") :]
    assert judge(forged, world, memory, facts.now).code == "signature_invalid"
    twice = good + good.split("~")[1] + "~"
    assert judge(twice, world, memory, facts.now).code == "disclosure_invalid"
    assert [memory.recall(one, facts.now) for one in (forged, twice)] == [None, None]


def test_a_presentation_and_a_very_long_token_are_not_kept(
    issuer: Any, world: Any, counted: Counted, memory: Memory, facts: Any
) -> None:
    binding = strict.b64u_encode(b"{}")
    bound = f"{issuer.token()}{binding}.{binding}.AA"
    for token in (bound, issuer.token(remarks="长" * 4_000)):
        assert [judge(token, world, memory, facts.now).code for _ in range(2)] == ["valid"] * 2
    assert counted.count == 4


def test_it_forgets_by_time_and_by_number(
    issuer: Any, world: Any, counted: Counted, memory: Memory, facts: Any
) -> None:
    now = facts.now
    tokens = [issuer.token(name=f"示例{number}") for number in range(3)]
    for token in tokens:
        judge(token, world, memory, now)
    assert [memory.recall(token, now) is None for token in tokens] == [True, False, False]
    assert memory.recall(tokens[2], now + LIFE - 1) is not None
    assert memory.recall(tokens[2], now + LIFE) is None
    assert memory.recall(tokens[2], now - 1) is None
    # What has ended leaves with the next that comes.
    judge(tokens[0], world, memory, now + LIFE)
    assert [memory.recall(token, now + 1) is None for token in tokens] == [True, True, True]
    assert memory.recall(tokens[0], now + LIFE) is not None


def test_what_it_presents_is_whole(issuer: Any, world: Any, memory: Memory, facts: Any) -> None:
    token = issuer.token(disclose=("/legal_representative", "/name"))
    shown = "~".join((*token.split("~")[:2], ""))
    for _ in range(2):
        verdict = judge(shown, world, memory, facts.now, claims=["name"])
        assert verdict.code == "valid"
        known = memory.recall(shown, facts.now)
        assert known is not None
        assert known.presented().withheld == 1
        assert known.presented().claims == verdict.claims == sdjwt.parse(shown).claims().claims
