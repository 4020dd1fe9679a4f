"""What SD-JWT VC asks of a verifier and no other test here shows."""

import base64
import hashlib
import json
from typing import Any

import pytest

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.policy import Policy
from certsvc_sdk.verdict import Verdict
from certsvc_sdk.verify import decide_token


def judge(text: str, world: Any, now: int, **policy: Any) -> Verdict:
    return decide_token(text, world=world, policy=Policy(**policy), now=now)


def hidden(issuer: Any, *disclosures: str, **changes: Any) -> str:
    """A token whose payload references disclosures that `draft` would refuse to make."""
    digests = [
        base64.urlsafe_b64encode(hashlib.sha256(one.encode()).digest()).rstrip(b"=").decode()
        for one in disclosures
    ]
    payload = issuer.claims(**changes) | {"_sd": sorted(digests)}
    signed = issuer.raw_token(json.dumps(payload).encode())
    return str(signed + "".join(f"{one}~" for one in disclosures))


def disclosure(name: str, value: Any) -> str:
    content = json.dumps(["AAAAAAAAAAAAAAAAAAAAAA", name, value]).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_other_types_are_no_evidence_of_a_right(issuer: Any, world: Any, facts: Any) -> None:
    """`aka_vcts` and `extends` prove nothing: the trust record and the policy go by `vct`."""
    other = f"{facts.base}vct/household-register/1"
    token = issuer.token(vct=other, aka_vcts=[f"{facts.vct}/1", facts.vct])
    assert judge(token, world, facts.now).code == "issuer_not_authorised"
    token = issuer.token(aka_vcts=[other])
    assert judge(token, world, facts.now).acceptable
    verdict = judge(token, world, facts.now, types=("household-register",))
    assert (verdict.code, verdict.reasons) == ("valid", ("type_not_accepted",))


@pytest.mark.parametrize("vct", ["https://CERTS.example", "https://certs.example/Vct", "urn:x"])
def test_types_are_compared_with_their_case(issuer: Any, world: Any, facts: Any, vct: str) -> None:
    other = facts.vct.replace("https://certs.example", vct) + "/1"
    assert judge(issuer.token(vct=other), world, facts.now).code == "issuer_not_authorised"


@pytest.mark.parametrize("audience", ["https://hall.example", ["https://hall.example"], [], None])
def test_a_certificate_for_somebody_by_name_is_for_nobody_here(
    issuer: Any, world: Any, facts: Any, audience: Any
) -> None:
    """RFC 9901 section 7.1, step 6: in the clear or disclosed, `aud` is obeyed."""
    policy = {"audience": "https://hall.example", "nonce": "n"}
    clear = judge(issuer.token(aud=audience), world, facts.now, **policy)
    assert (clear.code, clear.claims) == ("malformed", None)
    shown = judge(hidden(issuer, disclosure("aud", audience)), world, facts.now, **policy)
    assert (shown.code, shown.claims) == ("disclosure_invalid", None)
    # The same name further down is a claim like any other.
    assert judge(issuer.token(contract={"aud": audience}), world, facts.now).acceptable


@pytest.mark.parametrize("name", ["iss", "vct", "iat", "certificate_identifier", "status"])
def test_what_a_verifier_needs_cannot_hide(issuer: Any, world: Any, facts: Any, name: str) -> None:
    """RFC 9901 section 9.7: absent, withheld or disclosed, the certificate is refused."""
    value = issuer.claims()[name]
    assert judge(issuer.token(**{name: ...}), world, facts.now).code == "malformed"
    one = disclosure(name, value)
    shown = hidden(issuer, one, **{name: ...})
    for text in (shown, shown.partition("~")[0] + "~"):
        verdict = judge(text, world, facts.now)
        assert verdict.code in ("malformed", "disclosure_invalid")
        assert not verdict.acceptable


@pytest.mark.parametrize("name", ["exp", "nbf", "cnf", "vct#integrity", "aka_vcts"])
def test_what_narrows_a_certificate_is_never_disclosed(
    issuer: Any, world: Any, facts: Any, name: str
) -> None:
    one = disclosure(name, facts.now + 5)
    verdict = judge(hidden(issuer, one, **{name: ...}), world, facts.now)
    assert (verdict.code, verdict.claims) == ("disclosure_invalid", None)


def test_a_key_binding_that_nobody_asked_for_changes_nothing(
    issuer: Any, world: Any, facts: Any, holder_signer: Any, make_signer: Any
) -> None:
    """RFC 9901 section 7.3, step 1: what is checked is the policy's choice, not the holder's."""
    token = issuer.token(cnf={"jwk": holder_signer.jwk})
    plain = judge(token, world, facts.now)
    for signer in (holder_signer, make_signer("ES256", 51)):
        data = sdjwt.key_binding_input(token, alg="ES256", aud="a", nonce="n", iat=0)
        bound = judge(token + jws.attach(data, signer.sign(data)), world, facts.now)
        assert (bound.code, bound.claims, bound.checks) == ("valid", plain.claims, plain.checks)
    assert judge(token + "x.y", world, facts.now).code == "malformed"


def test_a_certificate_without_disclosures_has_no_digests(
    issuer: Any, world: Any, facts: Any
) -> None:
    token = issuer.token(disclose=())
    payload = sdjwt.parse(token).payload()
    assert "_sd" not in payload
    assert "_sd_alg" not in payload
    assert token.count("~") == 1
    assert judge(token, world, facts.now).acceptable
