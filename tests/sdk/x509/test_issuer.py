"""`x5c` in an issuer's trust record: optional, strict, and what it is checked against."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk.errors import ChainInvalid, ChainMismatch, TrustInvalid
from certsvc_sdk.trust.record import IssuerRecord, parse_record
from certsvc_sdk.x509 import validate_issuer
from certsvc_sdk.x509.chain import write_x5c
from certsvc_sdk.x509.signing import jwk_of


@pytest.fixture
def issuer_json(world: Any, tools: Any) -> Callable[..., dict[str, Any]]:
    def make(**key: Any) -> dict[str, Any]:
        from certsvc_sdk.algorithms import kid_of

        jwk = jwk_of(world.keys["leaf"].public_key())
        base = {
            "kid": kid_of(jwk),
            "alg": "ES256",
            "use": "certificate",
            "public": jwk,
            "not_before": tools.NOW - 10,
            "not_after": None,
            "state": "active",
            "types": None,
            "compromised_at": None,
            "accept_before_log_index": None,
        }
        return {
            "version": 1,
            "iss": tools.ISS,
            "uscc": tools.USCC,
            "division": "330106",
            "names": {"zh": "示例局", "en": "Example Office"},
            "level": "county",
            "keys": [base | key],
            "rights": [],
            "status_prefix": f"https://{tools.HOST}/status/{tools.USCC}/",
            "status_aggregation": None,
            "log_origin": None,
            "aliases": [],
            "mirrors": [],
            "successor": None,
        }

    return make


def read(obj: dict[str, Any]) -> IssuerRecord:
    return parse_record(json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode())


def test_a_record_without_it_is_written_as_before(
    issuer_json: Callable[..., dict[str, Any]],
) -> None:
    obj = issuer_json()
    data = json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode()
    assert parse_record(data).to_bytes() == data
    assert read(obj).keys[0].x5c is None


def test_a_record_with_it_is_written_as_it_was_read(
    world: Any, issuer_json: Callable[..., dict[str, Any]]
) -> None:
    obj = issuer_json(x5c=list(write_x5c(world.offered()["chain"])))
    record = read(obj)
    assert record.to_json() == obj
    assert parse_record(record.to_bytes()) == record


@pytest.mark.parametrize(
    "x5c",
    [
        None,
        [],
        "AAAA",
        ["AAAA", "AAAA"],
        ["AAA"],
        ["AAB="],  # bits behind the end
        ["AA-_"],
        ["AA\nAA"],
        [""],
        [7],
        ["AAAA", "AAAB", "AAAC", "AAAD", "AAAE"],
        ["A" * 10_924],
    ],
)
def test_a_wrong_form_is_refused(issuer_json: Callable[..., dict[str, Any]], x5c: Any) -> None:
    with pytest.raises(TrustInvalid):
        read(issuer_json(x5c=x5c))


def test_an_issuers_chain(world: Any, issuer_json: Callable[..., dict[str, Any]]) -> None:
    given = world.arguments()
    chain, expected = given.pop("chain"), given.pop("expected")
    record = read(issuer_json(x5c=list(write_x5c(chain))))
    kid = record.keys[0].kid
    assert validate_issuer(record, kid, **given).organisation == "示例局"
    assert expected.public.kid == kid
    for wrong, named in ((read(issuer_json()), kid), (record, "AAAAAAAAAAA")):
        with pytest.raises(ChainMismatch):
            validate_issuer(wrong, named, **given)
    strange = read(issuer_json(x5c=["AAAA"]))
    with pytest.raises(ChainInvalid):
        validate_issuer(strange, kid, **given)
