"""What an input costs, by counting: bytes inflated, depth of calls, memory. Never a clock."""

import json
import os
import resource
import sys
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from fuzzing import hostile, world
from fuzzing.properties import judge
from fuzzing.world import Surroundings

from certsvc_sdk import statuslist
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.trust.record import parse_record
from certsvc_sdk.world import StatusSnapshot

Action = Callable[[], str]


def check_text(text: str) -> str:
    """Verify a token or a code; the verdict's code."""
    return judge(text, Surroundings(lists={world.URI: _known_list()})).code


def check_list(text: str) -> str:
    """Read a list, inflate it, look an entry up, and judge a good token by it."""
    try:
        snapshot = StatusSnapshot(statuslist.read(text), world.NOW)
    except CertsvcError as error:
        return error.code
    return judge(world.tokens()["licence"], Surroundings(lists={world.URI: snapshot})).code


def check_record(data: bytes) -> str:
    """Read a trust record."""
    try:
        parse_record(data)
    except CertsvcError as error:
        return error.code
    return "read"


@cache
def _known_list() -> StatusSnapshot:
    """The good list, inflated once and for all: what it costs is no token's doing."""
    snapshot = StatusSnapshot(statuslist.read(world.list_token()), world.NOW)
    assert snapshot.is_genuine(world.issuer_record(), world.URI)
    return snapshot


def actions(kind: str) -> dict[str, Action]:
    """Every hostile input of a kind (`token`, `code`, `list`, `record`)."""
    if kind == "record":
        return _bound(check_record, hostile.records())
    if kind == "list":
        return _bound(check_list, hostile.lists())
    return _bound(check_text, hostile.tokens() if kind == "token" else hostile.codes())


def _bound(check: Callable[[Any], str], inputs: Mapping[str, Any]) -> dict[str, Action]:
    return {name: lambda given=given: check(given) for name, given in inputs.items()}


class CountingInflater:
    """A zlib decompressor that counts what it hands out."""

    def __init__(self, made: Any, counts: list[int]) -> None:
        self._made = made
        self._counts = counts
        self._place = len(counts)
        counts.append(0)

    def _counted(self, data: bytes) -> bytes:
        self._counts[self._place] += len(data)
        return data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        return self._counted(self._made.decompress(data, max_length))

    def flush(self, *length: int) -> bytes:
        return self._counted(self._made.flush(*length))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


@contextmanager
def counted_inflation() -> Iterator[list[int]]:
    """Bytes that each decompressor hands out while this lasts."""
    counts: list[int] = []
    make, at_once = zlib.decompressobj, zlib.decompress

    def counting(*arguments: Any, **options: Any) -> CountingInflater:
        return CountingInflater(make(*arguments, **options), counts)

    def whole(*arguments: Any, **options: Any) -> bytes:
        data = at_once(*arguments, **options)
        counts.append(len(data))
        return data

    # The library's own module, not ours: whoever inflates is counted.
    zlib.decompressobj, zlib.decompress = counting, whole  # type: ignore[assignment]
    try:
        yield counts
    finally:
        zlib.decompressobj, zlib.decompress = make, at_once


def depth_of(action: Action) -> int:
    """Deepest nesting of calls, Python and C, below the action."""
    deepest = depth = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal deepest, depth
        if event in ("call", "c_call"):
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return deepest


def traced_peak(action: Action) -> int:
    """Bytes that Python's allocators hold at most, above what they held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def resident_growth(action: Action) -> int:
    """Bytes by which the greatest resident size of a forked child grows: C's memory too."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover — another process
        try:
            # The pages of libraries are not inherited: a good token and list bring them in.
            check_list(world.list_token())
            check_text(world.codes()["household"])
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            action()
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            os.write(writable, json.dumps(grown * 1024).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return int(json.loads(text)) if text else sys.maxsize
