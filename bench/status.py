"""Status lists: what a change costs the publisher, what a list costs a verifier, how soon it shows.

A list of a million places, one in a hundred revoked (performance.md).
"""

import hashlib
import itertools
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.harness import Effort, Result, Row, Slice, calls, measure
from bench.world import World
from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.records import demo_records
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing.status import StatusPublisher
from certsvc.publishing.status_files import StatusFiles
from certsvc.publishing.status_signing import sign
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import make_engine
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.worker import make_worker, work
from certsvc_sdk import statuslist, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.statuschunks import KeptStatusBits
from certsvc_sdk.statuslist import INVALID, MutableStatusBits, StatusBits
from keys import KeyStore, State, open_store

PLACES = 1_000_000
SHARE = 0.01
OFFICE = "119999000000000198"
LOOKUPS = 1000
#: Revocations whose way to the published tree is timed; in a quick run two.
REVOCATIONS = 200
LOAD, LIMIT = "first load: certsvc", "inflate + raw verify"
REPUBLISH, WRITTEN = "republish one change", "republish one change, with the tree"
LOOKUP, REACTION = "look-up", "revoke → visible at origin"


def published(world: World, effort: Effort) -> list[Result]:
    """A list of a million places; then the whole way of a revocation, by a real worker."""
    places = 10_000 if effort.quick else PLACES
    bits = scattered(places, SHARE)
    with TemporaryDirectory(prefix="certsvc-bench-") as folder:
        keys = _store(Path(folder), world.now)
        rows, size = _rows(Path(folder), keys, bits, world.now)
        found = measure("status", rows, effort)
    for one in found:
        if one.name in (REPUBLISH, WRITTEN):
            one.extra["ms"] = 1000 / one.rate
        if one.name == LOOKUP:
            one.extra["ns"] = 1e9 / one.rate / LOOKUPS
    found[1].extra["size / zlib 6"] = size
    return [*found, _reaction(world.now, 2 if effort.quick else REVOCATIONS)]


def scattered(places: int, share: float) -> StatusBits:
    """A list with a share of its places revoked, in no order."""
    noise = hashlib.shake_256(b"places").digest(4 * int(places * share))
    made = MutableStatusBits(places)
    made.fill(
        (int.from_bytes(noise[start : start + 4], "big") % places, INVALID)
        for start in range(0, len(noise), 4)
    )
    return made.freeze()


def _store(folder: Path, now: int) -> KeyStore:
    store = open_store(f"file:{folder / 'keys'}", passphrase=b"bench")
    key = store.generate(issuer_id=OFFICE, purpose="status", alg="ES256", now=now)
    for state in (State.PRE_PUBLISHED, State.ACTIVE):
        store.set_state(OFFICE, key.kid, state, now=now)
    return store


def _rows(folder: Path, keys: KeyStore, bits: StatusBits, now: int) -> tuple[list[Row], float]:
    kept = KeptStatusBits(bits)
    tree = PublishedTree(folder / "published")
    publisher = StatusPublisher(tree, keys, base_url="https://certs.example/")
    token = publisher.publish(OFFICE, 1, bits, 1, now)
    signer = keys.active(OFFICE, "status")
    uri = StatusFiles(tree, "https://certs.example/", OFFICE, 1).uri
    version = itertools.count(2)

    def change() -> str:
        number = next(version)
        kept.set(number * 7919 % len(bits), 2 * (number & 1))
        return sign(keys.active(OFFICE, "status"), uri, kept, number, now, thorough=False)

    written = itertools.count(2)
    free = (index for index in itertools.cycle(range(len(bits))) if bits.get(index) == 0)

    def write() -> str:
        number = next(written)
        return publisher.republish(OFFICE, 1, [(next(free), 2 * (number & 1))], number, now)

    packed = strict.b64u_decode(kept.to_lst())
    size = len(packed) / len(zlib.compress(bits.data, 6))
    public = PublicKey.from_jwk(dict(signer.public_jwk), signer.alg)
    read = statuslist.read(token)
    signed, signature = read.compact.signing_input, read.compact.signature

    def limit() -> None:
        zlib.decompress(packed)
        public.verify(signed, signature)

    def load() -> StatusBits:
        found = statuslist.read(token)
        public.verify(found.compact.signing_input, found.compact.signature)
        return found.bits()

    return [
        Row(name=LIMIT, base=LIMIT, run=calls(limit)),
        Row(name=REPUBLISH, base=LIMIT, run=calls(change), ours=True, note="signed and checked"),
        Row(name=WRITTEN, base=LIMIT, run=calls(write), ours=True, note="files made durable too"),
        Row(name=LOAD, base=LIMIT, run=calls(load), ours=True, note="read, verified, inflated"),
        Row(name=LOOKUP, base=LIMIT, run=_lookups(bits), ours=True, note=f"{LOOKUPS} of them"),
    ], size


def _lookups(bits: StatusBits) -> Slice:
    places = [number * 7919 % len(bits) for number in range(LOOKUPS)]

    def run(count: int) -> float:
        get = bits.get
        began = time.thread_time()
        for _ in range(count):
            for place in places:
                get(place)
        return time.thread_time() - began

    return run


def _reaction(now: int, count: int) -> Result:
    """Revoke by the issuing service, publish by a worker as `certsvc worker` runs it."""
    with TemporaryDirectory(prefix="certsvc-bench-") as folder:
        settings = Settings.from_env({"CERTSVC_HOME": folder})
        bootstrap.initialise(settings, now=now, report=lambda _line: None)
        engine = make_engine(settings.database_url)
        keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
        worker, stop = make_worker(settings, engine, keys, name="bench"), threading.Event()
        worker.run_once()
        service = IssuingService(
            engine=engine,
            keys=keys,
            catalogue=Catalogue.builtin(),
            settings=settings,
            clock=time.time,
        )
        thread = threading.Thread(target=work, args=(worker,), kwargs={"stop": stop})
        thread.start()
        try:
            took = sorted(_revoke_one(service, settings, number) for number in range(count))
        finally:
            stop.set()
            thread.join()
        engine.dispose()
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]
    return Result(
        name=REACTION,
        rate=1 / p50,
        ratio=1.0,
        low=1.0,
        high=1.0,
        base=REACTION,
        note="SQLite; issue, revoke, look",
        ours=True,
        extra={"p50 s": p50, "p99 s": p99, "worst s": took[-1]},
    )


def _revoke_one(service: IssuingService, settings: Settings, number: int) -> float:
    department = bootstrap.departments()[0]
    records = demo_records(department.type)
    request = IssueRequest(type=department.type, claims=records[number % len(records)])
    who = operator(department.issuer_id)
    issued = service.issue(who, request, f"bench-{number}")
    pointer = settings.published / "status" / department.issuer_id / str(issued.list_no)
    shown = _shown(pointer, issued.list_index)
    service.change_status(
        who, issued.certificate_id, "revoke", reason="cancelled", detail=None, idempotency_key=None
    )
    began = time.monotonic()
    while not shown():
        time.sleep(0.005)
    return time.monotonic() - began


def _shown(pointer: Path, index: int) -> Callable[[], bool]:
    def look() -> bool:
        return statuslist.read(pointer.read_text("ascii")).bits().get(index) == INVALID

    return look
