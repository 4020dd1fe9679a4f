"""The cache: answers without a line, damage is found, several processes share it."""

import hashlib
import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import strict
from certsvc_sdk.errors import TrustUnavailable
from certsvc_sdk.trust import TrustRepository
from certsvc_sdk.trust.store import Kind, TrustStore

DAY = 86_400
Open = Callable[..., TrustRepository]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def filled(open_trust: Open, now: int) -> TrustRepository:
    """A cache with everything in it, read without a line."""
    open_trust().prefetch(now)
    return open_trust(fetcher=None)


def answers(open_trust: Open, *issuers: str) -> list[str]:
    """What a fresh process answers: per issuer `yes`, `no` or `unavailable`."""
    found = []
    for iss in issuers:
        try:
            record = open_trust(fetcher=None).record(iss)
        except TrustUnavailable:
            found.append("unavailable")
        else:
            found.append("no" if record is None else "yes")
    return found


def test_everything_is_answered_without_a_line(
    filled: TrustRepository, sim: Any, iss: str, other_iss: str, now: int
) -> None:
    sim.mirror.asked.clear()
    for known in (iss, other_iss):
        record = filled.record(known, now=now + 400 * DAY)
        assert record is not None
    assert filled.record("https://certs.example/i/119999000000000273") is None
    assert filled.target("about.json") is not None
    assert filled.verified_at == now
    assert filled.expires == now + DAY
    assert sim.mirror.asked == []


def test_only_what_was_fetched_is_answered(
    open_trust: Open, now: int, iss: str, other_iss: str
) -> None:
    open_trust().record(iss, now=now)
    assert answers(open_trust, iss, other_iss) == ["yes", "unavailable"]


def files_of(cache: Path) -> list[Path]:
    return sorted(p for p in cache.rglob("*") if p.is_file() and p.name not in ("lock", "bell"))


def test_each_truncated_file_is_found(
    filled: TrustRepository, open_trust: Open, cache: Path, iss: str, other_iss: str
) -> None:
    files = files_of(cache)
    assert len(files) == 9
    silent = []
    for path in files:
        whole = path.read_bytes()
        for length in (0, 1, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            found = answers(open_trust, iss, other_iss)
            assert "no" not in found
            if found == ["yes", "yes"]:
                silent.append(path.name)
        path.write_bytes(whole)
    assert silent == []
    assert answers(open_trust, iss, other_iss) == ["yes", "yes"]


def test_each_flipped_bit_is_found(
    filled: TrustRepository, open_trust: Open, cache: Path, iss: str, other_iss: str
) -> None:
    for path in files_of(cache):
        whole = path.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 12)):
            damaged = bytearray(whole)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            found = answers(open_trust, iss, other_iss)
            assert "no" not in found
            assert "unavailable" in found
        path.write_bytes(whole)


def test_each_missing_file_is_found(
    filled: TrustRepository, open_trust: Open, cache: Path, iss: str, other_iss: str
) -> None:
    for path in files_of(cache):
        whole = path.read_bytes()
        path.unlink()
        assert "unavailable" in answers(open_trust, iss, other_iss)
        path.write_bytes(whole)


def test_damage_is_mended_by_a_refresh(
    filled: TrustRepository, open_trust: Open, cache: Path, now: int, iss: str, other_iss: str
) -> None:
    for path in files_of(cache):
        if path.name != "state.json":
            path.write_bytes(b"")
    open_trust().refresh(now + 1)
    assert answers(open_trust, iss, other_iss) == ["yes", "yes"]


def _state(cache: Path) -> dict[str, object]:
    state = json.loads((cache / "metadata" / "state.json").read_bytes())["state"]
    assert isinstance(state, dict)
    return state


def _write_state(cache: Path, state: object) -> None:
    """Writes a state with a digest that fits: somebody who knows the format."""
    import hashlib

    from certsvc_sdk.strict import dumps

    digest = hashlib.sha256(dumps(state)).hexdigest()
    document = {"sha256": digest, "state": state}
    (cache / "metadata" / "state.json").write_bytes(dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"verified_at": None},
        {"verified_at": "soon"},
        {"verified_at": 10**15},
        {"verified_at": 4_000_000_000},
        {"roots": []},
        {"metadata": {}},
        {"metadata": {"timestamp": 1}},
        {"metadata": {"timestamp": "../../../etc/passwd"}},
        {"targets": None},
        {"targets": {}},
        {"targets": {"about.json": "0" * 64}},
    ],
)
def test_altered_state_is_refused(
    filled: TrustRepository, open_trust: Open, cache: Path, iss: str, change: dict[str, object]
) -> None:
    _write_state(cache, {**_state(cache), **change})
    assert answers(open_trust, iss) == ["unavailable"]


def test_state_that_swaps_files_is_refused(
    filled: TrustRepository, open_trust: Open, cache: Path, iss: str, other_iss: str
) -> None:
    state = _state(cache)
    targets = state["targets"]
    assert isinstance(targets, dict)
    one, two = sorted(path for path in targets if path.startswith("issuers/"))
    targets[one], targets[two] = targets[two], targets[one]
    _write_state(cache, state)
    assert answers(open_trust, iss, other_iss) == ["unavailable", "unavailable"]
    assert open_trust(fetcher=None).view().issuers() == ()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"[" * 100_000, b"\xff", b"{" * 9])
def test_state_is_garbage(
    filled: TrustRepository, open_trust: Open, cache: Path, now: int, iss: str, data: bytes
) -> None:
    (cache / "metadata" / "state.json").write_bytes(data)
    assert answers(open_trust, iss) == ["unavailable"]
    assert open_trust().record(iss, now=now) is not None
    assert answers(open_trust, iss) == ["yes"]


def test_oversize_state_is_not_read(
    filled: TrustRepository, open_trust: Open, cache: Path, iss: str
) -> None:
    with (cache / "metadata" / "state.json").open("r+b") as file:
        file.truncate(17 * 1024 * 1024)
    assert answers(open_trust, iss) == ["unavailable"]


def test_refresh_of_another_process_is_seen_at_once(
    filled: TrustRepository, open_trust: Open, sim: Any, now: int
) -> None:
    assert filled.verified_at == now
    same = filled.view()
    assert filled.view() is same
    sim.publish(now + 60)
    open_trust().refresh(now + 60)
    assert filled.verified_at == now + 60


def test_slower_process_does_not_put_the_newer_state_back(
    open_trust: Open, sim: Any, cache: Path, now: int, iss: str
) -> None:
    slow, fast = open_trust(), open_trust()
    slow.record(iss, now=now)
    store = TrustStore(cache / "metadata", cache / "targets")
    old = store.load()
    files = {(Kind.METADATA, d): store.read(Kind.METADATA, d) for d in old.metadata.values()}
    sim.publish(now + 60)
    fast.refresh(now + 60)
    newer = store.load()
    assert store.commit(old, files, is_sound=lambda _: True) == newer
    assert store.load() == newer


def test_two_processes_add_up_what_they_know(
    open_trust: Open, cache: Path, now: int, iss: str, other_iss: str, tmp_path: Path
) -> None:
    open_trust().record(iss, now=now)
    aside = {"metadata_dir": tmp_path / "aside" / "m", "target_dir": tmp_path / "aside" / "t"}
    open_trust(**aside).record(other_iss, now=now + 5)
    other = TrustStore(aside["metadata_dir"], aside["target_dir"])
    state = other.load()
    files = {(Kind.METADATA, d): other.read(Kind.METADATA, d) for d in state.metadata.values()}
    files |= {(Kind.TARGET, d): other.read(Kind.TARGET, d) for d in state.targets.values()}
    here = TrustStore(cache / "metadata", cache / "targets")
    here.commit(state, files, is_sound=lambda _: True)
    assert answers(open_trust, iss, other_iss) == ["yes", "yes"]
    assert open_trust(fetcher=None).verified_at == now + 5


def test_clock_set_back_does_not_make_data_younger(open_trust: Open, now: int, iss: str) -> None:
    open_trust().record(iss, now=now + 600)
    open_trust().refresh(now + 300)
    assert open_trust(fetcher=None).verified_at == now + 600


def test_old_files_are_swept_one_generation_later(
    open_trust: Open, sim: Any, cache: Path, now: int, iss: str
) -> None:
    repository = open_trust()
    repository.record(iss, now=now)
    first = set(files_of(cache))
    for step in range(1, 5):
        sim.publish(now + step)
        repository.refresh(now + step)
    kept = set(files_of(cache))
    # Two generations of timestamp, snapshot, targets and one role; record, about and state stay.
    assert len(kept) == 2 * 4 + 3
    assert len(first & kept) == 3


def _read_until(done: threading.Event, repository: TrustRepository, issuers: list[str]) -> None:
    while not done.is_set():
        for known in issuers:
            assert repository.record(known) is not None


def test_threads_share_one_cache(
    open_trust: Open, sim: Any, now: int, iss: str, other_iss: str
) -> None:
    shared = open_trust()
    shared.prefetch(now)
    done = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        readers = [
            pool.submit(_read_until, done, repository, [iss, other_iss])
            for repository in (shared, open_trust(fetcher=None))
        ]
        writers = [open_trust(), shared]
        for step in range(1, 7):
            sim.publish(now + step)
            for write in [pool.submit(writer.refresh, now + step) for writer in writers]:
                write.result()
        done.set()
        for reader in readers:
            reader.result()
    assert shared.verified_at == now + 6


def test_record_is_asked_again_of_a_newer_view(
    open_trust: Open, sim: Any, now: int, iss: str
) -> None:
    open_trust().prefetch(now)
    slow = open_trust(fetcher=None)
    old = slow.view()
    for step in range(1, 4):
        sim.publish(now + step)
        open_trust().refresh(now + step)
    with pytest.raises(TrustUnavailable):
        old.record(iss)
    assert slow.record(iss) is not None


def test_processes_share_one_cache(
    open_trust: Open, sim: Any, cache: Path, now: int, iss: str, tmp_path: Path
) -> None:
    """Three processes write the same cache from a mirror on disk."""
    import subprocess

    mirror, root = tmp_path / "mirror", tmp_path / "root.json"
    for url, data in sim.mirror.files.items():
        path = mirror / url.removeprefix("https://certs.example/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    root.write_bytes(sim.pinned)
    program = """
import sys
from pathlib import Path
from certsvc_sdk.trust import TrustRepository
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface
root, mirror, cache, now, iss = sys.argv[1:]
class Folder(FetcherInterface):
    def _fetch(self, url):
        path = Path(mirror, url.removeprefix("https://certs.example/"))
        if not path.is_file():
            raise DownloadHTTPError("no", 404)
        return iter([path.read_bytes()])
base = "https://certs.example/trust/"
repository = TrustRepository(Path(root).read_bytes(), Path(cache, "metadata"),
    Path(cache, "targets"), base + "metadata/", base + "targets/", Folder())
for step in range(10):
    repository.prefetch(int(now) + step)
    assert repository.record(iss).iss == iss
"""
    arguments = [sys.executable, "-c", program, root, mirror, cache, str(now), iss]
    running = [
        subprocess.Popen([str(a) for a in arguments], stderr=subprocess.PIPE) for _ in range(3)
    ]
    errors = [process.communicate()[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], errors
    assert answers(open_trust, iss) == ["yes"]
    assert open_trust(fetcher=None).verified_at == now + 9


def test_failed_write_leaves_the_old_state(
    open_trust: Open, sim: Any, cache: Path, now: int, iss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    repository = open_trust()
    repository.record(iss, now=now)
    before = set(files_of(cache))
    sim.publish(now + 60)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrustUnavailable):
        repository.refresh(now + 60)
    monkeypatch.undo()
    assert set(files_of(cache)) == before
    assert repository.verified_at == now
    assert repository.record(iss) is not None


@pytest.mark.parametrize(
    "data",
    [
        b'{"sha256":"","state":{"version":NaN}}',
        b'{"sha256":"","state":{"version":1e999}}',
        b'{"sha256":"","state":{"version":"\\ud800"}}',
        b"[" * 100_000,
        b"null",
    ],
)
def test_a_state_that_is_no_json_is_as_good_as_none(
    data: bytes, filled: TrustRepository, open_trust: Open, cache: Path, now: int, iss: str
) -> None:
    (cache / "metadata" / "state.json").write_bytes(data)
    assert answers(open_trust, iss) == ["unavailable"]
    assert open_trust().record(iss, now=now + 60) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp_version": 2**50},
        {"root_version": 2**50},
        {"verified_at": 10**15},
        {"verified_at": 2**70},
        {"metadata": {}},
        {"timestamp_version": 10, "metadata": {}},
    ],
)
def test_a_state_that_does_not_verify_keeps_no_newer_one_out(
    change: dict[str, Any], filled: TrustRepository, open_trust: Open, cache: Path, now: int,
    iss: str,
) -> None:  # fmt: skip
    path = cache / "metadata" / "state.json"
    body = json.loads(path.read_bytes())["state"] | change
    digest = hashlib.sha256(strict.dumps(body)).hexdigest() if body["verified_at"] < 2**53 else ""
    path.write_bytes(json.dumps({"sha256": digest, "state": body}).encode())
    assert answers(open_trust, iss) == ["unavailable"]
    assert open_trust().record(iss, now=now + 60) is not None
    assert open_trust(fetcher=None).verified_at == now + 60
