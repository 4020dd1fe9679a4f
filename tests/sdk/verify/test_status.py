"""Steps 5 and 6, and the entry: where the status stands, whose list it is, how old it is."""

from typing import Any

import pytest

from certsvc_sdk import statuslist
from certsvc_sdk.policy import Policy
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.verdict import Outcome, Verdict
from certsvc_sdk.verify import decide_token
from certsvc_sdk.world import StatusSnapshot


def judge(text: str, world: Any, now: int, at: int | None = None, **policy: Any) -> Verdict:
    return decide_token(text, world=world, policy=Policy(**policy), now=now, at=at)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/status/119999000000000198/1",
        "https://certs.example/status/119999000000000273/1",
        "https://certs.example/status/119999000000000198/../119999000000000273/1",
        "https://certs.example/status/119999000000000198/",
        "https://certs.example/status/119999000000000198/1?x=1",
        "https://certs.example/status/119999000000000198/1#x",
        "https://certs.example/status/119999000000000198/%2e%2e/1",
        "https://user@certs.example/status/119999000000000198/1",
        "https://certs.example:8443/status/119999000000000198/1",
        "http://certs.example/status/119999000000000198/1",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_reference_outside_the_prefix_is_never_asked_for(
    uri: Any, issuer: Any, world: Any, facts: Any
) -> None:
    token = issuer.token(status={"status_list": {"idx": 7, "uri": uri}})
    assert judge(token, world, facts.now).code == "malformed"
    assert world.asked == []


@pytest.mark.parametrize(
    "status",
    [
        ...,
        None,
        "valid",
        {},
        {"status_list": {}},
        {"status_list": {"idx": 7}},
        {"status_list": {"uri": "https://certs.example/status/119999000000000198/1"}},
        {"status_list": {"idx": "7", "uri": "https://certs.example/status/119999000000000198/1"}},
        {"status_list": {"idx": -1, "uri": "https://certs.example/status/119999000000000198/1"}},
        {"status_list": {"idx": True, "uri": "https://certs.example/status/119999000000000198/1"}},
        {"status_list": {"idx": 7.5, "uri": "https://certs.example/status/119999000000000198/1"}},
    ],
)
def test_a_certificate_without_a_usable_reference_is_malformed(
    status: Any, issuer: Any, world: Any, facts: Any
) -> None:
    verdict = judge(issuer.token(status=status), world, facts.now)
    assert verdict.code == "malformed"
    assert world.asked == []


@pytest.mark.parametrize("idx", [1000, 2**31, 2**53 - 1])
def test_an_index_outside_the_list_is_never_not_revoked(
    idx: Any, issuer: Any, world: Any, facts: Any
) -> None:
    token = issuer.token(status={"status_list": {"idx": idx, "uri": facts.uri}})
    verdict = judge(token, world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.INVALID, "malformed")


@pytest.mark.parametrize(
    ("value", "width", "code"),
    [
        (0, 2, "valid"),
        (1, 1, "revoked"),
        (1, 2, "revoked"),
        (2, 2, "suspended"),
        (3, 2, "superseded"),
        (4, 4, "revoked"),
        (255, 8, "revoked"),
    ],
)
def test_each_value_has_its_code(
    value: Any, width: Any, code: Any, issuer: Any, world: Any, facts: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: value}, width=width)
    verdict = judge(issuer.token(), world, facts.now)
    assert verdict.code == code
    assert verdict.status_as_of == facts.now - 60
    assert verdict.status_age == 60


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, "status_stale"), (1, "revoked"), (2, "status_stale"), (3, "superseded")],
)
def test_a_stale_list_still_proves_what_cannot_be_undone(
    value: Any, code: Any, issuer: Any, world: Any, facts: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: value}, iat=facts.now - 2 * facts.day)
    verdict = judge(issuer.token(), world, facts.now)
    assert verdict.code == code
    if code == "status_stale":
        assert verdict.outcome is Outcome.UNKNOWN
        assert "有效" not in verdict.sentence("zh")
        assert verdict.claims is not None


def test_a_list_ends_at_exp_to_the_second(issuer: Any, world: Any, facts: Any) -> None:
    world.lists[facts.uri] = issuer.snapshot(exp=facts.now + 1)
    assert judge(issuer.token(), world, facts.now).code == "valid"
    assert judge(issuer.token(), world, facts.now + 1).code == "status_stale"


def test_the_policy_replaces_the_lists_own_end(issuer: Any, world: Any, facts: Any) -> None:
    world.lists[facts.uri] = issuer.snapshot(iat=facts.now - 2 * facts.day)
    verdict = judge(issuer.token(), world, facts.now, max_status_age=2 * facts.day)
    assert (verdict.code, verdict.status_age) == ("valid", 2 * facts.day)
    world.lists[facts.uri] = issuer.snapshot(iat=facts.now - 61)
    assert judge(issuer.token(), world, facts.now, max_status_age=60).code == "status_stale"


def test_no_list_is_unknown_and_shows_the_signed_claims(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.lists.clear()
    verdict = judge(issuer.token(), world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "status_unavailable")
    assert verdict.claims["name"] == "示例科技有限公司"
    assert verdict.status_age is None


def test_a_list_of_another_address_key_or_kind_is_no_list(
    issuer: Any, world: Any, facts: Any, make_signer: Any
) -> None:
    token = issuer.token()
    world.lists[facts.uri] = issuer.snapshot(uri=f"{facts.prefix}2")
    assert judge(token, world, facts.now).code == "status_unavailable"
    for signer in (issuer.key, make_signer("ES256", 55)):
        world.lists[facts.uri] = issuer.snapshot({7: 1}, signer=signer)
        assert judge(token, world, facts.now).code == "status_unavailable"


def test_a_list_with_a_broken_signature_or_body_is_no_list(
    issuer: Any, world: Any, facts: Any
) -> None:
    good, other = issuer.status_token(), issuer.status_token({7: 1})
    mixed = good.rpartition(".")[0] + "." + other.rpartition(".")[2]
    world.lists[facts.uri] = StatusSnapshot(statuslist.read(mixed), facts.now)
    assert judge(issuer.token(), world, facts.now).code == "status_unavailable"


def test_a_compromised_status_key_is_not_believed(issuer: Any, world: Any, facts: Any) -> None:
    record = issuer.record_json()
    record["keys"][1] |= {"state": "compromised", "compromised_at": facts.now}
    world.records[facts.iss] = issuer.record(keys=record["keys"])
    assert judge(issuer.token(), world, facts.now).code == "status_unavailable"


def test_a_list_signed_outside_its_keys_window_is_not_believed(
    issuer: Any, world: Any, facts: Any
) -> None:
    record = issuer.record_json()
    record["keys"][1] |= {"not_after": facts.now - 60}
    world.records[facts.iss] = issuer.record(keys=record["keys"])
    assert judge(issuer.token(), world, facts.now).code == "status_unavailable"


def test_a_list_from_the_future_means_the_clock_is_behind(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot(iat=facts.now + 300)
    assert judge(issuer.token(), world, facts.now).code == "valid"
    world.lists[facts.uri] = issuer.snapshot(iat=facts.now + 301)
    assert judge(issuer.token(), world, facts.now).code == "clock_untrusted"


@pytest.mark.parametrize("behind", [61, 200, 600, 86_400])
def test_a_list_that_shows_the_clock_behind_excuses_a_young_certificate(
    behind: int, issuer: Any, world: Any, facts: Any
) -> None:
    real = facts.now + behind
    token = issuer.token(iat=real, nbf=real)
    assert judge(token, world, facts.now).code == "not_yet_valid"
    world.lists[facts.uri] = issuer.snapshot(iat=real)
    verdict = judge(token, world, facts.now)
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "clock_untrusted")


def test_seen_revoked_once_is_revoked_for_ever(issuer: Any, world: Any, facts: Any) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    assert judge(issuer.token(), world, facts.now).code == "revoked"
    world.lists[facts.uri] = issuer.snapshot(version=2)
    assert judge(issuer.token(), world, facts.now).code == "revoked"
    world.lists.clear()
    assert judge(issuer.token(), world, facts.now).code == "revoked"


def test_a_known_revocation_still_has_the_age_of_the_list(
    issuer: Any, world: Any, facts: Any
) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    for _ in range(2):
        verdict = judge(issuer.token(), world, facts.now)
        assert (verdict.code, verdict.status_as_of) == ("revoked", facts.now - 60)
        assert verdict.status_age == 60
    world.lists.clear()
    verdict = judge(issuer.token(), world, facts.now)
    assert (verdict.code, verdict.status_as_of, verdict.status_age) == ("revoked", None, None)


def test_a_suspension_may_clear(issuer: Any, world: Any, facts: Any) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 2})
    assert judge(issuer.token(), world, facts.now).code == "suspended"
    world.lists[facts.uri] = issuer.snapshot(version=2)
    assert judge(issuer.token(), world, facts.now).code == "valid"


def test_another_moment_needs_the_log(issuer: Any, world: Any, facts: Any) -> None:
    world.lists[facts.uri] = issuer.snapshot({7: 1})
    past = judge(issuer.token(), world, facts.now, at=facts.now - 3600)
    assert (past.outcome, past.code) == (Outcome.UNKNOWN, "log_proof_missing")
    assert (past.checked_at, past.judged_at) == (facts.now, facts.now - 3600)
    before = judge(issuer.token(), world, facts.now, at=facts.now - 2 * facts.day)
    assert before.code == "not_yet_valid"


def test_a_signature_is_checked_once_for_each_key(issuer: Any, facts: Any) -> None:
    snapshot = issuer.snapshot({7: 1})
    record = issuer.record()
    assert snapshot.is_genuine(record, facts.uri)
    assert snapshot.value(7) == 1
    assert snapshot.is_genuine(record, facts.uri)
    assert not snapshot.is_genuine(record, f"{facts.prefix}2")
    assert snapshot.is_genuine(issuer.record(), facts.uri)


def test_plain_http_to_this_machine_is_for_demonstrations(
    issuer: Any, world: Any, facts: Any
) -> None:
    prefix = f"http://127.0.0.1:8000/status/{facts.uscc}/"
    world.records[facts.iss] = issuer.record(status_prefix=prefix, status_aggregation=None)
    world.lists[f"{prefix}1"] = issuer.snapshot(uri=f"{prefix}1")
    token = issuer.token(status={"status_list": {"idx": 7, "uri": f"{prefix}1"}})
    assert judge(token, world, facts.now).code == "malformed"
    assert world.asked == []
    world.env = Environment.DEMO
    assert judge(token, world, facts.now).code == "valid"
