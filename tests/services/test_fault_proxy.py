"""The relay does what its faults say, and nothing without one."""

import socket
import threading

import pytest
from servers.fault_proxy import FaultProxy
from servers.faults import BlackHole, CutAfter, Delay, Hang, LoseAnswers, Nonsense, Reset


@pytest.fixture
def relay():
    """A relay to a server that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        ended = threading.Event()

        def answer(connection):
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                connection.settimeout(None)
                threading.Thread(target=_quietly, args=(answer, connection), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        proxy = FaultProxy(listener.getsockname()[1])
        yield proxy
        proxy.end()
        ended.set()
        thread.join()


def _quietly(answer, connection):
    try:
        answer(connection)
    except OSError:
        return


def say(relay, data, *, seconds=5.0):
    with socket.create_connection(("127.0.0.1", relay.port), timeout=seconds) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        while more := connection.recv(65536):
            heard += more
        return heard


@pytest.mark.parametrize("fault", [None, Delay(0.01), LoseAnswers(0)])
def test_it_passes_everything_on(relay, fault):
    relay.become(fault)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as connection:
        for number in range(20):
            data = bytes([number]) * 5000
            connection.sendall(data)
            heard = b""
            while len(heard) < len(data):
                heard += connection.recv(65536)
            assert heard == data
    assert relay.accepted == 1


@pytest.mark.parametrize("fault", [Hang(), BlackHole()])
def test_nobody_answers(relay, fault):
    relay.become(fault)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=0.2) as connection:
        connection.sendall(b"hello")
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_reset(relay):
    relay.become(Reset())
    # Whoever comes late finds the connection gone already.
    with pytest.raises(OSError, match=r"reset by peer|not connected"):
        say(relay, b"hello")
    relay.become(None)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as connection:
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
        relay.become(None, fresh=True)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_cut_and_nonsense(relay):
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as connection:
        relay.become(CutAfter(3))
        connection.sendall(b"hello")
        assert connection.recv(3) == b"hel"[:3]
    relay.become(Nonsense(b"?"))
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as connection:
        connection.sendall(b"hello")
        assert connection.recv(5) == b"?"
