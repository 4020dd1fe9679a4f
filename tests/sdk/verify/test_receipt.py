"""Receipts: what was seen, by name and never by value, signed by who accepted it."""

from typing import Any

import pytest

from certsvc_sdk import draft_receipt, jws, read_receipt, strict
from certsvc_sdk.errors import (
    AlgorithmNotAllowed,
    CertsvcError,
    Malformed,
    NotACertificate,
    SignatureInvalid,
)
from certsvc_sdk.policy import Policy
from certsvc_sdk.receipt import TYP, signing_input_sha256
from certsvc_sdk.verify import decide_token


@pytest.fixture
def accept(issuer: Any, world: Any, facts: Any, make_signer: Any) -> Any:
    """`accept(token)`: a receipt of the department `signer`."""
    signer = make_signer("Ed25519", 61)

    def make(token: str, **changes: Any) -> str:
        verdict = decide_token(token, world=world, policy=Policy(), now=facts.now)
        values = {
            "department": "119999000000000273",
            "purpose": "落户",
            "service_item": "item-1",
            "case_number": "2027-000001",
            "alg": signer.alg,
            "kid": signer.kid,
            "now": facts.now + 5,
        }
        data = draft_receipt(verdict, token=token, **(values | changes))
        return jws.attach(data, signer.sign(data))

    make.signer = signer  # type: ignore[attr-defined]
    return make


def test_a_receipt_says_what_was_seen_by_name(accept: Any, issuer: Any, facts: Any) -> None:
    token = issuer.token()
    signed = accept(token)
    receipt = read_receipt(signed, accept.signer.public)
    assert (receipt.outcome, receipt.code, receipt.acceptable) == ("VALID", "valid", True)
    assert receipt.certificate_identifier == facts.identifier
    assert (receipt.checked_at, receipt.issued_at) == (facts.now, facts.now + 5)
    assert (receipt.trust_age, receipt.status_age) == (100, 60)
    assert receipt.purpose == "落户"
    assert "legal_representative" in receipt.claims
    assert "张三".encode() not in jws.parse(signed).payload


def test_one_certificate_has_one_hash_however_it_was_shown(issuer: Any) -> None:
    token = issuer.token()
    shorter = token.split("~")[0] + "~"
    hashes = {signing_input_sha256(text) for text in (token, shorter, issuer.qr_text(token))}
    assert len(hashes) == 1
    with pytest.raises(NotACertificate):
        signing_input_sha256("https://example.com/")


def test_a_receipt_of_an_invalid_certificate_holds_no_claims(
    accept: Any, issuer: Any, world: Any
) -> None:
    world.records.clear()
    receipt = read_receipt(accept(issuer.token()), accept.signer.public)
    assert (receipt.code, receipt.claims) == ("issuer_unknown", ())
    assert receipt.certificate_identifier is None
    assert receipt.status_age is None


def test_another_key_algorithm_type_or_content_is_refused(
    accept: Any, issuer: Any, make_signer: Any
) -> None:
    signed = accept(issuer.token())
    signer = accept.signer
    with pytest.raises(AlgorithmNotAllowed):
        read_receipt(signed, make_signer("ES256", 62).public)
    with pytest.raises(Malformed):
        read_receipt(signed, make_signer("Ed25519", 63).public)
    with pytest.raises(SignatureInvalid):
        read_receipt(signed[:-4] + "AAAA", signer.public)
    with pytest.raises(Malformed):
        read_receipt(signer.jws(b"{}", header=signer.header("kb+jwt")), signer.public)
    body = strict.loads_object(jws.parse(signed).payload, max_bytes=9999, what="x")
    for change in ({"acceptable": 1}, {"claims": [1]}, {"iat": "1"}, {"status_age": "1"}):
        changed = signer.jws(strict.dumps(body | change), header=signer.header(TYP))
        with pytest.raises(CertsvcError):
            read_receipt(changed, signer.public)


@pytest.mark.parametrize("change", [{"purpose": ""}, {"case_number": "1" * 201}])
def test_texts_have_bounds(change: dict[str, str], accept: Any, issuer: Any) -> None:
    with pytest.raises(Malformed):
        accept(issuer.token(), **change)
