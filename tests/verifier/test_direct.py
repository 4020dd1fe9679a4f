"""`POST /v1/verifications` in front of Flask and through it: the same answer, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

PLAIN, SPELLED_OUT = "application/json", "application/json; charset=utf-8"
REQUEST_ID = "compare-both-ways"


class Both:
    """Sends a request both ways and returns the one answer."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()
        self.reached: list[str] = []
        app.before_request(lambda: self.reached.append("flask"))

    def __call__(self, body: object, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answers = [
            self._client.post(
                "/v1/verifications",
                data=data,
                content_type=kind,
                headers={"X-Request-Id": REQUEST_ID, **headers},
            )
            for kind in (PLAIN, SPELLED_OUT)
        ]
        direct, through = ((one.status, list(one.headers), one.data) for one in answers)
        assert direct == through
        return answers[0].status_code, answers[0].get_json()


@pytest.fixture
def both(make_app: Callable[..., Flask]) -> Both:
    return Both(make_app())


def test_verdicts(both: Both, world: Any) -> None:
    good = world.issue()
    household = world.issue("household-register")
    bodies = [
        {"text": good},
        {"text": world.text(household)},
        {"text": world.forge(good)},
        {"text": f"\n {good} "},
        {"text": "hello"},
        {"text": "张三"},
        {"text": good, "policy": {"types": ["household-register"]}},
        {"text": good, "policy": {"claims": ["/legal_representative", "/unheard"]}},
        {"items": [{"text": good}, {"text": household}, {"text": ""}]},
        {"items": [{"text": good}] * 100},
        {"text": good, "items": None, "policy": None},
    ]
    for body in bodies:
        assert both(body)[0] == 200
    # The one way never reached Flask, the other always did.
    assert both.reached == ["flask"] * len(bodies)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"text":"a","text":"b"}', 400),
        (b'{"text":"\\ud800"}', 400),
        (b"[]", 400),
        ({}, 422),
        ({"text": " "}, 422),
        ({"text": 7}, 422),
        ({"items": []}, 422),
        ({"items": [{"text": "a"}] * 101}, 422),
        ({"items": [{"text": "a", "more": 1}]}, 422),
        ({"text": "a", "items": [{"text": "a"}]}, 422),
        ({"text": "a", "policy": {"unheard": 1}}, 422),
        ({"text": "a", "policy": "unheard"}, 422),
        ({"text": "a" * (512 * 1024)}, 413),
    ],
)
def test_refusals(both: Both, body: object, status: int) -> None:
    assert both(body)[0] == status
    assert both.reached == ["flask", "flask"]


def test_a_given_id_that_could_be_a_persons_is_replaced_both_ways(
    make_app: Callable[..., Flask], world: Any
) -> None:
    client = make_app().test_client()
    for kind in (PLAIN, SPELLED_OUT):
        answer = client.post(
            "/v1/verifications",
            data=json.dumps({"text": world.issue()}),
            content_type=kind,
            headers={"X-Request-Id": "990102199003070010"},
        )
        assert len(answer.headers["X-Request-Id"]) == 32


def test_one_rate_for_both_ways(make_app: Callable[..., Flask], world: Any) -> None:
    client = make_app(rate_per_second=1).test_client()
    body = json.dumps({"text": world.issue()})
    ways = (PLAIN, SPELLED_OUT) * 4
    statuses = [
        client.post("/v1/verifications", data=body, content_type=kind).status_code for kind in ways
    ]
    assert statuses == [200] * 5 + [429] * 3


def test_a_refused_body_counts_once(make_app: Callable[..., Flask]) -> None:
    client = make_app(rate_per_second=1).test_client()
    answers = [client.post("/v1/verifications", data=b"{", content_type=PLAIN) for _ in range(6)]
    assert [one.status_code for one in answers] == [400] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "1"


def test_workers_share_one_rate(make_app: Callable[..., Flask], world: Any) -> None:
    workers = [make_app(rate_per_second=1).test_client() for _ in range(2)]
    body = json.dumps({"text": world.issue()})
    statuses = [
        worker.post("/v1/verifications", data=body, content_type=PLAIN).status_code
        for worker in workers * 3
    ]
    assert statuses == [200] * 5 + [429]


def test_a_rate_that_cannot_be_counted_stops_the_start(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    from certsvc.service.settings import SettingsInvalid

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsInvalid, match="CERTSVC_VERIFIER_CACHE"):
        make_app(rate_per_second=1, verifier_cache=tmp_path / "file")
