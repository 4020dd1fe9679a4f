"""Nonces of presentations: given out, bound, used once; over processes, machines and mishaps."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from certsvc.service.metrics import Metrics
from certsvc.service.shared.address import read_address
from certsvc.service.shared.connection import Shared
from certsvc_sdk.nonces import NonceUse
from certsvc_sdk.policy import Policy
from verifier.nonces import LIFE, IssuedNonces, LocalNonces, NoncesUnavailable

NOW = 1_800_000_000
AUDIENCE = "https://verifier.example/"


@pytest.fixture
def local(tmp_path: Path) -> LocalNonces:
    return LocalNonces(tmp_path / "cache" / "nonces.db")


class TestLocal:
    def test_once_and_in_time(self, local: LocalNonces) -> None:
        for nonce in "abc":
            local.issue(nonce, audience=AUDIENCE, now=NOW)
        assert local.take("a", now=NOW) is NonceUse.FRESH
        assert local.take("a", now=NOW) is NonceUse.USED
        assert local.take("b", now=NOW + LIFE - 1) is NonceUse.FRESH
        assert local.take("c", now=NOW + LIFE) is NonceUse.UNKNOWN
        assert local.take("d", now=NOW) is NonceUse.UNKNOWN

    def test_a_clock_that_was_set_back_gives_no_second_life(self, local: LocalNonces) -> None:
        local.issue("a", audience=AUDIENCE, now=NOW)
        assert local.take("a", now=NOW - 1) is NonceUse.UNKNOWN

    def test_the_oldest_is_forgotten_and_what_ended(self, tmp_path: Path) -> None:
        few = LocalNonces(tmp_path / "few", capacity=2)
        for number, nonce in enumerate("abc"):
            few.issue(nonce, audience="", now=NOW + number)
        assert [few.take(nonce, now=NOW + 2) for nonce in "abc"] == [
            NonceUse.UNKNOWN,
            NonceUse.FRESH,
            NonceUse.FRESH,
        ]
        few.issue("d", audience="", now=NOW + LIFE + 2)
        assert few.audience("c") is None

    def test_nobody_finds_them_on_the_disk(self, local: LocalNonces, tmp_path: Path) -> None:
        local.issue("nonce-in-clear", audience=AUDIENCE, now=NOW)
        data = b"".join(path.read_bytes() for path in (tmp_path / "cache").iterdir())
        assert b"nonce-in-clear" not in data
        assert AUDIENCE.encode() not in data

    def test_processes_agree_and_one_of_them_wins(self, local: LocalNonces) -> None:
        local.issue("a", audience=AUDIENCE, now=NOW)
        context = multiprocessing.get_context("fork")
        with context.Pool(4) as pool:
            found = pool.map(_Take(local), ["a"] * 12)
        assert sorted(found) == ["fresh"] + ["used"] * 11

    @pytest.mark.parametrize("harm", ["garbage", "folder"])
    def test_a_broken_file_fails_closed(self, harm: str, tmp_path: Path) -> None:
        path = tmp_path / "nonces.db"
        local = LocalNonces(path)
        local.issue("a", audience=AUDIENCE, now=NOW)
        path.unlink()
        if harm == "garbage":
            path.write_bytes(os.urandom(4096))
        else:
            path.mkdir()
        assert local.take("a", now=NOW) is NonceUse.UNKNOWN
        assert local.audience("a") is None
        with pytest.raises(NoncesUnavailable):
            local.issue("b", audience=AUDIENCE, now=NOW)


class _Take:
    def __init__(self, store: LocalNonces) -> None:
        self.store = store

    def __call__(self, nonce: str) -> str:
        return self.store.take(nonce, now=NOW).value


@pytest.fixture
def machines(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., IssuedNonces]]:
    """Function that makes a machine's nonces, over one Redis."""
    ways: list[Shared] = []

    def make(name: str) -> IssuedNonces:
        metrics = Metrics()
        ways.append(Shared(read_address(redis_url), environment="demo", metrics=metrics))
        return IssuedNonces(LocalNonces(tmp_path / name / "nonces.db"), ways[-1], metrics=metrics)

    yield make
    for way in ways:
        way.close()


class TestShared:
    def test_any_machine_takes_it_and_only_once(self, machines: Any) -> None:
        one, two = machines("one"), machines("two")
        nonce = one.give(AUDIENCE, now=NOW)
        assert two.take(nonce, now=NOW) is NonceUse.FRESH
        assert [each.take(nonce, now=NOW) for each in (one, two)] == [NonceUse.USED] * 2
        assert two.take("never given out", now=NOW) is NonceUse.UNKNOWN

    def test_flushed_is_refused(self, machines: Any, redis_server: Any) -> None:
        one = machines("one")
        nonce = one.give(AUDIENCE, now=NOW)
        redis_server.flush()
        assert one.take(nonce, now=NOW) is NonceUse.UNKNOWN

    @pytest.mark.parametrize("harm", ["kill", "pause"])
    def test_without_redis_this_machine_keeps_them(
        self, harm: str, machines: Any, redis_server: Any
    ) -> None:
        one, two = machines("one"), machines("two")
        before = one.give(AUDIENCE, now=NOW)
        getattr(redis_server, harm)()
        try:
            nonce = one.give(AUDIENCE, now=NOW)
            assert two.take(nonce, now=NOW) is NonceUse.UNKNOWN
            assert one.take(nonce, now=NOW) is NonceUse.FRESH
            assert one.take(nonce, now=NOW) is NonceUse.USED
            # What Redis alone knows cannot be asked for: refused.
            assert one.take(before, now=NOW) is NonceUse.UNKNOWN
        finally:
            redis_server.start()

    def test_one_that_lies_in_both_places_is_taken_once(
        self, machines: Any, redis_server: Any
    ) -> None:
        one, two = machines("one"), machines("two")
        redis_server.kill()
        nonce = one.give(AUDIENCE, now=NOW)
        redis_server.start()
        assert two.take(nonce, now=NOW) is NonceUse.UNKNOWN
        assert one.take(nonce, now=NOW) is NonceUse.FRESH
        assert two.take(nonce, now=NOW) is NonceUse.UNKNOWN

    @pytest.mark.parametrize("value", ["", "issued", "fresh", "issued:" + "x" * 5000])
    def test_poison_brings_nobody_in_for_another_audience(
        self, value: str, machines: Any, redis_server: Any
    ) -> None:
        one = machines("one")
        key = one._shared.key("nonce", "planted")
        redis_server.command("SET", key, value)
        policy = Policy(require_holder_binding=True, audience=AUDIENCE, nonce="planted")
        bound = one.bound(policy)
        refused = bound.nonce is None or one.take("planted", now=NOW) is not NonceUse.FRESH
        assert refused

    def test_poison_does_not_make_a_used_one_fresh_here(
        self, machines: Any, redis_server: Any
    ) -> None:
        one = machines("one")
        nonce = one.give(AUDIENCE, now=NOW)
        key = one._shared.key("nonce", nonce)
        with redis.Redis(port=redis_server.port) as attacker:
            issued = attacker.get(key)
            assert one.take(nonce, now=NOW) is NonceUse.FRESH
            attacker.set(key, issued)
        assert one.take(nonce, now=NOW) is NonceUse.USED

    def test_a_value_of_another_type(self, machines: Any, redis_server: Any) -> None:
        one = machines("one")
        redis_server.command("RPUSH", one._shared.key("nonce", "planted"), "x")
        assert one.take("planted", now=NOW) is NonceUse.UNKNOWN


def test_bound_to_its_audience(local: LocalNonces) -> None:
    nonces = IssuedNonces(local, None, metrics=Metrics())
    nonce = nonces.give(AUDIENCE, now=NOW)
    policy = Policy(require_holder_binding=True, audience=AUDIENCE, nonce=nonce)
    assert nonces.bound(policy) is policy
    other = Policy(require_holder_binding=True, audience="https://other.example/", nonce=nonce)
    assert nonces.bound(other) == Policy(
        require_holder_binding=True, audience="https://other.example/"
    )
    none = Policy(require_holder_binding=True, nonce=nonce)
    assert nonces.bound(none) == Policy(require_holder_binding=True)
    for free in (None, Policy(), Policy(nonce="unknown", require_holder_binding=True)):
        assert nonces.bound(free) is free


class TestRoute:
    def ask(self, client: Any, body: object, **more: Any) -> Any:
        more = {"content_type": "application/json", **more}
        return client.post("/v1/nonces", data=json.dumps(body), **more)

    def test_it_gives_one_out(self, client: Any) -> None:
        answers = [self.ask(client, {"audience": AUDIENCE}) for _ in range(2)]
        bodies = [answer.get_json() for answer in answers]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert {body["audience"] for body in bodies} == {AUDIENCE}
        assert {body["expires_at"] for body in bodies} == {NOW + LIFE}
        assert len({body["nonce"] for body in bodies}) == 2
        assert answers[0].headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 422, "request_invalid"),
            ({"audience": ""}, 422, "request_invalid"),
            ({"audience": "x" * 513}, 422, "request_invalid"),
            ({"audience": 7}, 422, "request_invalid"),
            ({"audience": "a", "nonce": "mine"}, 422, "request_invalid"),
            ([], 400, "body_malformed"),
            ({"audience": "x" * 9000}, 413, "body_too_large"),
        ],
    )
    def test_what_is_refused(self, client: Any, body: object, status: int, code: str) -> None:
        answer = self.ask(client, body)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)

    def test_another_media_type(self, client: Any) -> None:
        assert self.ask(client, {}, content_type="text/plain").status_code == 415

    def test_no_place_to_keep_it(self, client: Any, tmp_path: Path) -> None:
        (tmp_path / "verifier-cache" / "nonces.db").mkdir(parents=True)
        answer = self.ask(client, {"audience": AUDIENCE})
        assert (answer.status_code, answer.get_json()["code"]) == (503, "nonces_unavailable")
        assert answer.headers["Retry-After"]
