"""`POST /v1/codes/resolve`: for verifiers only, found for every issuer, told alike, bounded."""

import json
from typing import Any

import pytest

from certsvc.service.engine import make_engine, writing
from certsvc.storage.clients import Clients
from certsvc_sdk import typedcode

PATH = "/v1/codes/resolve"
NOBODYS = typedcode.grouped(typedcode.of("nobody's~"))


@pytest.fixture
def hall(world: Any) -> Any:
    """The demo's verifier."""
    name, _, secret = world.settings.resolver_clients.read_text().strip().partition(":")
    return type(world.caller("business-licence"))(world.app.test_client(), (name, secret))


@pytest.fixture(scope="session")
def issued(world: Any, licence_claims: list[dict[str, Any]]) -> dict[str, Any]:
    made = world.caller("business-licence").post(
        "/v1/certificates",
        {"type": "business-licence", "claims": licence_claims[0]},
        key="typed-codes",
    )
    assert made.status_code == 201, made.text
    return dict(made.get_json())


def test_a_certificate_carries_its_code(issued: Any, licence: Any) -> None:
    assert issued["typed_code"] == typedcode.grouped(typedcode.of(issued["token"]))
    read = licence.get(issued["links"]["self"]).get_json()
    assert read["typed_code"] == issued["typed_code"]


def test_a_verifier_gets_the_certificate(issued: Any, hall: Any) -> None:
    code = typedcode.read(issued["typed_code"])
    for spelling in (issued["typed_code"], code.lower(), typedcode.digits(code)):
        answer = hall.post(PATH, {"code": spelling})
        assert answer.status_code == 200
        assert answer.get_json() == {"token": issued["token"]}
        assert answer.headers["Cache-Control"] == "no-store"


def test_departments_and_strangers_do_not(issued: Any, licence: Any, world: Any) -> None:
    body = {"code": issued["typed_code"]}
    refused = licence.post(PATH, body)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "scope_missing")
    stranger = world.app.test_client().post(PATH, json=body)
    assert (stranger.status_code, stranger.get_json()["code"]) == (401, "unauthenticated")


def test_a_verifier_may_do_nothing_else(issued: Any, hall: Any) -> None:
    assert hall.get(issued["links"]["self"]).status_code == 403
    assert hall.post("/v1/certificates", {"type": "x", "claims": {}}, key="k").status_code == 403


def test_nobodys_code(hall: Any) -> None:
    answer = hall.post(PATH, {"code": NOBODYS})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "code_unknown")


@pytest.mark.parametrize(
    "code",
    [
        NOBODYS[:-1] + ("2" if NOBODYS[-1] != "2" else "3"),
        NOBODYS[1:],
        "https://certs.example/v#1",
        "证照",
        "\u202e\u200b",
    ],
)
def test_a_typing_error_is_no_look_up(code: str, hall: Any) -> None:
    answer = hall.post(PATH, {"code": code})
    found = answer.get_json()
    assert (answer.status_code, found["code"]) == (422, "request_invalid")
    assert [(one["path"], one["code"]) for one in found["errors"]] == [("/code", "code_check")]
    assert code not in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": 1}, {"code": "2" * 65}, {"c": "x"}])
def test_other_bodies(body: Any, hall: Any) -> None:
    assert hall.post(PATH, body).get_json()["code"] == "request_invalid"


def test_guessing_ends_soon_and_hurts_nobody_else(world: Any, issued: Any, hall: Any) -> None:
    engine = make_engine(world.settings.database_url)
    with writing(engine) as connection:
        secret = Clients(connection).add(
            "119999000000000198", "greedy", name="x", scopes={"resolve"}, now=1
        )
    engine.dispose()
    greedy = type(hall)(world.app.test_client(), ("greedy", secret))
    there = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.7"}}
    answers = [greedy.post(PATH, {"code": typedcode.of(f"{n}~")}, **there) for n in range(80)]
    told = [answer.status_code for answer in answers]
    assert set(told) == {404, 429}
    # 60 saved up, and some for the time that this took.
    assert told[:20] == [404] * 20
    assert told.count(404) <= 70
    refused = answers[told.index(429)]
    assert refused.get_json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    assert hall.post(PATH, {"code": issued["typed_code"]}).status_code == 200


def test_no_line_and_no_number_holds_a_code(
    issued: Any, hall: Any, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import io
    import logging

    from certsvc.service import logs

    stream = io.StringIO()
    handler = logs.configure(stream)
    try:
        hall.post(PATH, {"code": issued["typed_code"]})
        hall.post(PATH, {"code": NOBODYS})
        # What somebody should never write, and what a client puts where it does not belong.
        logging.getLogger("certsvc.test").info("asked for %s", issued["typed_code"].lower())
        logging.getLogger("certsvc.test").info(
            "scanned %s", typedcode.digits(typedcode.read(NOBODYS))
        )
        hall.post(PATH, {"code": NOBODYS}, headers={"X-Request-Id": issued["typed_code"]})
    finally:
        logging.getLogger().removeHandler(handler)
    text = stream.getvalue()
    for code in (issued["typed_code"], NOBODYS):
        plain = typedcode.read(code)
        for spelling in (code, plain, code.lower(), plain.lower(), typedcode.digits(plain)):
            assert spelling not in text
    assert issued["id"] in text  # who was shown what stays on record
    assert text.count("[redacted]") == 2
    page = world.app.test_client().get("/metrics").text
    assert 'certsvc_typed_codes_total{result="found"}' in page
    assert 'certsvc_typed_codes_total{result="unknown"}' in page
    assert typedcode.read(NOBODYS) not in page


def test_the_filter_knows_the_alphabet() -> None:
    from certsvc.service.logs import redact

    for number in range(200):
        code = typedcode.of(f"{number}~")
        for spelling in (code, typedcode.grouped(code), typedcode.grouped(code).replace("-", " ")):
            assert redact(f"x {spelling.lower()}, {spelling}.") == "x [redacted], [redacted]."
        assert redact(typedcode.digits(code)) == "[redacted]"
