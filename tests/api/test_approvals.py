"""Second person, granted types and numbers of a day over HTTP (T52)."""

from dataclasses import replace
from typing import Any

import pytest

from certsvc.app import create_app
from certsvc.service.engine import make_engine, writing
from certsvc.service.settings import SettingsInvalid
from certsvc.storage.clients import Clients

TYPE = "business-licence"


@pytest.fixture
def client_of(world: Any) -> Any:
    """Function that registers a further client of the market regulator."""
    engine = make_engine(world.settings.database_url)
    issuer_id = _issuer(world)

    def make(name: str, scopes: set[str], **limits: Any) -> tuple[str, str]:
        with writing(engine) as connection:
            clients = Clients(connection)
            secret = clients.add(issuer_id, name, name=name, scopes=scopes, now=1)
            if limits:
                values = {"types": None, "daily_limit": None, **limits}
                assert clients.restrict(issuer_id, name, **values)
        return name, secret

    yield make
    engine.dispose()


def _issuer(world: Any) -> str:
    engine = make_engine(world.settings.database_url)
    with writing(engine) as connection:
        ((issuer_id,),) = connection.exec_driver_sql(
            f"SELECT issuer_id FROM client WHERE client_id = '{world.credentials[TYPE][0]}'"
        )
    engine.dispose()
    return str(issuer_id)


@pytest.fixture
def strict_app(world: Any) -> Any:
    """The same world, where nobody issues licences alone."""
    settings = world.settings.model_copy(update={"second_person": TYPE})
    return create_app(settings, clock=world.clock).test_client()


def test_a_request_waits_is_agreed_to_and_issued(
    world: Any, licence: Any, licence_claims: Any, client_of: Any, strict_app: Any
) -> None:
    maker = replace(licence, client=strict_app)
    checker = replace(maker, auth=client_of("checker", {"approve"}))
    body = {"type": TYPE, "claims": licence_claims[0]}
    waits = maker.post("/v1/certificates", body, key="second-person")
    assert waits.status_code == 202
    path = waits.json["approval"]["link"]
    assert waits.headers["Location"] == path
    assert int(waits.headers["Retry-After"]) > 0
    listed = checker.get("/v1/approvals").json["approvals"]
    assert [one["link"] for one in listed] == [path]
    assert listed[0]["request"]["claims"]["name"] == licence_claims[0]["name"]
    own = maker.post(f"{path}/approve")
    assert (own.status_code, own.json["code"]) == (403, "second_person_needed")
    assert checker.post(f"{path}/approve").json["state"] == "approved"
    assert checker.get(path).json["decided_by"] == "checker"
    made = maker.post("/v1/certificates", body, key="second-person")
    assert made.status_code == 201
    changed = maker.post(
        f"/v1/certificates/{made.json['id']}/supersede",
        {"claims": licence_claims[0]},
        key="second-person-2",
    )
    assert changed.status_code == 202
    assert checker.post(f"{changed.json['approval']['link']}/refuse").json["state"] == "refused"
    again = maker.post(
        f"/v1/certificates/{made.json['id']}/supersede",
        {"claims": licence_claims[0]},
        key="second-person-2",
    )
    assert (again.status_code, again.json["code"]) == (403, "approval_refused")
    late = checker.post(f"{changed.json['approval']['link']}/approve")
    assert (late.status_code, late.json["code"]) == (404, "approval_unknown")


def test_only_who_holds_the_scope_reads_and_decides(licence: Any, client_of: Any) -> None:
    plain = replace(licence, auth=client_of("plain", {"issue"}))
    for answer in (
        plain.get("/v1/approvals"),
        plain.get(f"/v1/approvals/{'0' * 32}"),
        plain.post(f"/v1/approvals/{'0' * 32}/approve"),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")
    assert licence.get(f"/v1/approvals/{'0' * 32}").status_code == 404
    assert licence.get("/v1/approvals/not-an-id").status_code == 404


def test_granted_types_and_numbers_of_a_day(
    licence: Any, licence_claims: Any, client_of: Any
) -> None:
    body = {"type": TYPE, "claims": licence_claims[1]}
    other = replace(licence, auth=client_of("other-type", {"issue"}, types={"household-register"}))
    refused = other.post("/v1/certificates", body, key="k")
    assert (refused.status_code, refused.json["code"]) == (403, "type_not_granted")
    one = replace(licence, auth=client_of("one-a-day", {"issue"}, types={TYPE}, daily_limit=1))
    assert one.post("/v1/certificates", body, key="first").status_code == 201
    full = one.post("/v1/certificates", body, key="second")
    assert (full.status_code, full.json["code"]) == (429, "quota_exceeded")
    assert 0 < int(full.headers["Retry-After"]) <= 24 * 3600
    assert one.post("/v1/certificates", body, key="first").status_code == 201


def test_a_rule_for_no_type_is_refused(world: Any) -> None:
    settings = world.settings.model_copy(update={"second_person": "business-license"})
    with pytest.raises(SettingsInvalid, match="business-license"):
        create_app(settings, clock=world.clock)
