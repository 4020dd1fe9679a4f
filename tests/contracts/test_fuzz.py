"""Requests drawn from the contract, good and bad: every answer is one that the contract lists."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks

from certsvc.service.settings import Settings
from verifier.app import create_app

EXAMPLES = 12
# Claims follow a type's own schema, so a request that follows the contract may still be refused;
# form fields have no types, so a wrong one may be accepted. Other tests hold both.
EXCLUDED = ("positive_data_acceptance", "negative_data_rejection")
Fuzz = Callable[..., int]


def _profile(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def fuzz(contract: dict[str, Any]) -> Fuzz:
    """Function that plays requests against an application and counts them."""
    load_all_checks()
    registry = schemathesis.checks.CHECKS
    excluded = [registry.get_one(name) for name in EXCLUDED]

    def run(
        app: Flask,
        *,
        tag: str,
        parameters: dict[str, str],
        auth: tuple[str, str] | None = None,
        without: str = "",
    ) -> int:
        schema = schemathesis.openapi.from_dict(contract)
        schema.app = app
        count = 0
        for found in schema.include(tag=tag).exclude(path=without).get_all_operations():
            operation = found.ok()
            modes = st.one_of(
                operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
                operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            )

            @_profile(EXAMPLES)
            @given(case=modes, known=st.booleans())
            def play(case: Any, known: bool) -> None:
                nonlocal count
                count += 1
                if known:
                    case.path_parameters |= {
                        name: value
                        for name, value in parameters.items()
                        if name in case.path_parameters
                    }
                options = {} if auth is None else {"auth": auth}
                case.call_and_validate(excluded_checks=excluded, **options)

            play()
        return count

    return run


def test_the_issuer_keeps_the_contract(world: Any, fuzz: Fuzz) -> None:
    licence = (
        world.app.test_client().get("/v1/types/business-licence", auth=world.credentials).get_json()
    )
    issued = world.app.test_client().post(
        "/v1/certificates",
        json={"type": "business-licence", "claims": licence["example"]},
        headers={"Idempotency-Key": "fuzz-1"},
        auth=world.credentials,
    )
    assert issued.status_code == 201
    parameters = {"certificate_id": issued.get_json()["id"], "name": "business-licence"}
    assert fuzz(world.app, tag="issuer", parameters=parameters, auth=world.credentials) >= 100


def test_the_verifier_keeps_the_contract(
    world: Any, trust_root: bytes, tmp_path: Any, fuzz: Fuzz
) -> None:
    configured = Settings(home=tmp_path, trust_url="http://127.0.0.1:9/")
    configured.trust_root.write_bytes(trust_root)
    app = create_app(configured)
    # Without trust data it is not ready, and says so with 503.
    assert fuzz(app, tag="verifier", parameters={}, without="/readyz") >= 30
