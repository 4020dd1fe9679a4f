"""What hostile or careless callers do to the signer, and how it ends."""

import logging
import os
import socket
import struct
import tempfile
import threading
import time
from pathlib import Path

import pytest
from servers.signer import serving as serving_at

from keys.errors import KeyNotActive, StoreUnavailable, UseForbidden
from keys.signing import frames
from keys.signing.client import SignerKeyStore
from keys.signing.door import connect
from keys.signing.frames import Closed, Frame, Kind
from keys.signing.rights import EVERYTHING, read_grants
from keys.signing.server import Limits

ISSUER = "119999000000000198"
HEADER = struct.Struct(">2sBBIII")


def receive(connection):
    return frames.receive(connection, longest=1 << 20, seconds=5, monotonic=time.monotonic)


def request(connection, head, body=b"", number=1, kind=Kind.REQUEST):
    frame = Frame(kind=kind, number=number, head=head, body=body)
    frames.send(connection, frame, seconds=5)


def closed(connection):
    try:
        receive(connection)
    except Closed:
        return True
    return False


def test_who_is_not_named_is_not_heard(serving, path, caplog, client):
    with serving(users={os.geteuid() + 1: EVERYTHING}):
        with connect(path, seconds=1) as connection:
            assert closed(connection)
        with pytest.raises(StoreUnavailable):
            client.list()
    assert f"refused: connection of user {os.geteuid()}, process {os.getpid()}" in caplog.messages


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        HEADER.pack(b"CS", 9, 0, 1, 2, 0) + b"{}",
        HEADER.pack(b"CS", 1, 0, 1, 2, frames.MAX_REQUEST + 1) + b"{}",
        HEADER.pack(b"CS", 1, 0, 1, 5, 0) + b"[1,2]",
    ],
    ids=["http", "version", "size", "head"],
)
def test_nonsense_ends_its_connection_and_no_other(serving, path, client, make, caplog, data):
    make()
    with serving():
        client.list()
        with connect(path, seconds=1) as connection:
            connection.sendall(data)
            assert closed(connection)
        assert len(client.list()) == 1
    assert [record.message[:8] for record in caplog.records] == ["refused:"]


@pytest.mark.parametrize(
    ("head", "body", "kind"),
    [
        ({}, b"", Kind.REQUEST),
        ({"do": None}, b"", Kind.REQUEST),
        ({"do": "shutdown"}, b"", Kind.REQUEST),
        ({"do": "__init__"}, b"", Kind.REQUEST),
        ({"do": "list"}, b"", Kind.REQUEST),
        ({"do": "list", "issuer": None, "more": ""}, b"", Kind.REQUEST),
        ({"do": "list", "issuer": None}, b"body", Kind.REQUEST),
        ({"do": "get", "issuer": ISSUER, "kid": None}, b"", Kind.REQUEST),
        ({"do": "list", "issuer": None}, b"", Kind.ANSWER),
    ],
)
def test_what_is_no_request_ends_the_connection(serving, path, head, body, kind):
    with serving(), connect(path, seconds=1) as connection:
        request(connection, head, body, kind=kind)
        assert closed(connection)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ({"do": "get", "issuer": "../x", "kid": "A" * 11}, "name_invalid"),
        ({"do": "get", "issuer": ISSUER, "kid": "../../store"}, "name_invalid"),
        ({"do": "get", "issuer": "\ud800", "kid": "A" * 11}, "name_invalid"),
        ({"do": "hmac", "name": "../x"}, "name_invalid"),
        ({"do": "get", "issuer": "a\n{\"level\":", "kid": "\x1b[2J"}, "name_invalid"),
        ({"do": "seal", "name": "rows", "context": "a b"}, "key_file_malformed"),
        ({"do": "active", "issuer": ISSUER, "purpose": "x", "type": None, "role": None},
         "use_forbidden"),
    ],
)  # fmt: skip
def test_hostile_names_are_refused_and_the_connection_goes_on(serving, path, head, code, caplog):
    with serving(), connect(path, seconds=1) as connection:
        for number in (1, 2):
            request(connection, head, number=number)
            answer = receive(connection)
            assert (answer.kind, answer.number) == (Kind.REFUSAL, number)
            assert answer.head["code"] == code
    assert all(message.isascii() and message.isprintable() for message in caplog.messages)


def test_a_slow_request_is_not_waited_for(serving, path, client, caplog):
    caplog.set_level(logging.INFO)
    with serving(limits=Limits(seconds=0.05)), connect(path, seconds=1) as connection:
        connection.sendall(HEADER.pack(b"CS", 1, 0, 1, 2, 0))
        assert closed(connection)
        assert client.list() == []
    assert any("nothing came" in message for message in caplog.messages)


def test_an_idle_connection_ends_and_the_client_does_not_mind(serving, client):
    with serving(limits=Limits(idle=0.05)):
        assert client.list() == []
        (known,) = client._line._here().idle
        known.socket.settimeout(5)
        assert known.socket.recv(1, socket.MSG_PEEK) == b""
        assert client.list() == []


def test_one_connection_too_many_is_closed(serving, path, client):
    with serving(limits=Limits(connections=2)):
        first, second, third = (connect(path, seconds=1) for _ in range(3))
        assert closed(third)
        with pytest.raises(StoreUnavailable):
            client.list()
        for connection in (first, second):
            request(connection, {"do": "list", "issuer": None})
            assert receive(connection).body == b"[]"
        for connection in (first, second, third):
            connection.close()


class Gate:
    """A store whose signatures wait until they are let go."""

    def __init__(self, store):
        self._store = store
        self.asked, self.go = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._store, name)

    def signer(self, issuer_id, kid):
        return Waiting(self, self._store.signer(issuer_id, kid))


class Waiting:
    def __init__(self, gate, signer):
        self._gate, self._signer = gate, signer

    def sign(self, data):
        self._gate.asked.set()
        assert self._gate.go.wait(30)
        return self._signer.sign(data)


def test_the_end_waits_for_requests_under_way(serving, path, store, make):
    info, gate, found = make(), Gate(store), []
    patient = SignerKeyStore(path, seconds=30)
    with serving(behind=gate) as server:
        idle = connect(path, seconds=1)
        signer = patient.signer(ISSUER, info.kid)
        thread = threading.Thread(target=lambda: found.append(signer.sign(b"x")))
        thread.start()
        assert gate.asked.wait(30)
        server.stop()
        # Idle connections end at once, and nobody gets in any more.
        assert closed(idle)
        idle.close()
        with pytest.raises(OSError, match="refused"):
            connect(path, seconds=1)
        gate.go.set()
        thread.join()
    patient.close()
    assert len(found) == 1
    server.stop()  # twice does no harm


class Broken:
    """A store with a defect of its own, and one that never gives in."""

    def __init__(self, error):
        self._error = error

    def list(self, issuer_id=None):
        raise self._error


def test_a_defect_of_the_store_is_told_without_its_words(serving, client, caplog):
    with serving(behind=Broken(RuntimeError("PIN 123456"))):
        with pytest.raises(StoreUnavailable) as caught:
            client.list()
        assert "123456" not in str(caught.value)
    assert any(record.message.startswith("the store failed") for record in caplog.records)


def test_an_error_keeps_its_class(serving, client):
    with (
        serving(behind=Broken(KeyNotActive("it is retired"))),
        pytest.raises(KeyNotActive, match="it is retired"),
    ):
        client.list()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs other users: run as root")
def test_users_have_what_the_kernel_says_they_may(store, make):
    """A web worker's user signs certificates; a third user of the same group is not heard."""
    web, third, group = 12_340, 12_341, 12_342
    mine, trust = make(), make(purpose="trust", alg="Ed25519")
    users = {web: read_grants("certificate"), os.geteuid(): EVERYTHING}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        path = Path(folder) / "signer" / "signer.sock"
        with serving_at(path, store, users=users, group=group):
            assert _as(web, group, path, mine) == 0
            assert _as(web, group, path, trust) == 1
            assert _as(third, group, path, mine) == 2
            assert _as(web, third, path, mine) == 2
            assert _as(0, 0, path, trust) == 0


def _as(uid, gid, path, info):
    """Sign as another user: 0 signed, 1 forbidden, 2 nobody answers."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 3
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        SignerKeyStore(path).signer(info.issuer_id, info.kid).sign(b"x")
        code = 0
    except UseForbidden:
        code = 1
    except StoreUnavailable:
        code = 2
    finally:
        os._exit(code)
