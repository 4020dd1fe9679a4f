"""The reader in plain JavaScript says what the SDK says: the same token, or the same refusal."""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.qr_sizes import HOST, KINDS, Kind, tokens
from certsvc_sdk import sdjwt
from certsvc_sdk.qr import dictionaries, frame, text

Read = Callable[[Sequence[str]], list[Any]]
Say = Callable[[str], Any]

MODULES = Path(__file__).parents[3] / "verifier" / "static" / "qr"
CHANGED = int(os.environ.get("QR_READER_MUTANTS", "300"))
LATER, LATER_WORDS = 200, b"later words" * 90
SEED = bytes(range(16))
# Pieces that mean something to one step of the reader or another.
PIECES = (
    '"_sd":[1]', '"_sd":[0]', '"_sd":[2,', '"_sd":', '{"...":""}', '{"...":"', '"' + "A" * 43 + '"',
    '"' + "B" * 43 + '"', "]", "}", "{", ",", '"', "\\", "\\\"", "\n", '"a":1', '"a":{"_sd":[1]}',
    "1", "é", "\U00020bb7", "\u2028", "\ufeff", "\0", '"_sd_alg":"sm3"', '"_sd_alg":"sha-256"',
    '"...":', "[", "_sd", " ",
)  # fmt: skip


def same(read: Read, say: Say, texts: Sequence[str]) -> list[Any]:
    answers = read(texts)
    for heard, answer in zip(texts, answers, strict=True):
        assert answer == say(heard), heard
    return answers


def framed(content: bytes) -> str:
    return text.to_text(content + frame.crc16(content), HOST)


def test_every_vector(node_reads: Read, vectors: dict[str, Any]) -> None:
    cases = vectors["valid"] + vectors["invalid"]
    for case, answer in zip(cases, node_reads([case["text"] for case in cases]), strict=True):
        wanted = {
            name: case[name] for name in ("token", "seed", "dictionary", "code") if name in case
        }
        assert answer == wanted, case["name"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file)
def test_every_sample(kind: Kind, node_reads: Read) -> None:
    made = [(token, seed) for token, seed, _ in tokens(kind)]
    assert len(made) == 300
    bodies = [frame.pack(token, seed, dictionary=kind.dictionary) for token, seed in made]
    answers = node_reads([text.to_text(body, HOST) for body in bodies])
    for (token, seed), answer in zip(made, answers, strict=True):
        assert answer["token"] == token
        assert answer["seed"] == (seed.hex() if seed else None)


def changed(body: bytes, number: int) -> bytes:
    """The body with a flipped bit, or bytes lost or put in; with a right CRC."""
    content = bytearray(body[:-2])
    dice = hashlib.sha256(b"%d" % number).digest()
    at = int.from_bytes(dice[:8], "big") % len(content)
    how, many = dice[8] % 4, 1 + dice[9] % 3
    if how == 0:
        content[at] ^= 1 << dice[9] % 8
    elif how == 1:
        del content[at : at + many]
    elif how == 2:
        content[at:at] = dice[10 : 10 + many]
    else:
        content[dice[10] % 3] = dice[9] % 4
    return bytes(content)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file)
def test_changed_frames(kind: Kind, node_reads: Read, sdk_reads: Say) -> None:
    made = list(tokens(kind))[::20]
    bodies = [frame.pack(token, seed, dictionary=kind.dictionary) for token, seed, _ in made]
    texts = [framed(changed(bodies[n % len(bodies)], n)) for n in range(CHANGED)]
    answers = same(node_reads, sdk_reads, texts)
    assert {"malformed", "format_unsupported"} <= {answer.get("code") for answer in answers}
    assert any("token" in answer for answer in answers)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    streams=st.lists(
        st.tuples(
            st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.sampled_from([0, 1, 2])
        ),
        min_size=10,
        max_size=10,
    )
)
def test_any_stream(streams: list[tuple[str, int]], node_reads: Read, sdk_reads: Say) -> None:
    texts = []
    for stream, flags in streams:
        count = max(stream.count("\n"), 1)
        salts = {0: SEED, 1: bytes((count,)) + SEED * count, 2: b""}[flags]
        packed = frame._deflate(f'{{"alg":1}}\n{{"a":1,{stream}'.encode(), b"")
        texts.append(framed(bytes((1, 0, flags)) + salts + packed + bytes(64)))
    same(node_reads, sdk_reads, texts)


def test_limits(node_reads: Read, sdk_reads: Say) -> None:
    """64 KiB to the byte, 255 and 256 salts, an endless string as long as a frame may hold."""
    head = b'{"alg":1}\n{"a":"'
    fill = frame.MAX_STREAM - len(head) - 2
    streams = [head + b"x" * fill + b'"}', head + b"x" * (fill + 1) + b'"}']
    streams.append(b'{"alg":1}\n{"_sd":[0],' + b'"' + b"\\x" * 32_000)
    streams.append(b'{"alg":1}\n{"_sd":[0],' + b'"a' * 20_001)
    texts = [framed(b"\x01\x00\x02" + frame._deflate(s, b"") + bytes(64)) for s in streams]
    for count in (255, 256):
        stream = b'{"alg":1}\n{"_sd":[%d]}' % count + b'\n"a":1' * count
        packed = frame._deflate(stream, b"") + bytes(64)
        texts.append(framed(b"\x01\x00\x00" + SEED + packed))
        texts.append(framed(b"\x01\x00\x01" + bytes((count % 256,)) + SEED * count + packed))
    texts += ["\U00020bb7" * 8192, "\U00020bb7" * 8193, " " * 8192, " 1" * 4000]
    answers = same(node_reads, sdk_reads, texts)
    read = [index for index, answer in enumerate(answers) if "token" in answer]
    # A frame with 255 salts is longer than any symbol.
    assert read == [0, 4, 6]


def test_a_later_dictionary(node_reads: Read, sdk_reads: Say) -> None:
    stream = b'{"alg":"ES256"}\n{"a":"later wordslater words"}'
    packed = frame._deflate(stream, LATER_WORDS) + bytes(64)
    known, unknown = (framed(bytes((1, number, 2)) + packed) for number in (LATER, LATER + 1))
    answers = same(node_reads, sdk_reads, [known, unknown])
    assert answers[0]["dictionary"] == LATER
    assert answers[1] == {"code": "format_unsupported"}


def test_the_reader_pins_what_the_sdk_pins() -> None:
    source = (MODULES / "dictionaries.js").read_text("utf-8")
    pinned = {int(n): digest for n, digest in re.findall(r'\[(\d+), "([0-9a-f]{64})"\]', source)}
    assert pinned == {
        number: hashlib.sha256(dictionaries.load(number)).hexdigest()
        for number in dictionaries.numbers()
    }


def test_sm3_is_the_sdks(node_reads: Read) -> None:
    """Messages of each length around a block's end."""
    claims = {f"c{size}": "x" * size for size in range(0, 130, 3)}
    token = sdjwt.draft(
        header={"alg": "SM2", "typ": "dc+sd-jwt", "kid": "k"},
        claims=claims,
        disclose={f"/{name}" for name in claims},
        salts=sdjwt.salts_from_seed(SEED),
        digest_algorithm="sm3",
    ).finish(bytes(64))
    body = frame.pack(token, SEED, dictionary=0)
    assert node_reads([text.to_text(body, HOST)])[0]["token"] == token
