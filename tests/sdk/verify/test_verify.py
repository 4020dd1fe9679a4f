"""Step 7 and 8: period, right, holder, policy, and which of several findings is the verdict."""

from typing import Any

import pytest

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Outcome, Verdict
from certsvc_sdk.verify import check_fresh, decide_token


def judge(text: str, world: Any, now: int, **policy: Any) -> Verdict:
    return decide_token(text, world=world, policy=Policy(**policy), now=now)


def codes(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.code for check in verdict.checks if check.code is not None}


@pytest.mark.parametrize(
    ("changes", "moment", "code"),
    [
        ({"nbf": 0}, -1, "not_yet_valid"),
        ({"nbf": 0}, 0, "valid"),
        ({"exp": 0}, -1, "valid"),
        ({"exp": 0}, 0, "expired"),
        ({"exp": 0}, 1, "expired"),
        ({"iat": 60, "nbf": ...}, 0, "valid"),
        ({"iat": 61, "nbf": ...}, 0, "not_yet_valid"),
        ({"exp": ...}, 0, "valid"),
    ],
)
def test_the_period_is_half_open_to_the_second(
    changes: Any, moment: Any, code: Any, issuer: Any, world: Any, facts: Any
) -> None:
    shifted = {k: v if v is ... else facts.now + v for k, v in changes.items()}
    assert judge(issuer.token(**shifted), world, facts.now + moment).code == code


@pytest.mark.parametrize(
    "right",
    [
        {"vct": "https://certs.example/vct/household-register"},
        {"vct": "https://other.example/vct/business-licence"},
        {"division": "110000"},
        {"from": 1_800_000_000},
        {"to": 1_799_913_600},
        {"max_validity": 301 * 86_400 - 1},
    ],
)
def test_a_type_without_a_right_is_not_authorised(
    right: Any, issuer: Any, world: Any, facts: Any
) -> None:
    record = issuer.record_json()
    record["rights"][0] |= right
    world.records[facts.iss] = issuer.record(rights=record["rights"])
    assert judge(issuer.token(), world, facts.now).code == "issuer_not_authorised"
    world.refresh_due = facts.now
    assert judge(issuer.token(), world, facts.now).code == "trust_stale"


def test_a_right_holds_at_the_time_of_issue_and_bounds_the_validity(
    issuer: Any, world: Any, facts: Any
) -> None:
    record = issuer.record_json()
    record["rights"][0] |= {"max_validity": 301 * facts.day, "to": facts.now - 60}
    world.records[facts.iss] = issuer.record(rights=record["rights"])
    assert judge(issuer.token(), world, facts.now).code == "valid"
    assert judge(issuer.token(exp=...), world, facts.now).code == "issuer_not_authorised"


def test_a_key_signs_the_types_of_its_own_list_only(issuer: Any, world: Any, facts: Any) -> None:
    world.records[facts.iss] = issuer.record(key={"types": ["household-register"]})
    assert judge(issuer.token(), world, facts.now).code == "issuer_not_authorised"
    world.records[facts.iss] = issuer.record(key={"types": ["business-licence"]})
    assert judge(issuer.token(), world, facts.now).code == "valid"


def test_all_checks_that_can_run_do_and_the_first_invalid_wins(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    world.records[facts.iss] = issuer.record(rights=[])
    verdict = judge(issuer.token(exp=facts.now), world, facts.now)
    assert codes(verdict) == {
        "period": "expired",
        "right": "issuer_not_authorised",
        "status": "revoked",
    }
    assert verdict.code == "expired"


def test_an_invalid_in_a_late_step_goes_before_an_unknown_in_an_early_one(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.expires = facts.now
    assert judge(issuer.token(), world, facts.now).code == "trust_stale"
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    assert judge(issuer.token(), world, facts.now).code == "revoked"


def test_of_unknowns_the_first_in_step_order_wins(issuer: Any, world: Any, facts: Any) -> None:
    world.expires = facts.now
    world.lists.clear()
    verdict = judge(issuer.token(), world, facts.now)
    assert verdict.code == "trust_stale"
    assert codes(verdict) == {"trust": "trust_stale", "status_list": "status_unavailable"}


def test_trust_past_its_refresh_but_not_expired_still_answers(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.refresh_due = facts.now - 3600
    verdict = judge(issuer.token(), world, facts.now)
    assert (verdict.code, verdict.trust_age) == ("valid", 100)


def test_the_policy_replaces_the_trust_datas_own_end(issuer: Any, world: Any, facts: Any) -> None:
    world.expires = facts.now - facts.day
    world.as_of = facts.now - 2 * facts.day
    allowed = judge(issuer.token(), world, facts.now, max_trust_age=2 * facts.day)
    assert (allowed.code, allowed.trust_age) == ("valid", 2 * facts.day)
    world.expires = facts.now + facts.day
    assert judge(issuer.token(), world, facts.now, max_trust_age=60).code == "trust_stale"


def test_a_clock_behind_signed_data_is_not_trusted(issuer: Any, world: Any, facts: Any) -> None:
    world.clock_floor = facts.now + 300
    assert judge(issuer.token(), world, facts.now).code == "valid"
    world.clock_floor = facts.now + 301
    verdict = judge(issuer.token(), world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "clock_untrusted")


def test_a_clock_two_years_back_revives_and_condemns_nothing(
    issuer: Any, world: Any, facts: Any
) -> None:
    back = facts.now - 730 * facts.day
    early = judge(issuer.token(), world, back)
    assert (early.outcome, early.code) == (Outcome.UNKNOWN, "clock_untrusted")
    expired = issuer.token(iat=back - facts.day, nbf=..., exp=back + facts.day)
    assert judge(expired, world, back).outcome is not Outcome.VALID


def test_a_policy_never_makes_a_certificate_invalid(issuer: Any, world: Any, facts: Any) -> None:
    verdict = judge(
        issuer.token(),
        world,
        facts.now,
        types=["household-register"],
        claims=["business_scope"],
        issuer_divisions=["33"],
        holder="91350100M000100Y43",
        max_certificate_age=60,
    )
    assert (verdict.outcome, verdict.code) == (Outcome.VALID, "valid")
    assert not verdict.acceptable
    assert verdict.reasons == (
        "type_not_accepted",
        "claims_missing",
        "policy_not_met",
        "holder_mismatch",
        "too_old",
    )
    assert verdict.missing_claims == ("business_scope",)
    assert verdict.policy["types"] == ["household-register"]


def test_an_invalid_certificate_is_never_acceptable(issuer: Any, world: Any, facts: Any) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    assert not judge(issuer.token(), world, facts.now).acceptable
    world.lists.clear()
    assert not judge(issuer.token(), world, facts.now).acceptable


BOUND = {"require_holder_binding": True, "audience": "https://hall.example", "nonce": "n1"}


class TestHolderBinding:
    def present(self, token: str, signer: Any, *, nonce: str, iat: int) -> str:
        data = sdjwt.key_binding_input(
            token, alg=signer.alg, aud="https://hall.example", nonce=nonce, iat=iat
        )
        return token + jws.attach(data, signer.sign(data))

    def test_a_fresh_presentation_of_the_holder_passes(
        self, issuer: Any, world: Any, facts: Any, holder_signer: Any
    ) -> None:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        shown = self.present(token, holder_signer, nonce="n1", iat=facts.now)
        verdict = judge(shown, world, facts.now, **BOUND)
        assert (verdict.code, verdict.acceptable) == ("valid", True)
        assert verdict.checks[-1].result == "passed"

    def test_absence_another_key_nonce_or_time_is_invalid(
        self, issuer: Any, world: Any, facts: Any, holder_signer: Any, make_signer: Any
    ) -> None:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        for shown in (
            token,
            self.present(token, make_signer("ES256", 31), nonce="n1", iat=facts.now),
            self.present(token, holder_signer, nonce="n2", iat=facts.now),
            self.present(token, holder_signer, nonce="n1", iat=facts.now + 61),
        ):
            assert judge(shown, world, facts.now, **BOUND).code == "holder_binding_invalid"

    def test_an_old_presentation_has_expired_and_a_fresh_one_will_do(
        self, issuer: Any, world: Any, facts: Any, holder_signer: Any
    ) -> None:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        for age, code in ((120, "valid"), (121, "presentation_expired")):
            shown = self.present(token, holder_signer, nonce="n1", iat=facts.now - age)
            verdict = judge(shown, world, facts.now, **BOUND)
            assert verdict.code == code
        assert verdict.outcome is Outcome.INVALID
        wrong = self.present(token, holder_signer, nonce="n2", iat=facts.now - 121)
        assert judge(wrong, world, facts.now, **BOUND).code == "holder_binding_invalid"

    def test_a_policy_without_nonce_or_a_useless_cnf_fails_closed(
        self, issuer: Any, world: Any, facts: Any, holder_signer: Any
    ) -> None:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        shown = self.present(token, holder_signer, nonce="n1", iat=facts.now)
        verdict = judge(shown, world, facts.now, require_holder_binding=True)
        assert verdict.code == "holder_binding_invalid"
        for cnf in ({}, {"kid": "x"}, "x"):
            code = judge(issuer.token(cnf=cnf), world, facts.now, **BOUND).code
            assert code == "holder_binding_invalid"

    def test_a_certificate_without_a_holder_key_is_valid_and_not_acceptable(
        self, issuer: Any, world: Any, facts: Any
    ) -> None:
        verdict = judge(issuer.token(), world, facts.now, **BOUND)
        assert (verdict.code, verdict.reasons) == ("valid", ("policy_not_met",))

    def test_without_the_policy_a_key_binding_is_not_asked_for(
        self, issuer: Any, world: Any, facts: Any, holder_signer: Any
    ) -> None:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        assert judge(token, world, facts.now).acceptable


class TestLogProof:
    def test_a_policy_that_asks_gets_an_answer_of_its_own(
        self, issuer: Any, world: Any, facts: Any
    ) -> None:
        token = issuer.token()
        verdict = judge(token, world, facts.now, require_log_proof=True)
        assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "log_proof_missing")
        assert codes(verdict) == {"log_proof": "log_proof_missing"}
        assert verdict.policy == {"require_log_proof": True}

    def test_the_world_brings_the_proof(self, issuer: Any, world: Any, facts: Any) -> None:
        token = issuer.token()
        world.logged[token.rpartition("~")[0].split("~")[0].rpartition(".")[0].encode()] = 0
        verdict = judge(token, world, facts.now, require_log_proof=True)
        assert (verdict.code, verdict.acceptable) == ("valid", True)
        assert {check.name: check.result for check in verdict.checks}["log_proof"] == "passed"

    def test_nobody_else_is_asked_for_it(self, issuer: Any, world: Any, facts: Any) -> None:
        verdict = judge(issuer.token(), world, facts.now)
        assert {check.name: check.result for check in verdict.checks}["log_proof"] == "skipped"
        assert verdict.code == "valid"

    def test_an_invalid_goes_before_a_missing_proof(
        self, issuer: Any, world: Any, facts: Any
    ) -> None:
        world.lists[facts.uri] = issuer.snapshot({7: 1})
        assert judge(issuer.token(), world, facts.now, require_log_proof=True).code == "revoked"


class TestCheckFresh:
    def test_the_issuer_needs_no_status_list_yet(self, issuer: Any, facts: Any) -> None:
        verdict = check_fresh(issuer.token(), issuer.record(), facts.now)
        assert (verdict.outcome, verdict.acceptable) == (Outcome.VALID, True)
        assert verdict.sentence("zh") == "证照有效，请核对出示人身份或授权"
        assert "as of" not in verdict.sentence("en")

    def test_the_issuers_own_mistakes_are_found(
        self, issuer: Any, facts: Any, make_signer: Any
    ) -> None:
        record = issuer.record()
        wrong = [
            (issuer.token(signer=make_signer("ES256", 41)), "key_unknown"),
            (issuer.token(exp=facts.now - 1), "expired"),
            (issuer.token(vct="https://certs.example/vct/other/1"), "issuer_not_authorised"),
            (issuer.token(status=...), "malformed"),
            (issuer.token(iss="https://certs.example/i/119999000000000273"), "issuer_unknown"),
        ]
        for token, code in wrong:
            assert check_fresh(token, record, facts.now).code == code
