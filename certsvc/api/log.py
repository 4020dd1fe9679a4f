"""`/log/`: the transparency log for everybody: static tiles, and look-ups by leaf hash.

A look-up tells of one certificate nothing but what the public entry bundles tell of it too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from flask import Blueprint, request
from sqlalchemy.engine import Engine
from werkzeug.wrappers import Response

from certsvc.api.auth import limit
from certsvc.api.errors import (
    COSIGNATURE_REFUSED,
    LOG_ENTRY_UNKNOWN,
    LOG_NOT_MERGED,
    LOG_UNAVAILABLE,
    RETRY_SECONDS,
)
from certsvc.api.published import IMMUTABLE, POINTER, open_to_all, serve
from certsvc.publishing.errors import CosignatureRefused, LogUnpublished, PublishingError
from certsvc.publishing.log_files import CHECKPOINT, WITNESSED, path_of
from certsvc.publishing.log_reader import Logged, LogReader
from certsvc.publishing.log_witnesses import Witnesses
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.service.http import JSON, read_body, require_media_type
from certsvc.service.limits import Limiter
from certsvc.service.problems import NOT_FOUND, Problem
from certsvc.storage.log import ISSUE, Entry, LogEntries
from certsvc_sdk.errors import LogTileInvalid, Malformed
from certsvc_sdk.log.merkle import HASH_BYTES
from certsvc_sdk.log.note import MAX_NOTE
from certsvc_sdk.log.tiles import Tile
from certsvc_sdk.strict import b64u_decode
from keys.errors import KeysError

TEXT = "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"
#: A partial tile never changes, and goes when the full one stands.
PARTIAL = "public, max-age=3600"
MERGE_SECONDS = "1"

Found = TypeVar("Found", str, bytes)


class LookUps:
    """Answers about single leaves.

    Args:
        engine: the issuer's database.
        reader: makes proofs.
        limiter: counts look-ups by address.
        clock: Unix seconds.
    """

    def __init__(
        self, engine: Engine, reader: LogReader, limiter: Limiter, *, clock: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._limiter = limiter
        self._clock = clock

    def proof(self, leaf_hash: str) -> bytes:
        """The proof of any leaf.

        Raises:
            Problem: 429, 404 for no such leaf, 503 while it is not merged or the tree is damaged.
        """
        entry = self._life(leaf_hash)[0]
        with _told():
            index = entry.log_index
            text = None if index is None else self._reader.proof(index, entry.leaf_hash)
        return _merged(text).encode()

    def history(self, leaf_hash: str) -> bytes:
        """The life of the certificate whose issue has that hash.

        Raises:
            Problem: as `proof`.
        """
        # Before the entries are read: what happens after this moment may be missing among them.
        now = int(self._clock())
        entries = self._life(leaf_hash, whole=True)
        if entries[0].seq != ISSUE:
            raise Problem(LOG_ENTRY_UNKNOWN)
        life = [
            Logged(one.leaf.encode(), one.leaf_hash, one.log_index)
            for one in entries
            if one.log_index is not None
        ]
        if len(life) < len(entries):
            raise _later()
        with _told():
            data = self._reader.history(life, now=now)
        return _merged(data)

    def _life(self, leaf_hash: str, *, whole: bool = False) -> Sequence[Entry]:
        """The entry with that hash, and those of its certificate behind it.

        `whole`: a database that was put back, or a standby that lags, lacks events that readers
        have seen. The log's word that there are no others would be a lie.
        """
        limit(self._limiter, f"log:{request.remote_addr}")
        published = self._published() if whole else 0
        with reading(self._engine) as connection:
            entries = LogEntries(connection)
            if entries.end() < published:
                raise Problem(LOG_UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS})
            found = entries.by_hash(_hash(leaf_hash))
            if found is None:
                raise Problem(LOG_ENTRY_UNKNOWN)
            life = entries.of_certificate(found.issuer_id, found.certificate_id)
        return [found, *(one for one in life if one.seq > found.seq)]

    def _published(self) -> int:
        """How many leaves readers see."""
        with _told():
            try:
                return self._reader.checkpoint().size
            except LogUnpublished:
                return 0


def log_blueprint(
    tree: PublishedTree, look_ups: LookUps, witnesses: Witnesses, limiter: Limiter
) -> Blueprint:
    """The routes below the log's address.

    Args:
        tree: the published tree; it may still be empty.
        look_ups: answers about single leaves.
        witnesses: takes cosignatures.
        limiter: counts who sends them, by address.
    """
    blueprint = Blueprint("log", __name__)

    @blueprint.get("/log/checkpoint")
    def checkpoint() -> Response:
        return serve(tree, tuple(CHECKPOINT.split("/")), TEXT, POINTER)

    @blueprint.get("/log/witnessed")
    def witnessed() -> Response:
        return serve(tree, tuple(WITNESSED.split("/")), TEXT, POINTER)

    @blueprint.post("/log/cosignatures")
    def cosignatures() -> Response:
        limit(limiter, f"log:{request.remote_addr}")
        require_media_type({"text/plain"})
        try:
            note = witnesses.collect(read_body(MAX_NOTE))
        except CosignatureRefused as error:
            raise Problem(COSIGNATURE_REFUSED, detail=str(error)) from error
        except (PublishingError, KeysError, OSError) as error:
            raise Problem(LOG_UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS}) from error
        return open_to_all(Response(note, content_type=TEXT))

    @blueprint.get("/log/tile/<path:name>")
    def tile(name: str) -> Response:
        try:
            found = Tile.parse(f"tile/{name}")
        except LogTileInvalid as error:
            raise Problem(NOT_FOUND) from error
        cache = IMMUTABLE if found.is_full else PARTIAL
        return serve(tree, tuple(path_of(found).split("/")), OCTETS, cache)

    @blueprint.get("/log/proof/<leaf_hash>")
    def proof(leaf_hash: str) -> Response:
        return open_to_all(Response(look_ups.proof(leaf_hash), content_type=TEXT))

    @blueprint.get("/log/history/<leaf_hash>")
    def history(leaf_hash: str) -> Response:
        return open_to_all(Response(look_ups.history(leaf_hash), content_type=JSON))

    return blueprint


@contextmanager
def _told() -> Iterator[None]:
    """Say what concerns the published tree in the words of the interface."""
    try:
        yield
    except LogUnpublished as error:
        raise _later() from error
    except (PublishingError, KeysError) as error:
        raise Problem(LOG_UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS}) from error


def _later() -> Problem:
    return Problem(LOG_NOT_MERGED, headers={"Retry-After": MERGE_SECONDS})


def _merged(found: Found | None) -> Found:
    if found is None:
        raise _later()
    return found


def _hash(text: str) -> bytes:
    try:
        found = b64u_decode(text, what="leaf hash")
    except Malformed as error:
        raise Problem(LOG_ENTRY_UNKNOWN) from error
    if len(found) != HASH_BYTES:
        raise Problem(LOG_ENTRY_UNKNOWN)
    return found
