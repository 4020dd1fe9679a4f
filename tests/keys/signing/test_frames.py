"""Frames are read strictly: caps, versions, deadlines, one spelling of a name."""

import json
import socket
import struct
import time

import pytest

from keys.signing import frames
from keys.signing.frames import Closed, Frame, FrameInvalid, Kind

HEADER = struct.Struct(">2sBBIII")


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def receive(connection, *, longest=1 << 20, seconds=1.0, **options):
    return frames.receive(
        connection, longest=longest, seconds=seconds, monotonic=time.monotonic, **options
    )


@pytest.mark.parametrize("body", [b"", b"x", bytes(90_000)])
def test_what_is_sent_arrives(pair, body):
    frame = Frame(kind=Kind.REQUEST, number=2**32 - 1, head={"a": "密", "b": None}, body=body)
    frames.send(pair[0], frame, seconds=1)
    assert receive(pair[1]) == frame
    frames.send(pair[0], frame, seconds=1)
    assert receive(pair[1], idle=1.0) == frame


@pytest.mark.parametrize(
    "header",
    [
        (b"XS", 1, 0, 1, 2, 0),
        (b"CS", 2, 0, 1, 2, 0),
        (b"CS", 0, 0, 1, 2, 0),
        (b"CS", 1, 3, 1, 2, 0),
        (b"CS", 1, 0, 1, frames.MAX_HEAD + 1, 0),
        (b"CS", 1, 0, 1, 2, 1001),
        (b"CS", 1, 0, 1, 2**32 - 1, 2**32 - 1),
    ],
)
def test_a_foreign_header_is_refused_unread(pair, header):
    pair[0].sendall(HEADER.pack(*header) + b"{}")
    with pytest.raises(FrameInvalid):
        receive(pair[1], longest=1000)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"[]",
        b"{",
        b'"a"',
        b'{"a":1}',
        b'{"a":{}}',
        b'{"a":true}',
        b'{"a":"1","a":"2"}',
        b'{"a":NaN}',
        b"\xff\xfe",
        b'{"a":"\xff"}',
        b"[" * 10_000,
    ],
)
def test_a_head_that_is_no_object_of_texts_is_refused(pair, head):
    pair[0].sendall(HEADER.pack(b"CS", 1, 0, 1, len(head), 0) + head)
    with pytest.raises(FrameInvalid):
        receive(pair[1])


def test_the_end_of_a_connection_is_told(pair):
    pair[0].sendall(HEADER.pack(b"CS", 1, 0, 1, 2, 0)[:7])
    pair[0].close()
    with pytest.raises(Closed):
        receive(pair[1])


def test_a_trickle_is_not_waited_for(pair):
    """Each byte comes in time, the frame does not."""
    moments = iter(range(100))
    pair[0].sendall(HEADER.pack(b"CS", 1, 0, 1, 2, 5) + b"{}" + bytes(5))
    with pytest.raises(TimeoutError):
        frames.receive(
            pair[1], longest=1 << 20, seconds=2.5, monotonic=lambda: float(next(moments))
        )


def test_an_idle_connection_times_out(pair):
    with pytest.raises(TimeoutError):
        receive(pair[1], idle=0.01)


def test_a_gone_reader_is_told(pair):
    pair[1].close()
    frame = Frame(kind=Kind.ANSWER, number=1, head={}, body=bytes(300_000))
    with pytest.raises(Closed):
        frames.send(pair[0], frame, seconds=1)


def test_a_reader_that_takes_nothing_is_not_waited_for(pair):
    frame = Frame(kind=Kind.ANSWER, number=1, head={}, body=bytes(8 << 20))
    with pytest.raises(TimeoutError):
        frames.send(pair[0], frame, seconds=0.01)


def test_heads_are_plain_json():
    assert frames.read_head(json.dumps({"do": "list", "issuer": None}).encode()) == {
        "do": "list",
        "issuer": None,
    }
