"""Presentations at the verification API: its own nonces, each accepted once, by any process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certsvc.service.settings import Settings
from certsvc_sdk import sdjwt
from verifier.app import create_app

HALL = "https://hall.example"


@pytest.fixture
def service(publisher: Any, server: Any, clock: Any, tmp_path: Path) -> Callable[..., Any]:
    """Function that makes a process of the service on a machine."""
    root = tmp_path / "root.json"
    root.write_bytes(publisher.root)

    def make(machine: str = "one", **changes: Any) -> Any:
        settings = Settings(
            home=tmp_path / machine, trust_root=root, trust_url=server.url, **changes
        )
        return create_app(settings, clock=clock).test_client()

    return make


@pytest.fixture
def shown(issuer: Any, holder_signer: Any, clock: Any) -> Callable[..., str]:
    """Function from a nonce to what the holder's telephone sends."""

    def make(nonce: str, aud: str = HALL) -> str:
        token = issuer.token(cnf={"jwk": holder_signer.jwk})
        return sdjwt.present_bound(
            token, ("/legal_representative",),
            alg="ES256", sign=holder_signer.sign, aud=aud, nonce=nonce, iat=int(clock.now),
        )  # fmt: skip

    return make


def nonce_of(client: Any, audience: str = HALL) -> str:
    nonce: str = client.post("/v1/nonces", json={"audience": audience}).get_json()["nonce"]
    return nonce


def ask(client: Any, text: str, nonce: str, audience: str = HALL) -> str:
    policy = {"require_holder_binding": True, "audience": audience, "nonce": nonce}
    answer = client.post("/v1/verifications", json={"text": text, "policy": policy}).get_json()
    code: str = answer["verifications"][0]["verdict"]["code"]
    return code


def test_once_by_any_process_of_the_machine(service: Any, shown: Any) -> None:
    one, two = service(), service()
    nonce = nonce_of(one)
    text = shown(nonce)
    assert ask(two, text, nonce) == "valid"
    assert ask(one, text, nonce) == "presentation_replayed"
    assert ask(two, shown(nonce), nonce) == "presentation_replayed"


def test_what_was_never_given_out_or_has_ended(service: Any, shown: Any, clock: Any) -> None:
    client = service()
    assert ask(client, shown("made-up"), "made-up") == "presentation_expired"
    nonce = nonce_of(client)
    clock.now += 120
    assert ask(client, shown(nonce), nonce) == "presentation_expired"


def test_for_its_own_audience_only(service: Any, shown: Any) -> None:
    client = service()
    nonce = nonce_of(client, "https://other.example")
    assert ask(client, shown(nonce), nonce) == "holder_binding_invalid"
    # That try did not use it up.
    right = shown(nonce, "https://other.example")
    assert ask(client, right, nonce, "https://other.example") == "valid"


def test_a_forgery_does_not_use_it_up(service: Any, shown: Any) -> None:
    client = service()
    nonce = nonce_of(client)
    text = shown(nonce)
    forged = text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB")
    assert ask(client, forged, nonce) in ("holder_binding_invalid", "malformed")
    assert ask(client, text, nonce) == "valid"


def test_machines_agree_through_redis_and_a_flush_refuses(
    service: Any, shown: Any, redis_url: str, redis_server: Any
) -> None:
    one, two = (service(name, redis_url=redis_url) for name in ("one", "two"))
    nonce, lost = nonce_of(one), nonce_of(one)
    text = shown(nonce)
    assert [ask(each, text, nonce) for each in (two, one)] == ["valid", "presentation_replayed"]
    redis_server.flush()
    assert ask(two, shown(lost), lost) == "presentation_expired"


def test_machines_without_redis_do_not_know_each_others(service: Any, shown: Any) -> None:
    nonce = nonce_of(service("one"))
    assert ask(service("two"), shown(nonce), nonce) == "presentation_expired"
