"""A signer that is gone, hangs, restarts or lies (T55): KeysErrors, and nothing is released."""

import json

import pytest

from keys.algorithms import kid_of
from keys.errors import KeysError, SignatureRejected, StoreUnavailable
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.signing import frames, messages
from keys.signing.breaker import Breaker
from keys.signing.client import RemoteDataKey, RemoteSigner, SignerKeyStore
from keys.signing.frames import Frame, Kind
from keys.signing.line import Line

ISSUER = "119999000000000198"


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_without_a_signer_it_says_so(client):
    for ask in (client.list, lambda: client.data_key("rows")):
        with pytest.raises(StoreUnavailable):
            ask()


def test_a_restarted_signer_is_found_by_the_next_request(serving, client, make):
    info = make()
    with serving():
        signer = client.signer(ISSUER, info.kid)
        signer.sign(b"x")
    with serving():
        # The same call meets the dead connection and makes a new one: nobody notices.
        signer.sign(b"x")
    with pytest.raises(StoreUnavailable):
        signer.sign(b"x")


def test_a_signer_that_hangs_costs_one_time_out(path, double, requests_of):
    heard = []

    def silent(connection):
        heard.extend(requests_of(connection))

    clock = Clock()

    def ticking():
        clock.now += 0.0001
        return clock.now

    line = Line(path, seconds=0.1, monotonic=ticking)
    with double(silent):
        with pytest.raises(StoreUnavailable, match="in time"):
            line.ask("list", {"issuer": None})
        # The breaker is open: nobody else waits.
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match="a moment ago"):
                line.ask("list", {"issuer": None})
        clock.now += 1.1
        with pytest.raises(StoreUnavailable, match="in time"):
            line.ask("list", {"issuer": None})
        line.close()
    assert len(heard) == 2


def test_the_breaker_lets_one_ask():
    clock = Clock()
    breaker = Breaker(clock, pause=1.0)
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    clock.now += 1.0
    assert breaker.admits()
    assert not breaker.admits()
    breaker.failed()
    clock.now += 0.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()


def test_a_late_answer_reaches_nobody(path, double, requests_of, store, make):
    """An answer after the time-out must not become the answer to the next question."""
    first, second = make(), make(issuer_id="other")

    def late(connection):
        requests = list(requests_of(connection))
        for request, info in zip(requests, (first, second), strict=False):
            body = messages.write_infos([info])
            frame = Frame(kind=Kind.ANSWER, number=request.number, head={}, body=body)
            try:
                frames.send(connection, frame, seconds=1)
            except frames.Closed:
                return

    client = SignerKeyStore(path, seconds=0.1)
    with double(late):
        with pytest.raises(StoreUnavailable):
            client.get(ISSUER, first.kid)
        assert client._line._here().idle == []
        client.close()


def answering(requests_of, make_answer):
    """Attend a connection by a function from request to frame, or None for silence."""

    def attend(connection):
        for request in requests_of(connection):
            answer = make_answer(request)
            if answer is None:
                return
            frames.send(connection, answer, seconds=1)

    return attend


def answer(request, body=b"", *, kind=Kind.ANSWER, head=None, number=None):
    number = request.number if number is None else number
    return Frame(kind=kind, number=number, head=head or {}, body=body)


def test_garbage_signatures_are_not_released(path, double, requests_of, store, make):
    info, other = make(), make(issuer_id="other")
    real = store.signer("other", other.kid)
    mine = store.signer(ISSUER, info.kid)
    lies = iter(
        [
            b"",
            b"\0" * 64,
            b"\xff" * 64,
            b"x" * 63,
            b"x" * 65,
            bytes(1_000_000),
            real.sign(b"data"),
            mine.sign(b"other data"),
            bytes(reversed(mine.sign(b"data"))),
            mine.sign(b"data") + b"\0",
        ]
    )
    signer = RemoteSigner(info, line=Line(path, seconds=1))
    with double(answering(requests_of, lambda request: answer(request, next(lies)))):
        for _ in range(10):
            with pytest.raises(SignatureRejected):
                signer.sign(b"data")
        signer._line.close()


@pytest.mark.parametrize("what", ["number", "request", "head", "none"])
def test_answers_that_are_none_are_refused(path, double, requests_of, make, what):
    frames_of = {
        "number": lambda request: answer(request, b"[]", number=request.number + 1),
        "request": lambda request: answer(request, b"[]", kind=Kind.REQUEST),
        "head": lambda request: answer(request, kind=Kind.REFUSAL, head={"code": None}),
        "none": lambda _: None,
    }
    client = SignerKeyStore(path, seconds=1)
    with double(answering(requests_of, frames_of[what])):
        with pytest.raises(StoreUnavailable):
            client.list()
        client.close()


def told(info, **changes):
    """A list of one key as a liar tells it."""
    (members,) = json.loads(messages.write_infos([info]))
    return json.dumps([{**members, **changes}]).encode()


@pytest.mark.parametrize(
    "lie",
    [
        lambda info, other: b"",
        lambda info, other: b"{}",
        lambda info, other: b"[1]",
        lambda info, other: b"[{}]",
        lambda info, other: b"\xff",
        lambda info, other: b"[" * 100_000,
        lambda info, other: b"[]",
        lambda info, other: messages.write_infos([other]),
        lambda info, other: messages.write_infos([info, info]),
        lambda info, other: told(info, public_jwk=other.public_jwk),
        lambda info, other: told(info, public_jwk={}),
        lambda info, other: told(info, public_jwk={"kty": "EC"}),
        lambda info, other: told(info, public_jwk=7),
        lambda info, other: told(info, issuer_id="other"),
        lambda info, other: told(info, state="eternal"),
        lambda info, other: told(info, version=2),
    ],
)
def test_a_key_that_is_not_the_one_is_not_believed(path, double, requests_of, make, lie):
    info, other = make(), make(issuer_id="other")
    client = SignerKeyStore(path, seconds=1)
    with double(answering(requests_of, lambda request: answer(request, lie(info, other)))):
        for ask in (
            lambda: client.get(ISSUER, info.kid),
            lambda: client.signer(ISSUER, info.kid),
            lambda: client.active(ISSUER, "certificate"),
        ):
            if lie(info, other) == messages.write_infos([other]) or lie(info, other) == b"":
                pass
            with pytest.raises(KeysError):
                ask()
        client.close()


def test_a_key_of_an_unheard_of_kind_signs_nothing(path, double, requests_of, make):
    """Whatever a liar calls a key: the caller sees an error of custody, and no other."""
    info = make()
    jwk = {"kty": "EC", "crv": "P-256", "x": "!", "y": "?"}
    (members,) = json.loads(messages.write_infos([info]))
    for changes in ({"public_jwk": jwk, "kid": kid_of(jwk)}, {"alg": "none"}, {"alg": 5}):
        body = json.dumps([{**members, **changes}]).encode()
        kid = changes.get("kid", info.kid)

        def lie(request, body=body):
            return answer(request, body if request.head["do"] == "signer" else b"x" * 64)

        client = SignerKeyStore(path, seconds=1)
        with double(answering(requests_of, lie)):
            with pytest.raises(KeysError):
                client.signer(ISSUER, kid).sign(b"data")
            client.close()


def test_seals_and_hashes_that_are_none_are_refused(path, double, requests_of):
    key = RemoteDataKey("rows", line=Line(path, seconds=1))
    lies = iter([b"", b"\x01" + bytes(10), b"\x02" + bytes(32), b"", b"x" * 31])
    with double(answering(requests_of, lambda request: answer(request, next(lies)))):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                key.seal(b"name", context=b"")
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                key.hmac(b"name")
        key._line.close()


def test_an_unknown_refusal_is_unavailability(path, double, requests_of):
    head = {"code": "of_tomorrow", "text": "new"}
    client = SignerKeyStore(path, seconds=1)
    with double(
        answering(requests_of, lambda request: answer(request, kind=Kind.REFUSAL, head=head))
    ):
        with pytest.raises(StoreUnavailable, match="of_tomorrow: new"):
            client.list()
        client.close()


def test_those_who_wait_too_long_for_their_turn_are_told(path, serving):
    line = Line(path, seconds=0.05, connections=1)
    with serving():
        line._here().turns.acquire()
        with pytest.raises(StoreUnavailable, match="busy"):
            line.ask("list", {"issuer": None})
        line._here().turns.release()
        line.ask("list", {"issuer": None})
        line.close()


def test_a_retired_key_signs_for_nobody_after_a_restart(serving, client, root, make):
    info = make()
    with serving():
        signer = client.signer(ISSUER, info.kid)
    again = FileKeyStore(root, passphrase=b"correct horse battery staple", scrypt_n=2)
    again.set_state(ISSUER, info.kid, State.RETIRED, now=info.created_at)
    with serving(behind=again), pytest.raises(KeysError):
        signer.sign(b"x")
