import multiprocessing
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from certsvc.service.shared.breaker import OPEN_SECONDS, State
from certsvc.service.shared.connection import SharedUnavailable


def ping(client: Any) -> Any:
    return client.ping()


def refused(way: Any) -> None:
    with pytest.raises(SharedUnavailable):
        way.shared.call(ping)


def test_it_answers(way: Any) -> None:
    assert way.shared.call(ping) is True
    assert way.shared.ask() is State.CLOSED
    assert way.counted("redis_calls_total") == {("answered",): 2}


def test_keys_tell_version_environment_and_kind_apart(way_to: Any, redis_url: str) -> None:
    demo, real = (way_to(redis_url, environment=name).shared for name in ("demo", "production"))
    keys = {one.key(kind, "x") for one in (demo, real) for kind in ("object", "nonce")}
    assert len(keys) == 4
    assert demo.key("object", "330102199003070010").startswith("certsvc:1:demo:object:")
    assert "3301" not in demo.key("object", "330102199003070010").removeprefix("certsvc:1:")[:20]


def test_gone_and_back(way: Any, redis_server: Any) -> None:
    way.shared.call(ping)
    redis_server.kill()
    refused(way)
    assert way.shared.state is State.OPEN
    refused(way)
    assert way.counted("redis_calls_total")["skipped",] == 1
    assert way.probes == []
    way.clock.now += OPEN_SECONDS
    refused(way)  # whoever finds the probe due does not wait for it
    way.probe()
    assert way.shared.state is State.OPEN
    redis_server.start()
    way.clock.now += OPEN_SECONDS
    refused(way)
    way.probe()
    assert way.shared.call(ping) is True
    assert way.counted("redis_breaker_opened_total") == {(): 2}
    assert way.counted("redis_breaker_state") == {(): 0}


def test_hung_is_as_good_as_gone(way: Any, redis_server: Any) -> None:
    way.shared.call(ping)
    redis_server.pause()
    try:
        refused(way)
        assert way.shared.state is State.OPEN
        way.clock.now += OPEN_SECONDS
        refused(way)
        way.probe()
        assert way.shared.state is State.OPEN
    finally:
        redis_server.resume()
    way.clock.now += OPEN_SECONDS
    refused(way)
    way.probe()
    assert way.shared.call(ping) is True


def test_a_refusal_opens_nothing(way: Any) -> None:
    with pytest.raises(SharedUnavailable):
        way.shared.call(lambda client: client.execute_command("NOSUCH"))
    assert way.shared.state is State.CLOSED
    assert way.counted("redis_calls_total") == {("refused",): 1}


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b":not-a-number\r\n", b"$9999999\r\nx"],
)
def test_a_server_that_talks_nonsense(way_to: Callable[..., Any], answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        way = way_to(f"redis://127.0.0.1:{server.getsockname()[1]}")
        refused(way)
        thread.join()
    assert way.shared.state is State.OPEN


def test_nobody_listens(way_to: Callable[..., Any]) -> None:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        way = way_to(f"redis://127.0.0.1:{place.getsockname()[1]}")
        refused(way)
    assert way.shared.state is State.OPEN


def test_the_log_says_it_once_and_no_secret(
    way_to: Callable[..., Any], log_lines: Callable[[], list[dict[str, Any]]], redis_server: Any
) -> None:
    way = way_to(f"redis://user:pass-word@127.0.0.1:{redis_server.port}/0")
    refused(way)
    refused(way)
    (line,) = log_lines()
    assert (line["message"], line["level"]) == ("Redis is left alone", "warning")
    assert "pass-word" not in str(line)


def test_a_forked_process_has_connections_of_its_own(way: Any) -> None:
    way.shared.call(lambda client: client.set("where", "parent"))
    context = multiprocessing.get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def child() -> None:
        for number in range(50):
            way.shared.call(lambda client, number=number: client.echo(f"child-{number}"))
        tell.send(os.getpid())

    process = context.Process(target=child)
    process.start()
    for number in range(50):
        found = way.shared.call(lambda client, number=number: client.echo(f"parent-{number}"))
        assert found == f"parent-{number}".encode()
    process.join()
    assert process.exitcode == 0
    assert told.recv() == process.pid
