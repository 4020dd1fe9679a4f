"""The 300 licences and 300 households: issued, verified online and offline, revoked, refused."""

import csv
import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.verifier import SDJWTVerifier

from certsvc.cli.calls import Caller
from certsvc.cli.run import issuer_url
from certsvc_sdk import Policy, Verifier
from certsvc_sdk.errors import VerificationFailed
from certsvc_sdk.strict import b64u_decode

LICENCE, HOUSEHOLD = "business-licence", "household-register"
DAY = 86_400
BATCH = 100


def records(samples: Path, name: str) -> list[dict[str, Any]]:
    text = (samples / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def issue_all(caller: Caller, type_name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def one(pair: tuple[int, dict[str, Any]]) -> dict[str, Any]:
        number, claims = pair
        answer = caller.post(
            "v1/certificates",
            {"type": type_name, "claims": claims},
            idempotency_key=f"samples-{type_name}-{number}",
        )
        assert answer.status == 201, answer.body
        return answer.json()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, enumerate(rows)))


@dataclass(frozen=True)
class Issued:
    licences: list[dict[str, Any]]
    households: list[dict[str, Any]]

    @property
    def all(self) -> list[dict[str, Any]]:
        return self.licences + self.households


@pytest.fixture(scope="module")
def issued(world, samples: Path) -> Issued:
    return Issued(
        issue_all(world.department(LICENCE), LICENCE, records(samples, "business-licences.jsonl")),
        issue_all(world.department(HOUSEHOLD), HOUSEHOLD, records(samples, "households.jsonl")),
    )


@pytest.fixture(scope="module")
def offline_cache(world, issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache filled while there was a network, before anything was revoked."""
    cache = tmp_path_factory.mktemp("offline")
    Verifier.from_root(
        world.settings.trust_root, url=issuer_url(world.settings), cache_dir=cache
    ).prefetch()
    return cache


def sdk(world, cache: Path, **options: Any) -> Verifier:
    return Verifier.from_root(
        world.settings.trust_root, url=issuer_url(world.settings), cache_dir=cache, **options
    )


def ask(world, texts: list[str]) -> list[dict[str, Any]]:
    verdicts = []
    for start in range(0, len(texts), BATCH):
        items = [{"text": text} for text in texts[start : start + BATCH]]
        answer = world.verifier.post("v1/verifications", {"items": items})
        assert answer.status == 200, answer.body
        verdicts += [entry["verdict"] for entry in answer.json()["verifications"]]
    return verdicts


def test_all_600_verify_through_the_api(world, issued: Issued, samples: Path) -> None:
    verdicts = ask(world, [each["qr"]["text"] for each in issued.all])
    assert Counter((v["outcome"], v["code"]) for v in verdicts) == {("VALID", "valid"): 600}
    licences = records(samples, "business-licences.jsonl")
    for verdict, record in zip(verdicts, licences, strict=False):
        shown = {name: value for name, value in record.items() if value is not None}
        assert {name: verdict["claims"][name] for name in shown} == shown
    households = records(samples, "households.jsonl")
    for verdict, record in zip(verdicts[300:], households, strict=True):
        shown = [m["citizen_id"] for m in verdict["claims"]["members"]]
        assert shown == [m["citizen_id"] for m in record["members"]]


@pytest.fixture
def network_blocked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No socket can be opened and no name looked up; returns what is tried."""
    tried: list[str] = []

    def refuse(*arguments: object, **_options: object) -> None:
        tried.append(repr(arguments))
        raise OSError("the network is blocked")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


def test_all_600_verify_in_the_sdk_with_the_network_blocked(
    world, issued: Issued, offline_cache: Path, network_blocked: list[str]
) -> None:
    alone = sdk(world, offline_cache)
    alone.refresh()
    assert network_blocked, "a refresh must at least have tried"
    found = Counter(
        (v.outcome.value, v.code)
        for each in issued.all
        for v in (alone.check(each["qr"]["text"]), alone.check(each["token"]))
    )
    assert found == {("VALID", "valid"): 1200}


def published_key(world, token: str) -> dict[str, Any]:
    """The key as SD-JWT VC readers find it: by `iss` and `kid`, at the well-known address."""
    header = json.loads(b64u_decode(token.split(".")[0]))
    payload = json.loads(b64u_decode(token.split(".")[1]))
    path = payload["iss"].removeprefix(world.settings.public_url)
    answer = Caller(issuer_url(world.settings)).get(f".well-known/jwt-vc-issuer/{path}")
    metadata = answer.json()
    assert metadata["issuer"] == payload["iss"]
    (key,) = [key for key in metadata["jwks"]["keys"] if key["kid"] == header["kid"]]
    return key


def test_other_implementations_read_what_we_issue(world, issued: Issued, samples: Path) -> None:
    households = records(samples, "households.jsonl")
    for each, record in zip(issued.households[:20], households, strict=False):
        key = published_key(world, each["token"])
        theirs = SDJWTVerifier(
            each["token"], lambda _issuer, _header, key=key: JWK(**key)
        ).get_verified_payload()
        assert theirs["address"] == record["address"]
        names = [member["name"] for member in record["members"]]
        assert [member["name"] for member in theirs["members"]] == names
        public = {name: key[name] for name in ("kty", "crv", "x", "y")}
        also = SdJwtVcProofSuite().verify(each["token"], public_key_jwk=public)
        assert also.claims["members"] == theirs["members"]
    licence = issued.licences[0]["token"]
    key = published_key(world, licence)
    theirs = SDJWTVerifier(licence, lambda _issuer, _header: JWK(**key)).get_verified_payload()
    assert theirs["name"] == records(samples, "business-licences.jsonl")[0]["name"]


def test_the_same_requests_again_issue_nothing(world, issued: Issued, samples: Path) -> None:
    rows = records(samples, "business-licences.jsonl")[:40]
    again = issue_all(world.department(LICENCE), LICENCE, rows)
    assert [_without_proof(one) for one in again] == [
        _without_proof(one) for one in issued.licences[:40]
    ]
    assert all(one["log"]["proof"] for one in again)


def _without_proof(answer: dict[str, Any]) -> dict[str, Any]:
    """A proof leads to the newest checkpoint; the place in the log stays."""
    return {**answer, "log": {**answer["log"], "proof": None}}


def test_each_bad_row_is_refused_with_its_own_code(world, samples: Path) -> None:
    text = (samples / "bad-business-licences.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 10
    caller = world.department(LICENCE)
    for number, row in enumerate(rows):
        expected = row.pop("expected_code")
        answer = caller.post(
            "v1/certificates", {"type": LICENCE, "claims": row}, idempotency_key=f"bad-{number}"
        )
        problem = answer.json()
        assert answer.status == 422, problem
        assert [error["code"] for error in problem["errors"]] == [expected]
        assert problem["errors"][0]["path"].startswith("/claims/")
        assert problem["errors"][0]["zh"]
        assert problem["errors"][0]["en"]


@pytest.mark.parametrize("part", ["header", "payload", "signature", "disclosure", "digits"])
def test_a_changed_character_is_never_valid(
    world, issued: Issued, offline_cache: Path, part: str
) -> None:
    alone = sdk(world, offline_cache, offline=True)
    household = issued.households[0]
    token, text = household["token"], household["qr"]["text"]
    header, payload, rest = token.split(".", 2)
    signature, *disclosures = rest.split("~")
    parts = {
        "header": (token, 0, len(header)),
        "payload": (token, len(header) + 1, len(payload)),
        "signature": (token, len(header) + len(payload) + 2, len(signature)),
        "disclosure": (token, token.index("~") + 1, sum(len(d) + 1 for d in disclosures) - 1),
        "digits": (text, text.index("#") + 1, len(text) - text.index("#") - 1),
    }
    original, start, length = parts[part]
    for at in range(start, start + length):
        old = original[at]
        new = "1" if old == "0" else "0" if part == "digits" or old != "A" else "B"
        changed = original[:at] + new + original[at + 1 :]
        if changed == original:
            continue
        verdict = alone.check(changed)
        assert verdict.outcome.value != "VALID", (part, at)
        assert not verdict.acceptable


def test_a_revocation_reaches_the_api_and_the_refreshed_sdk(
    world, issued: Issued, offline_cache: Path, tmp_path: Path
) -> None:
    victim = issued.licences[17]
    caller = world.department(LICENCE)
    answer = caller.post(f"v1/certificates/{victim['id']}/revoke", {"reason": "cancelled"})
    assert answer.status == 200, answer.body
    text = victim["qr"]["text"]
    end = time.monotonic() + 10
    while (verdict := ask(world, [text])[0])["code"] != "revoked":
        assert time.monotonic() < end, verdict
    assert verdict["outcome"] == "INVALID"
    fresh = sdk(world, tmp_path / "fresh")
    fresh.refresh()
    assert fresh.check(text).code == "revoked"
    with pytest.raises(VerificationFailed) as refused:
        fresh.verify(text)
    assert refused.value.code == "revoked"


def test_yesterdays_data_answers_by_policy(world, issued: Issued, offline_cache: Path) -> None:
    tomorrow = sdk(world, offline_cache, offline=True, clock=lambda: time.time() + DAY + 600)
    text = issued.licences[17]["qr"]["text"]
    by_itself = tomorrow.check(text)
    assert (by_itself.outcome.value, by_itself.code) == ("UNKNOWN", "trust_stale")
    lenient = tomorrow.check(text, policy=Policy(max_status_age=2 * DAY, max_trust_age=2 * DAY))
    assert (lenient.outcome.value, lenient.code) == ("VALID", "valid")
    assert lenient.status_age >= DAY
    assert lenient.trust_age >= DAY
    strict = tomorrow.check(text, policy=Policy(max_status_age=3600, max_trust_age=2 * DAY))
    assert (strict.outcome.value, strict.code) == ("UNKNOWN", "status_stale")
