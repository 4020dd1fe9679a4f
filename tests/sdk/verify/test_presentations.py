"""Presentations of a holder: the three codes, and nonces that are good once (T34)."""

from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.nonces import NONCE_LIFE, NonceCheck, ProcessNonces
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.verify import decide_token

HALL = "https://hall.example"
POLICY = Policy(require_holder_binding=True, audience=HALL, nonce="n1")


@pytest.fixture
def show(issuer: Any, facts: Any, holder_signer: Any) -> Any:
    """`show(iat=…)`: a presentation of the holder, right but for what is named."""

    def make(*, signer: Any = holder_signer, iat: int = facts.now, nonce: str = "n1") -> str:
        token = issuer.token(cnf={"jwk": signer.jwk})
        return sdjwt.present_bound(
            token, ("/legal_representative",),
            alg=signer.alg, sign=signer.sign, aud=HALL, nonce=nonce, iat=iat,
        )  # fmt: skip

    return make


def judge(text: str, world: Any, now: int, store: Any = None, policy: Policy = POLICY) -> Verdict:
    spend = None if store is None else NonceCheck(store, now=now)
    return decide_token(text, world=world, policy=policy, now=now, spend_nonce=spend)


def test_an_old_presentation_is_expired_and_no_other_fault(
    show: Any, world: Any, facts: Any
) -> None:
    assert judge(show(), world, facts.now).acceptable
    verdict = judge(show(iat=facts.now - 121), world, facts.now)
    assert (verdict.code, verdict.acceptable) == ("presentation_expired", False)
    assert "刷新" in verdict.sentence("zh")
    verdict = judge(show(iat=facts.now - 121, nonce="n2"), world, facts.now)
    assert verdict.code == "holder_binding_invalid"


def test_a_nonce_is_accepted_once(show: Any, world: Any, facts: Any) -> None:
    store = ProcessNonces()
    store.issue("n1", now=facts.now)
    assert judge(show(), world, facts.now, store).acceptable
    for text in (show(), show(iat=facts.now - 5)):
        verdict = judge(text, world, facts.now, store)
        assert (verdict.code, verdict.acceptable) == ("presentation_replayed", False)
        assert verdict.checks[-1].code == "presentation_replayed"
    # Without a store one presentation may be shown again within its two minutes.
    assert judge(show(), world, facts.now).acceptable


def test_a_nonce_that_was_not_given_out_or_is_forgotten_is_refused(
    show: Any, world: Any, facts: Any
) -> None:
    store = ProcessNonces()
    assert judge(show(), world, facts.now, store).code == "presentation_expired"
    store.issue("n1", now=facts.now - NONCE_LIFE)
    assert judge(show(), world, facts.now, store).code == "presentation_expired"


def test_only_the_holders_own_presentation_uses_a_nonce_up(
    show: Any, world: Any, facts: Any, issuer: Any, make_signer: Any, holder_signer: Any
) -> None:
    store = ProcessNonces()
    store.issue("n1", now=facts.now)
    foreign = sdjwt.parse(show(signer=make_signer("ES256", 41))).kb_jwt
    own = issuer.token(cnf={"jwk": holder_signer.jwk})
    for text in (
        own, own + str(foreign), show(iat=facts.now - 121), show(nonce="n2"), show() + "x",
        "rubbish",
    ):  # fmt: skip
        assert not judge(text, world, facts.now, store).acceptable
    assert judge(show(), world, facts.now, store).acceptable


def test_a_check_that_asks_for_no_binding_uses_nothing_up(
    show: Any, world: Any, facts: Any
) -> None:
    store = ProcessNonces()
    store.issue("n1", now=facts.now)
    assert judge(show(), world, facts.now, store, Policy(nonce="n1")).acceptable
    assert judge(show(), world, facts.now, store).acceptable


def test_a_policy_without_a_nonce_fails_closed_whatever_the_store_holds(
    show: Any, world: Any, facts: Any
) -> None:
    store = ProcessNonces()
    store.issue("", now=facts.now)
    policy = Policy(require_holder_binding=True, audience=HALL)
    assert judge(show(), world, facts.now, store, policy).code == "holder_binding_invalid"


def test_an_invalid_certificate_stays_invalid_for_its_own_reason(
    show: Any, world: Any, facts: Any, issuer: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    store = ProcessNonces()
    store.issue("n1", now=facts.now)
    for _ in range(2):
        assert judge(show(), world, facts.now, store).code == "revoked"
