"""Offices that sign with SM2 or ML-DSA: set up, issuing, publishing and verified, end to end."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from certsvc import bootstrap
from certsvc.app import create_app
from certsvc.custody import open_keys
from certsvc.publishing.status import StatusPublisher
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk import Policy, Verifier, qr, sdjwt, strict
from certsvc_sdk.errors import AlgorithmNotAllowed
from certsvc_sdk.trust.about import About, Environment
from keys import KeyStore
from keys.algorithms.sm2 import SM2
from keys.errors import SoftwareSm2Refused

NOW = 1_800_000_000
PATH = "/v1/certificates"


@dataclass
class Office:
    """One office of the demo world with another algorithm, and what its verifiers need."""

    settings: Settings
    keys: KeyStore
    root: bytes
    record: Any
    publish: Callable[[], None]

    def post(self, path: str, value: object, key: str) -> Any:
        app = create_app(self.settings, clock=lambda: NOW)
        name, secret = self.client
        return app.test_client().post(
            path, json=value, auth=(name, secret), headers={"Idempotency-Key": key}
        )

    @property
    def client(self) -> tuple[str, str]:
        path = self.settings.home / "demo" / "market.client"
        name, _, secret = path.read_text(encoding="ascii").strip().partition(":")
        return name, secret

    def verifier(self, **options: Any) -> Verifier:
        url = self.settings.published.as_uri() + "/"
        return Verifier.from_root(self.root, url=url, clock=lambda: NOW, **options)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Callable[[str], Office]]:
    engines = []

    def make(alg: str) -> Office:
        settings = Settings(home=tmp_path, software_sm2=alg == "SM2")
        bootstrap.make_passphrase(settings.keys_passphrase_file)
        keys = open_keys(settings)
        engine = make_engine(settings.database_url)
        engines.append(engine)
        upgrade(engine)
        tree = PublishedTree(settings.published)
        trust = TrustPublisher(tree, keys)
        trust.initialise(NOW, About(env=Environment.DEMO, base=settings.public_url))
        department = replace(bootstrap.departments()[0], algorithm=alg)
        record = bootstrap.add_department(department, settings, keys, engine, now=NOW)
        trust.publish_records([record], NOW)
        settings.trust_root.write_bytes(trust.root())
        publisher = StatusPublisher(tree, keys, base_url=settings.public_url)

        def publish() -> None:
            with reading(engine) as connection:
                lists = StatusLists(connection)
                due = [
                    (one, *lists.snapshot(one.issuer_id, one.list_no))
                    for one in lists.all(record.uscc)
                ]
            for one, bits, version in due:
                publisher.publish(one.issuer_id, one.list_no, bits, version, NOW)
                with writing(engine) as connection:
                    StatusLists(connection).mark_published(
                        one.issuer_id, one.list_no, version, now=NOW
                    )

        publish()
        return Office(settings, keys, trust.root(), record, publish)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def claims(samples: Path) -> dict[str, Any]:
    line = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()[0]
    return json.loads(line)


@pytest.mark.parametrize("alg", ["SM2", "ML-DSA-44", "ML-DSA-65"])
def test_an_office_issues_and_a_verifier_verifies(
    office: Callable[[str], Office], claims: dict[str, Any], alg: str
) -> None:
    world = office(alg)
    assert {key.alg for key in world.record.keys} == {alg}
    answer = world.post(PATH, {"type": "business-licence", "claims": claims}, "one")
    assert answer.status_code == 201, answer.text
    issued = answer.get_json()
    verifier = world.verifier()
    assert verifier.verify(issued["token"]).claims["name"] == claims["name"]
    if alg == "SM2":
        assert verifier.verify(issued["qr"]["text"]).outcome.value == "VALID"
    else:
        assert (issued["qr"], issued["qr_reason"]) == (None, "qr_too_large")
    path = f"{PATH}/{issued['id']}/revoke"
    revoked = world.post(path, {"reason": "cancelled"}, "two")
    assert revoked.status_code == 200, revoked.text
    world.publish()
    verifier.refresh()
    assert verifier.check(issued["token"]).code == "revoked"


def test_without_the_extra_a_certificate_by_sm2_is_not_called_forged(
    office: Callable[[str], Office], claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = office("SM2")
    issued = world.post(PATH, {"type": "business-licence", "claims": claims}, "one").get_json()
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    verdict = world.verifier().check(issued["token"])
    assert verdict.code == "algorithm_not_allowed"
    results = {check.name: check.result for check in verdict.checks}
    assert (results["algorithm"], results["signature"]) == ("failed", "skipped")
    assert verdict.claims is None


def test_software_sm2_needs_the_setting(office: Callable[[str], Office]) -> None:
    world = office("SM2")
    without = world.settings.model_copy(update={"software_sm2": False})
    with pytest.raises(SoftwareSm2Refused):
        open_keys(without).active(world.record.uscc, "certificate")
    assert world.settings.to_env()["CERTSVC_SOFTWARE_SM2"] == "True"
    assert Settings.from_env(world.settings.to_env()) == world.settings


def test_gm_end_to_end(office: Callable[[str], Office], claims: dict[str, Any]) -> None:
    # SM2 signature, SM3 digests, a QR code, partial presentation, a holder's SM2 key.
    world = office("SM2")
    signer = world.keys.active(world.record.uscc, "certificate")
    holder = SM2.generate()
    cnf = {"jwk": SM2.public_jwk(holder)}
    issued = world.post(PATH, {"type": "business-licence", "claims": claims}, "one").get_json()
    plain = sdjwt.parse(issued["token"]).claims().claims
    seed = bytes(range(16))
    draft = sdjwt.draft(
        header={"alg": signer.alg, "typ": "dc+sd-jwt", "kid": signer.kid},
        claims={**plain, "cnf": cnf},
        disclose={"/legal_representative", "/name"},
        salts=sdjwt.salts_from_seed(seed),
        digest_algorithm="sm3",
    )
    assert '"_sd_alg":"sm3"' in draft.payload_json
    token = draft.finish(signer.sign(draft.signing_input))
    text = qr.encode(token, seed, host="certs.example", dictionary=qr.DICTIONARY_LICENCE)
    assert qr.decode(text).token == token

    usual, gm = world.verifier(), world.verifier(profiles=("gm",))
    for shown in (token, text):
        assert usual.check(shown).code == "algorithm_not_allowed"
        verdict = gm.check(shown)
        assert (verdict.code, verdict.claims) == ("valid", {**plain, "cnf": cnf})
    # sha-256 stays good where the profile is on.
    assert gm.check(issued["token"]).code == "valid"
    part = sdjwt.present(token, {"/name"})
    found = gm.check(part).claims
    assert found is not None
    assert found.keys() & {"name", "legal_representative"} == {"name"}
    other = strict.b64u_encode(b'["AAAAAAAAAAAAAAAAAAAAAA","more",1]')
    assert gm.check(f"{part}{other}~").code == "disclosure_invalid"

    bound = sdjwt.present_bound(
        token,
        {"/name"},
        alg="SM2",
        sign=lambda data: SM2.sign(holder, data),
        aud="desk",
        nonce="n-1",
        iat=NOW,
    )
    policy = Policy(require_holder_binding=True, audience="desk", nonce="n-1")
    assert gm.verify(bound, policy=policy).code == "valid"
    elsewhere = replace(policy, nonce="n-2")
    assert gm.check(bound, policy=elsewhere).code == "holder_binding_invalid"


def test_profiles_are_checked_at_the_start(office: Callable[[str], Office]) -> None:
    world = office("ES256")
    with pytest.raises(AlgorithmNotAllowed):
        world.verifier(profiles=("sm",))
