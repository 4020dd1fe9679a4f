"""Steps 1 to 4: what is no certificate, not of its grammar, not of a known key, not signed."""

import json
import string
from typing import Any

import pytest

from certsvc_sdk.errors import TrustUnavailable
from certsvc_sdk.policy import Policy
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.verdict import Outcome, Verdict
from certsvc_sdk.verify import decide_token


def judge(text: str, world: Any, now: int, **policy: Any) -> Verdict:
    return decide_token(text, world=world, policy=Policy(**policy), now=now)


def result(verdict: Verdict, name: str) -> tuple[str, str | None]:
    found = next(check for check in verdict.checks if check.name == name)
    return found.result, found.code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_a_certificate"),
        ("https://example.com/~user", "not_a_certificate"),
        ("javascript:alert(1)", "not_a_certificate"),
        ("WIFI:T:WPA;S:x;P:y;;", "not_a_certificate"),
        ('{"payload":"e30","signatures":[]}~', "not_a_certificate"),
        ("https://check.example/v#12a", "unreadable"),
        ("1" * 61, "unreadable"),
        ("eyJ.e30.~", "malformed"),
        ("e30.e30.AA~~", "malformed"),
        ("a.b.c~" * 3, "malformed"),
        ("a." + "~" * 400, "malformed"),
    ],
)
def test_what_is_no_certificate_gets_its_own_code(
    text: Any, code: Any, world: Any, facts: Any
) -> None:
    verdict = judge(text, world, facts.now)
    assert verdict.code == code
    assert verdict.claims is None
    assert world.asked == []


def test_white_space_around_is_ignored_and_nothing_else(
    issuer: Any, world: Any, facts: Any
) -> None:
    token = issuer.token()
    assert judge(f"\r\n {token}\t\n", world, facts.now).code == "valid"
    assert judge(token[:9] + "\n" + token[9:], world, facts.now).code == "malformed"


def test_the_text_of_a_code_and_the_bare_token_get_the_same_verdict(
    issuer: Any, world: Any, facts: Any
) -> None:
    token = issuer.token()
    scanned = judge(issuer.qr_text(token), world, facts.now)
    assert scanned == judge(token, world, facts.now)
    assert scanned.outcome is Outcome.VALID
    assert scanned.claims["legal_representative"] == "张三"
    assert scanned.issuer_name == {"zh": "示例市市场监督管理局", "en": "Demo Market Regulator"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"typ": "vc+sd-jwt"}, "malformed"),
        ({"typ": "DC+SD-JWT"}, "malformed"),
        ({"typ": ...}, "malformed"),
        ({"kid": ...}, "malformed"),
        ({"kid": "../../etc/passwd"}, "malformed"),
        ({"kid": "x" * 65}, "malformed"),
        ({"kid": 1}, "malformed"),
        ({"jwk": {}}, "malformed"),
        ({"crit": ["exp"]}, "malformed"),
        ({"zip": "DEF"}, "malformed"),
        ({"alg": "none"}, "algorithm_not_allowed"),
        ({"alg": "es256"}, "algorithm_not_allowed"),
        ({"alg": "HS256"}, "algorithm_not_allowed"),
        ({"alg": ...}, "algorithm_not_allowed"),
        ({"alg": ["ES256"]}, "algorithm_not_allowed"),
        ({"alg": "Ed25519"}, "algorithm_not_allowed"),
        ({"kid": "AAAAAAAAAAA"}, "key_unknown"),
    ],
)
def test_the_header_is_exactly_alg_typ_kid(
    change: Any, code: Any, issuer: Any, world: Any, facts: Any
) -> None:
    header = {k: v for k, v in (issuer.key.header() | change).items() if v is not ...}
    verdict = judge(issuer.token(header=header), world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.INVALID, code)
    assert verdict.claims is None
    assert world.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ...},
        {"iss": 1},
        {"vct": ...},
        {"certificate_identifier": ...},
        {"iat": ...},
        {"iat": 1.0},
        {"iat": True},
        {"exp": "1900000000"},
        {"exp": None},
        {"nbf": [1]},
    ],
)
def test_a_claim_of_a_wrong_type_is_malformed(
    change: Any, issuer: Any, world: Any, facts: Any
) -> None:
    assert judge(issuer.token(**change), world, facts.now).code == "malformed"


def test_duplicate_members_are_malformed(issuer: Any, world: Any, facts: Any) -> None:
    payload = json.dumps(issuer.claims())[:-1] + f',"exp":{facts.now + 9}' + "}"
    verdict = judge(issuer.raw_token(payload.encode()), world, facts.now)
    assert verdict.code == "malformed"
    assert result(verdict, "payload") == ("failed", "malformed")


def test_a_failed_signature_shows_nothing_of_the_token(issuer: Any, world: Any, facts: Any) -> None:
    signed, _, disclosures = issuer.token().partition("~")
    other = issuer.token(name="别的公司").partition("~")[0]
    forged = signed.rpartition(".")[0] + "." + other.rpartition(".")[2] + "~" + disclosures
    verdict = judge(forged, world, facts.now)
    assert verdict.code == "signature_invalid"
    shown = (verdict.claims, verdict.iss, verdict.vct, verdict.certificate_identifier)
    assert (*shown, verdict.issuer_name, verdict.issued_at, verdict.source) == (None,) * 7
    assert result(verdict, "status") == ("skipped", None)
    assert world.asked == []  # the status reference is not believed


def test_a_wrong_disclosure_shows_no_claims(issuer: Any, world: Any, facts: Any) -> None:
    token = issuer.token()
    stranger = issuer.token(legal_representative="李四").split("~")[1]
    verdict = judge(f"{token}{stranger}~", world, facts.now)
    assert verdict.code == "disclosure_invalid"
    assert verdict.claims is None
    assert verdict.certificate_identifier == facts.identifier  # signed, hence true


def test_a_reserved_digest_algorithm_is_not_allowed(issuer: Any, world: Any, facts: Any) -> None:
    payload = json.dumps(issuer.claims(_sd_alg="sm3")).encode()
    assert judge(issuer.raw_token(payload), world, facts.now).code == "algorithm_not_allowed"


def test_an_unknown_issuer_is_invalid_only_while_trust_is_fresh(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.records.clear()
    assert judge(issuer.token(), world, facts.now).code == "issuer_unknown"
    world.refresh_due = facts.now  # a refresh is due and did not happen
    assert judge(issuer.token(), world, facts.now).code == "trust_stale"


def test_a_record_never_fetched_is_not_an_unknown_issuer(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.records[facts.iss] = TrustUnavailable("never fetched")
    verdict = judge(issuer.token(), world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "trust_unavailable")


def test_no_trust_data_is_unknown_but_no_certificate_stays_none(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.has_trust = False
    assert judge(issuer.token(), world, facts.now).code == "trust_unavailable"
    assert judge("https://example.com/", world, facts.now).code == "not_a_certificate"


def test_a_record_of_another_address_is_another_issuer(issuer: Any, world: Any, facts: Any) -> None:
    elsewhere = "https://other.example/i/119999000000000198"
    world.records[elsewhere] = world.records[facts.iss]
    assert judge(issuer.token(iss=elsewhere), world, facts.now).code == "issuer_unknown"


def test_a_demonstration_issuer_is_unknown_to_production(
    issuer: Any, world: Any, facts: Any
) -> None:
    iss = f"http://127.0.0.1:8000/i/{facts.uscc}"
    world.records[iss] = issuer.record(iss=iss)
    token = issuer.token(iss=iss)
    assert judge(token, world, facts.now).code == "issuer_unknown"
    world.env = Environment.DEMO
    assert judge(token, world, facts.now).code == "valid"


def test_an_unknown_key_under_trust_past_refresh_is_trust_stale(
    issuer: Any, world: Any, facts: Any, make_signer: Any
) -> None:
    rotated = make_signer("ES256", 77)
    token = issuer.token(signer=rotated)
    assert judge(token, world, facts.now).code == "key_unknown"
    world.refresh_due = facts.now
    verdict = judge(token, world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "trust_stale")


def test_a_status_key_signs_no_certificates(issuer: Any, world: Any, facts: Any) -> None:
    assert judge(issuer.token(signer=issuer.status_key), world, facts.now).code == "key_unknown"


@pytest.mark.parametrize(
    ("window", "code"),
    [
        ((-86_400, None), "valid"),
        ((-86_399, None), "key_not_valid_then"),
        ((-200_000, -86_399), "valid"),
        ((-200_000, -86_400), "key_not_valid_then"),
    ],
)
def test_the_key_is_valid_at_iat_to_the_second(
    window: Any, code: Any, issuer: Any, world: Any, facts: Any
) -> None:
    begin, end = window
    key = {
        "not_before": facts.now + begin,
        "not_after": None if end is None else facts.now + end,
        "state": "retired",
    }
    world.records[facts.iss] = issuer.record(key=key)
    assert judge(issuer.token(), world, facts.now).code == code


def test_a_key_published_ahead_serves_once_its_window_has_come(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.records[facts.iss] = issuer.record(key={"state": "pre_published"})
    assert judge(issuer.token(), world, facts.now).code == "valid"


@pytest.mark.parametrize(("index", "code"), [(None, "key_compromised"), (9, "log_proof_missing")])
def test_a_compromised_key_proves_nothing_by_itself(
    index: Any, code: Any, issuer: Any, world: Any, facts: Any
) -> None:
    key = {
        "state": "compromised",
        "compromised_at": facts.now,
        "accept_before_log_index": index,
    }
    world.records[facts.iss] = issuer.record(key=key)
    assert judge(issuer.token(), world, facts.now).code == code


def test_a_record_may_spell_the_algorithm_and_the_header_must_follow(
    issuer: Any, world: Any, facts: Any, make_signer: Any
) -> None:
    signer = make_signer("EdDSA", 5)
    record = issuer.record_json()
    record["keys"][0] = issuer.key_json(signer, "certificate")
    world.records[facts.iss] = issuer.record(keys=record["keys"])
    assert judge(issuer.token(signer=signer), world, facts.now).code == "valid"
    header = signer.header() | {"alg": "Ed25519"}
    verdict = judge(issuer.token(signer=signer, header=header), world, facts.now)
    assert result(verdict, "algorithm") == ("failed", "algorithm_not_allowed")


@pytest.mark.parametrize("last", string.ascii_letters + string.digits + "-_")
def test_a_stranger_cannot_add_texts_that_are_json_only_together(
    last: str, issuer: Any, world: Any, facts: Any
) -> None:
    # `["s","x` with any unused bits, and `yy"]`: once they were read as one disclosure.
    added = f"WyJzIiwie{last}~eXkiXQ~"
    assert judge(issuer.token() + added, world, facts.now).code == "malformed"


def test_a_forgery_never_bears_an_offices_name(issuer: Any, world: Any, facts: Any) -> None:
    world.records[facts.iss] = issuer.record(key={"not_after": facts.now - 2 * facts.day})
    signed, _, rest = issuer.token().partition("~")
    forged = signed.rpartition(".")[0] + "." + "A" * 85 + "Q~" + rest
    verdict = judge(forged, world, facts.now)
    assert result(verdict, "signature") == ("failed", "signature_invalid")
    assert verdict.issuer_name is None
