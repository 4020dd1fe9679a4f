"""A load generator: keep-alive connections over raw sockets, one request under way on each.

Runs as a process of its own, so that its work is not counted as the server's:
`python -m bench.load PORT CONNECTIONS SECONDS < requests` prints a JSON object. Several requests,
with a NUL between them, take turns. Where one holds `COUNTER`, each sent has its own number there.
"""

import itertools
import json
import secrets
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

#: As long as what takes its place: 8 hexadecimal digits of the run, 8 of the request.
COUNTER = b"@@@@@@@@@@@@@@@@"
_BETWEEN = b"\0"
_LENGTH = b"content-length:"
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What a slice of load brought.

    Attributes:
        answered: number of answers, all of status 200 or 201.
        seconds: how long it took.
        body: the last answer's body.
        p50: half of the answers came within so many seconds.
        p99: 99 of 100 did.
    """

    answered: int
    seconds: float
    body: bytes
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def request_bytes(path: str, body: bytes) -> bytes:
    """An HTTP/1.1 request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(port: int, *requests: bytes, connections: int, seconds: float) -> Load:
    """Put load on a server from another process; several requests take turns.

    Raises:
        RuntimeError: an answer was not 200, or a connection broke.
    """
    command = [sys.executable, "-m", "bench.load", str(port), str(connections), str(seconds)]
    done = subprocess.run(command, input=_BETWEEN.join(requests), capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    found = json.loads(done.stdout)
    return Load(**{**found, "body": found["body"].encode()})


def drive(port: int, *requests: bytes, connections: int, seconds: float) -> Load:
    """Send and count until the time is over and every request has its answer."""
    selector, numbered, taken = selectors.DefaultSelector(), _numbered(requests), list[float]()
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ, [b"", 0, time.monotonic()])
        one.sendall(next(numbered))
    began = time.monotonic()
    end, answered, waiting, body = began + seconds, 0, connections, b""
    while waiting:
        for key, _ in selector.select():
            one, state = key.fileobj, key.data
            assert isinstance(one, socket.socket)
            part = one.recv(262_144)
            if not part:
                raise RuntimeError("the server closed a connection")
            data = state[0] + part
            wanted = state[1] or _length(data)
            if not wanted or len(data) < wanted:
                state[:2] = [data, wanted]
                continue
            body, now = data, time.monotonic()
            taken.append(now - state[2])
            state[:] = [b"", 0, now]
            answered += 1
            if now < end:
                one.sendall(next(numbered))
            else:
                waiting -= 1
                selector.unregister(one)
                one.close()
    taken.sort()
    return Load(
        answered=answered,
        seconds=time.monotonic() - began,
        body=body.partition(_HEAD_END)[2],
        p50=taken[len(taken) // 2],
        p99=taken[len(taken) * 99 // 100],
    )


def _numbered(requests: Sequence[bytes]) -> Iterator[bytes]:
    run = secrets.token_hex(4)
    for number, request in enumerate(itertools.cycle(requests)):
        yield request.replace(COUNTER, f"{run}{number:08x}".encode())


def _length(data: bytes) -> int:
    """Bytes of the whole answer, 0 while its head is not complete."""
    end = data.find(_HEAD_END)
    if end < 0:
        return 0
    head = data[:end].lower()
    if not head.startswith((b"http/1.1 200", b"http/1.1 201")):
        raise RuntimeError(data[:500].decode(errors="replace"))
    start = head.index(_LENGTH) + len(_LENGTH)
    return end + len(_HEAD_END) + int(head[start:].split(b"\r\n", 1)[0])


def main() -> None:
    """Read the requests from standard input, print what came of them."""
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    requests = sys.stdin.buffer.read().split(_BETWEEN)
    load = drive(port, *requests, connections=connections, seconds=seconds)
    print(json.dumps({**asdict(load), "body": load.body.decode()}))


if __name__ == "__main__":
    main()
