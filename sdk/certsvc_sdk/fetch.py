"""Bytes from the network or a local mirror, within hard limits; nothing here is believed.

HTTPS, plain http to this machine only, and `file:` for configured sources. No redirects, no
content encodings, no cookies, no proxies: everything fetched carries its own signature.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from certsvc_sdk.deadline import Deadline
from certsvc_sdk.errors import FetchFailed
from certsvc_sdk.relay import Relay
from certsvc_sdk.sources import Source, check_base

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

# A clerk waits one or two seconds; beyond these the cached copy with its age serves better.
CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
TOTAL_SECONDS = 10.0
# A line that is down stays down for a while; asking at each scan would make every scan slow.
RETRY_SECONDS = 5.0

_CHUNK = 64 * 1024
# RFC 9110 section 15; `http` itself and what it draws in cost more to import than all else here.
_OK = 200
_NOT_MODIFIED = 304
_NOT_FOUND = 404
# RFC 9110 section 8.8.3, of a length that every server takes.
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]{0,200}"')
# TUF section 3: a target's file is named by its digest; a file of metadata by its version.
_DIGEST = re.compile(r"([0-9a-f]{64})\.")
# Content never changes under its digest; what nobody asks for leaves.
RELAY_SECONDS = 7 * 24 * 3600
# An issuer's record has some kilobytes; a longer target takes the way to its source.
MAX_RELAYED = 1024 * 1024
# Failures remembered at once; the oldest goes first, so that memory stays flat.
_MAX_REMEMBERED = 256


class AnswerFailed(FetchFailed):
    """The source answered, with a status that carries no content."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NoAnswer(FetchFailed):
    """Nothing came back from the host: asking it for another thing would wait as long."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer; `body` is None where the copy that `etag` named is still current (304)."""

    body: bytes | None
    etag: str | None


class Fetcher:
    """Reads sources; a source that failed is not asked again for `RETRY_SECONDS`.

    Safe for threads: each fetch has its own connection.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures: dict[str, tuple[float, int | None]] = {}
        self._lock = threading.Lock()

    def get(self, source: Source, *, max_bytes: int, etag: str | None = None) -> Fetched:
        """Read a whole source.

        Args:
            source: from `Sources.resolve`.
            max_bytes: cap; one byte more is a failure.
            etag: of the copy at hand, for a conditional request (RFC 9110 section 13.1.2).

        Raises:
            FetchFailed: unreachable, too slow, too long, another status than 200 and 304.
        """
        # A tag that no request can carry back would keep every later answer out.
        etag = etag if etag is not None and _ETAG.fullmatch(etag) else None
        headers = {} if etag is None else {"If-None-Match": etag}
        answer: dict[str, str] = {}
        body = bytearray()
        # Closed at once on overflow: an endless answer must not keep its connection.
        with closing(self.stream(source, headers=headers, answer=answer)) as chunks:
            try:
                for chunk in chunks:
                    body += chunk
                    if len(body) > max_bytes:
                        raise FetchFailed(f"the answer is longer than {max_bytes} bytes")
            except AnswerFailed as error:
                if error.status == _NOT_MODIFIED and etag is not None:
                    return Fetched(None, etag)
                raise
        return Fetched(bytes(body), answer.get("etag"))

    def stream(
        self,
        source: Source,
        *,
        headers: Mapping[str, str] | None = None,
        answer: dict[str, str] | None = None,
    ) -> Generator[bytes, None, None]:
        """Yield a source's bytes as they come; the caller counts them.

        Args:
            source: from `Sources.resolve`.
            headers: request headers.
            answer: filled with the response's `etag`.

        Raises:
            FetchFailed: as `get`, but for the length.
        """
        self._refuse_recent(source.url)
        try:
            if urlsplit(source.url).scheme == "file":
                yield from _file(source)
            else:
                yield from _http(source.url, headers or {}, {} if answer is None else answer)
        except AnswerFailed as failure:
            if failure.status != _NOT_MODIFIED:
                self._remember(source.url, failure.status)
            raise
        except FetchFailed as failure:
            self._remember(source.url, None)
            if isinstance(failure, NoAnswer):
                self._remember(_origin(source.url), None)
            raise

    def forget_failures(self) -> None:
        """Ask every source again at the next fetch."""
        with self._lock:
            self._failures.clear()

    def avoid(self, source: Source) -> None:
        """Treat a source as failed for a while: what it served was of no use."""
        self._remember(source.url, None)

    def avoids(self, source: Source) -> bool:
        """Return whether a source failed a moment ago and would not be asked now."""
        now = self._monotonic()
        with self._lock:
            places = (source.url, _origin(source.url))
            return any(now < self._failures.get(place, (0.0, None))[0] for place in places)

    def _refuse_recent(self, url: str) -> None:
        with self._lock:
            until, status = self._failures.get(url, (0.0, None))
            host_until, _ = self._failures.get(_origin(url), (0.0, None))
        now = self._monotonic()
        if now < host_until:
            raise FetchFailed("the host did not answer a moment ago")
        if now < until:
            message = "the source failed a moment ago"
            raise FetchFailed(message) if status is None else AnswerFailed(message, status=status)

    def _remember(self, url: str, status: int | None) -> None:
        now = self._monotonic()
        with self._lock:
            if self._failures.get(url, (0.0, None))[0] > now:
                return  # this is the memory of the failure speaking, not a new attempt
            self._failures.pop(url, None)
            while len(self._failures) >= _MAX_REMEMBERED:
                del self._failures[next(iter(self._failures))]
            self._failures[url] = (now + RETRY_SECONDS, status)


def tuf_fetcher(fetcher: Fetcher, relay: Relay | None = None) -> "FetcherInterface":
    """Return `fetcher` as what `tuf.ngclient` reads through; its addresses are configured ones.

    Args:
        fetcher: reads sources.
        relay: what other machines pass on: targets only, whose names hold their digest (TUF
            consistent snapshots), so that nothing but the very content can come out of it.

    Raises:
        DownloadHTTPError: by the object returned, while reading: an answer with an error status.
        DownloadError: likewise, no answer within the limits.
    """
    from tuf.api.exceptions import DownloadError, DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    class Adapter(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            digest = None if relay is None else _digest_in(url)
            if relay is None or digest is None:
                yield from self._stream(url)
                return
            data = relay.get(digest, max_bytes=MAX_RELAYED)
            if data is not None and _sha256(data) == digest:
                yield data
                return
            body = bytearray()
            for chunk in self._stream(url):
                body += chunk[: MAX_RELAYED + 1 - len(body)]
                yield chunk
            if _sha256(bytes(body)) == digest:
                relay.put(digest, bytes(body), seconds=RELAY_SECONDS)

        def _stream(self, url: str) -> Iterator[bytes]:
            try:
                yield from fetcher.stream(Source(url, configured=True))
            except AnswerFailed as error:
                raise DownloadHTTPError(str(error), error.status) from error
            except FetchFailed as error:
                raise DownloadError(str(error)) from error

    return Adapter()


def _digest_in(url: str) -> str | None:
    """The SHA-256 that a target's file name begins with, or None."""
    found = _DIGEST.match(url.rpartition("/")[2])
    return None if found is None else found[1]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _file(source: Source) -> Iterator[bytes]:
    from urllib.request import url2pathname

    path = url2pathname(urlsplit(source.url).path)
    if not source.configured or ".." in Path(path).parts:
        raise FetchFailed("the file may not be read")
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except FileNotFoundError as error:
        raise AnswerFailed("no such file", status=_NOT_FOUND) from error
    except (OSError, ValueError) as error:
        raise FetchFailed("the file cannot be read") from error


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _http(url: str, headers: Mapping[str, str], answer: dict[str, str]) -> Iterator[bytes]:
    # Imported here: checking from the cache must not pay for a network library.
    from http.client import HTTPException

    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
    from urllib3.exceptions import HTTPError

    parts = urlsplit(url)
    pool_class = HTTPSConnectionPool if parts.scheme == "https" else HTTPConnectionPool
    deadline = Deadline(TOTAL_SECONDS)
    failure: type[FetchFailed] = NoAnswer
    try:
        check_base(url)
        with deadline, pool_class(parts.hostname or "", port=parts.port, maxsize=1) as pool:
            deadline.watch(pool)
            response = pool.urlopen(
                "GET",
                parts.path,
                headers={"Accept-Encoding": "identity", **headers},
                retries=False,
                redirect=False,
                timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                preload_content=False,
                decode_content=False,
            )
            failure = FetchFailed
            with response:
                if response.status != _OK:
                    raise AnswerFailed(f"HTTP status {response.status}", status=response.status)
                if etag := response.headers.get("etag"):
                    answer["etag"] = etag
                while chunk := response.read1(_CHUNK):
                    deadline.check()
                    yield chunk
            deadline.check()
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise failure(f"{parts.hostname} did not answer within its limits") from error
