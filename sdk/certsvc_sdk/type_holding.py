"""The type metadata a verifier holds: read through its sources, kept on disk, never believed.

Documents are not signed; `vct#integrity` of a certificate is what ties one to it. They are looked
for again after `REFRESH_SECONDS`, and an older copy serves as long as there is no line.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from certsvc_sdk import strict
from certsvc_sdk.durable import replace_file
from certsvc_sdk.errors import CertsvcError, FetchFailed, IntegrityInvalid, Malformed
from certsvc_sdk.fetch import Fetcher
from certsvc_sdk.sources import Sources
from certsvc_sdk.trust.urls import parse_url

if TYPE_CHECKING:
    from certsvc_sdk.typemetadata import TypeMetadata

_LOG = logging.getLogger("certsvc_sdk")

# The freshness that publishers of this system give (RFC 9111 section 4.2).
REFRESH_SECONDS: Final = 3600
# Twice the largest document: base64 and the members beside it.
_MAX_FILE: Final = 512 * 1024
# A hall meets tens of types; the one held longest leaves.
_MAX_HELD: Final = 128


class _Stored(NamedTuple):
    """A document as it lies in the cache."""

    data: bytes
    etag: str | None
    fetched_at: int


class TypeHolding:
    """Type metadata in memory and on disk. Safe for threads.

    Args:
        folder: made on demand.
        fetcher: reads sources.
        online: the network may be used.
    """

    def __init__(self, folder: Path, fetcher: Fetcher, *, online: bool) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._online = online
        self._held: dict[tuple[str, str], tuple[TypeMetadata, int]] = {}

    def resolve(
        self, vct: str, sources: Sources, now: int, *, integrity: object = None
    ) -> "TypeMetadata":
        """Return the metadata of a type.

        Args:
            vct: the type.
            sources: where addresses are read; only configured ones are.
            now: Unix seconds.
            integrity: `vct#integrity` of the certificate, None where it has none.

        Raises:
            FetchFailed: it cannot be read, or may not be.
            IntegrityInvalid, TypeMetadataInvalid: as `typemetadata.resolve`.
        """
        from certsvc_sdk import typemetadata

        key = (vct, repr(integrity))
        held = self._held.get(key)
        if held is not None and 0 <= now - held[1] < REFRESH_SECONDS:
            return held[0]
        try:
            found = typemetadata.resolve(
                vct, lambda uri: self._read(uri, sources, now), integrity=integrity
            )
        except IntegrityInvalid:
            # The copy at hand may be older than the reference.
            found = typemetadata.resolve(
                vct, lambda uri: self._read(uri, sources, now, renew=True), integrity=integrity
            )
        while len(self._held) >= _MAX_HELD:
            self._held.pop(next(iter(self._held), key), None)
        self._held[key] = (found, now)
        return found

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Yield each document on disk with its address."""
        for path in sorted(self._folder.glob("*.json")):
            with suppress(OSError, Malformed):
                uri = strict.text(_content(path), "uri", "cache")
                found = self._load(uri)
                if found is not None:
                    yield uri, found.data

    def take(self, uri: str, data: bytes) -> bool:
        """Take over a document that came another way; one at hand stays. Tell if it is in order."""
        from certsvc_sdk.typemetadata.document import parse

        try:
            parse(data)
        except CertsvcError:
            return False
        if parse_url(uri) is None:
            return False
        if self._load(uri) is None:
            # Of unknown age: with a line it is looked for again at once.
            self._store(uri, _Stored(data, None, 0))
        return True

    def _read(self, uri: str, sources: Sources, now: int, *, renew: bool = False) -> bytes:
        stored = self._load(uri)
        if stored is not None and not renew and 0 <= now - stored.fetched_at < REFRESH_SECONDS:
            return stored.data
        if self._online:
            try:
                return self._fetch(uri, sources, now, None if renew else stored)
            except FetchFailed as error:
                if stored is None:
                    raise
                _LOG.warning("type metadata was not refreshed: %s", error)
        if stored is None:
            raise FetchFailed("the type metadata was never fetched, and there is no line")
        return stored.data

    def _fetch(self, uri: str, sources: Sources, now: int, stored: _Stored | None) -> bytes:
        from certsvc_sdk.typemetadata.document import MAX_DOCUMENT, parse

        source = sources.resolve(uri)
        # An address that only a token names is not asked: its issuer would choose what this
        # machine connects to, and see who shows certificates where.
        if not source.configured or parse_url(uri) is None:
            raise FetchFailed("type metadata is read from the published tree and sources only")
        etag = None if stored is None else stored.etag
        answer = self._fetcher.get(source, max_bytes=MAX_DOCUMENT, etag=etag)
        if answer.body is None and stored is not None:
            self._store(uri, stored._replace(fetched_at=now))
            return stored.data
        data = answer.body or b""
        parse(data)  # an error page must not displace a good copy
        self._store(uri, _Stored(data, answer.etag, now))
        return data

    def _path(self, uri: str) -> Path:
        return self._folder / f"{hashlib.sha256(uri.encode('utf-8')).hexdigest()}.json"

    def _load(self, uri: str) -> _Stored | None:
        try:
            obj = _content(self._path(uri))
            if strict.text(obj, "uri", "cache") != uri:
                return None
            return _Stored(
                strict.b64u_decode(strict.text(obj, "data", "cache")),
                strict.optional_text(obj, "etag", "cache"),
                strict.integer(obj, "fetched_at", "cache"),
            )
        except (OSError, Malformed):
            return None

    def _store(self, uri: str, stored: _Stored) -> None:
        content = {
            "uri": uri,
            "fetched_at": stored.fetched_at,
            **({} if stored.etag is None else {"etag": stored.etag}),
            "data": strict.b64u_encode(stored.data),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._path(uri), strict.dumps(content))
        except OSError as error:
            _LOG.warning("the cache cannot keep type metadata: %s", error.strerror)


def _content(path: Path) -> dict[str, strict.Json]:
    with path.open("rb") as file:
        content = file.read(_MAX_FILE + 1)
    return strict.loads_object(content, max_bytes=_MAX_FILE, what="cache")
