"""A generation of the trust repository as files that are carried, and taken over as if fetched.

The files have the names of a published tree. `tuf.ngclient` reads them through a fetcher, so every
signature, version and hash is checked by the same code, against what the cache knows already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from certsvc_sdk.errors import TrustInvalid
from certsvc_sdk.trust.live import Source
from certsvc_sdk.trust.offline import TIMESTAMP_LIFE
from certsvc_sdk.trust.store import Kind, Read, State

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

METADATA: Final = "trust/metadata/"
TARGETS: Final = "trust/targets/"
TIMESTAMP: Final = f"{METADATA}timestamp.json"
_ROOT_SUFFIX: Final = ".root.json"
_BASE: Final = "carried:"
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How carried files are taken over.

    Attributes:
        source: where ngclient reads.
        judged_at: Unix seconds that every expiry is judged at.
        as_of: Unix seconds for which the result stands.
    """

    source: Source
    judged_at: int
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Files that were carried; nothing in them is trusted yet.

    Attributes:
        files: content by path.
        generation: version of the newest root, and of the timestamp, by their own word.
        expires: Unix seconds at which the timestamp ends, by its own word.
        paths: the targets among them.
    """

    files: Mapping[str, bytes]
    generation: tuple[int, int]
    expires: int
    paths: tuple[str, ...]

    @classmethod
    def read(cls, root: bytes, files: Mapping[str, bytes]) -> "Carried":
        """Find out what the files claim to be.

        Args:
            root: the pinned root.
            files: content by path.

        Raises:
            TrustInvalid: there is no timestamp.
            tuf.api.exceptions.RepositoryError: it, or the pinned root, cannot be read.
        """
        from tuf.api.metadata import Metadata, Root

        data = files.get(TIMESTAMP)
        if data is None:
            raise TrustInvalid("there is no timestamp of a trust repository")
        version, expires = _timestamp(data)
        newest = Metadata[Root].from_bytes(root).signed.version
        while f"{METADATA}{newest + 1}{_ROOT_SUFFIX}" in files:
            newest += 1
        return cls(
            files=files,
            generation=(newest, version),
            expires=expires,
            paths=tuple(_path_of(name) for name in files if name.startswith(TARGETS)),
        )

    def plan(self, before: State | None, read: Read, *, verified_at: int, now: int) -> Plan:
        """Decide how to take the files over.

        Args:
            before: what the cache holds and verifies, or None.
            read: reads the cache.
            verified_at: when they were seen live, by the word of who made them.
            now: Unix seconds.

        Raises:
            TrustUnavailable: the cache cannot be read.
        """
        if before is not None and self.generation < before.generation:
            # Judged against the newer statement at hand: what it does not name any more is left.
            newer = read(Kind.METADATA, before.metadata["timestamp"])
            return Plan(
                source=_source({**self.files, TIMESTAMP: newer}),
                judged_at=min(now, _timestamp(newer)[1] - 1),
                as_of=before.verified_at,
            )
        # As late as somebody could have fetched it: nobody chooses the moment by his own word.
        judged_at = min(now, self.expires - 1)
        as_of = max(0, min(verified_at, self.expires - TIMESTAMP_LIFE, judged_at))
        if before is not None:
            # A newer statement is at least as young as the older one was when that was current.
            as_of = min(max(as_of, before.verified_at), judged_at)
        return Plan(source=_source(self.files), judged_at=judged_at, as_of=as_of)


def tree_files(root: bytes, state: State, read: Read) -> dict[str, bytes]:
    """Return a cached generation as the files of a published tree, by path.

    Args:
        root: the pinned root, which goes along for those who pinned the one before.
        state: the generation.
        read: reads the cache.

    Raises:
        TrustUnavailable: a file is missing or damaged.
    """
    from tuf.api.metadata import Metadata, Root

    pinned = Metadata[Root].from_bytes(root).signed.version
    files = {f"{METADATA}{pinned}{_ROOT_SUFFIX}": root}
    for version, digest in state.roots.items():
        files[f"{METADATA}{version}{_ROOT_SUFFIX}"] = read(Kind.METADATA, digest)
    for role, digest in state.metadata.items():
        data = read(Kind.METADATA, digest)
        number = "" if role == "timestamp" else f"{Metadata.from_bytes(data).signed.version}."
        files[f"{METADATA}{number}{quote(role, '')}.json"] = data
    for path, digest in state.targets.items():
        folder, slash, name = path.rpartition("/")
        files[f"{TARGETS}{folder}{slash}{digest}.{name}"] = read(Kind.TARGET, digest)
    return files


def _timestamp(data: bytes) -> tuple[int, int]:
    """Version and end, Unix seconds, of a timestamp that nobody has verified yet."""
    from tuf.api.metadata import Metadata, Timestamp

    signed = Metadata[Timestamp].from_bytes(data).signed
    return signed.version, int(signed.expires.timestamp())


def _path_of(name: str) -> str:
    """The target's path that a file stands for (TUF 6.2: its name begins with a digest)."""
    folder, slash, file = name.removeprefix(TARGETS).rpartition("/")
    return f"{folder}{slash}{file.partition('.')[2]}"


def _source(files: Mapping[str, bytes]) -> Source:
    return Source(
        metadata_url=f"{_BASE}{METADATA}", target_url=f"{_BASE}{TARGETS}", fetcher=_fetcher(files)
    )


def _fetcher(files: Mapping[str, bytes]) -> "FetcherInterface":
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    class Files(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            data = files.get(url.removeprefix(_BASE))
            if data is None:
                raise DownloadHTTPError("it was not carried", _NOT_FOUND)
            return iter((data,))

    return Files()
