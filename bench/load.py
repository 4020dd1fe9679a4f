"""A load generator: keep-alive connections over raw sockets, one request under way on each.

Runs as a process of its own, so that its work is not counted as the server's:
`python -m bench.load PORT CONNECTIONS SECONDS < request` prints a JSON object.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

_LENGTH = b"content-length:"
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What a slice of load brought.

    Attributes:
        answered: number of answers, all of status 200.
        seconds: how long it took.
        body: the last answer's body.
    """

    answered: int
    seconds: float
    body: bytes

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


def run(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Put load on a server from another process.

    Raises:
        RuntimeError: an answer was not 200, or a connection broke.
    """
    command = [sys.executable, "-m", "bench.load", str(port), str(connections), str(seconds)]
    done = subprocess.run(command, input=request, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    found = json.loads(done.stdout)
    return Load(found["answered"], found["seconds"], found["body"].encode())


def drive(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send and count until the time is over and every request has its answer."""
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ, [b"", 0])
        one.sendall(request)
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
                key.data[:] = [data, wanted]
                continue
            body = data
            key.data[:] = [b"", 0]
            answered += 1
            if time.monotonic() < end:
                one.sendall(request)
            else:
                waiting -= 1
                selector.unregister(one)
                one.close()
    return Load(answered, time.monotonic() - began, body.partition(_HEAD_END)[2])


def _length(data: bytes) -> int:
    """Bytes of the whole answer, 0 while its head is not complete."""
    end = data.find(_HEAD_END)
    if end < 0:
        return 0
    head = data[:end].lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(data[:500].decode(errors="replace"))
    start = head.index(_LENGTH) + len(_LENGTH)
    return end + len(_HEAD_END) + int(head[start:].split(b"\r\n", 1)[0])


def main() -> None:
    """Read the request from standard input, print what came of it."""
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    load = drive(port, sys.stdin.buffer.read(), connections=connections, seconds=seconds)
    shown = {"answered": load.answered, "seconds": load.seconds, "body": load.body.decode()}
    print(json.dumps(shown))


if __name__ == "__main__":
    main()
