"""One run of `tuf.ngclient` in a scratch folder, from what the cache knows to a new generation."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from certsvc_sdk.errors import TrustInvalid, TrustUnavailable
from certsvc_sdk.trust.about import ABOUT_TARGET
from certsvc_sdk.trust.live import Source
from certsvc_sdk.trust.offline import ISSUER_FOLDER, MAX_DELEGATIONS, digest_of
from certsvc_sdk.trust.store import MAX_FILE, Kind, State, TrustStore

if TYPE_CHECKING:
    from tuf.api.metadata import Targets
    from tuf.ngclient.updater import Updater

# A root a year, and a hundred emergencies.
MAX_ROOT_ROTATIONS = 256
MAX_ROOT = 512_000
# One small signed statement.
MAX_TIMESTAMP = 16_384
# Some 3,000 divisions of 60 bytes, ten times over.
MAX_SNAPSHOT = 2_000_000
# The mirror's own answers that concern one file and no other.
_ABSENT = frozenset({403, 404})


class Session:
    """Drives one `Updater`; lives as long as one refresh.

    Args:
        root: pinned root metadata.
        source: the live repository.
        store: the cache, read only here.
        before: what the cache holds, or None.
        work: an empty scratch folder.
        now: Unix seconds; judges every expiry.
    """

    def __init__(
        self,
        *,
        root: bytes,
        source: Source,
        store: TrustStore,
        before: State | None,
        work: Path,
        now: int,
    ) -> None:
        self._root = root
        self._store = store
        self._before = before
        self._work = work
        self._now = now
        self._files: dict[tuple[Kind, str], bytes] = {}
        self._targets: dict[str, str] = {}
        if before is not None:
            self._seed(before)
        self._updater = self._open(source)

    def refresh(self) -> None:
        """Bring the top-level roles up to date (TUF 5.3 to 5.6)."""
        self._updater.refresh()

    def keep(self, paths: Iterable[str]) -> None:
        """Fetch targets with the delegated roles they need; unlisted paths are passed over.

        A part of the repository that does not verify or is missing loses its own targets only:
        one office's lapse must not keep a revocation elsewhere from arriving.

        Raises:
            tuf.api.exceptions.DownloadError: the line is down.
        """
        from tuf.api.exceptions import (
            DownloadHTTPError,
            DownloadLengthMismatchError,
            RepositoryError,
        )

        for path in sorted(set(paths)):
            try:
                self._fetch(path)
            except DownloadHTTPError as error:
                if error.status_code not in _ABSENT:
                    raise
            except (RepositoryError, ValueError, DownloadLengthMismatchError):
                continue

    def issuer_paths(self) -> Iterator[str]:
        """Every issuer's target in the repository; loads every delegated role on the way."""
        pending, seen = ["targets"], set[str]()
        while pending:
            role = pending.pop()
            targets = None if role in seen else self._loaded(role)
            seen.add(role)
            if targets is None:
                continue
            yield from (path for path in targets.targets if path.startswith(ISSUER_FOLDER))
            delegations = targets.delegations
            for child in ((delegations and delegations.roles) or {}).values():
                # ngclient loads a role when asked for a path under its patterns.
                self.keep(_sample(pattern) for pattern in child.paths or ())
                pending.append(child.name)

    def result(self) -> tuple[State, dict[tuple[Kind, str], bytes]]:
        """The new generation, and its files by kind and digest.

        Raises:
            TrustInvalid: the repository has no usable `about.json`.
        """
        from tuf.api.metadata import Metadata, Root, Timestamp

        if ABOUT_TARGET not in self._targets:
            raise TrustInvalid("the trust repository does not say what it is")
        pinned = Metadata[Root].from_bytes(self._root).signed.version
        newest = Metadata[Root].from_file(str(self._work / "root.json")).signed.version
        history = self._work / "root_history"
        roots: dict[int, str] = {}
        for version in range(pinned + 1, newest + 1):
            data = (history / f"{version}.root.json").read_bytes()
            roots[version] = self._add(Kind.METADATA, data)
        metadata: dict[str, str] = {}
        for path in sorted(self._work.glob("*.json")):
            if path.name != "root.json":
                role = unquote(path.name.removesuffix(".json"))
                metadata[role] = self._add(Kind.METADATA, path.read_bytes())
        timestamp = Metadata[Timestamp].from_file(str(self._work / "timestamp.json")).signed
        state = State(
            verified_at=self._now,
            root_version=newest,
            timestamp_version=timestamp.version,
            roots=roots,
            metadata=metadata,
            targets=self._targets,
        )
        return state, self._files

    def _seed(self, before: State) -> None:
        """Lay out the cache as ngclient expects it; a damaged file is left out and fetched anew."""
        history = self._work / "root_history"
        history.mkdir()
        places = {history / f"{version}.root.json": d for version, d in before.roots.items()}
        places |= {self._work / f"{quote(role, '')}.json": d for role, d in before.metadata.items()}
        for path, digest in places.items():
            with suppress(TrustUnavailable):
                path.write_bytes(self._store.read(Kind.METADATA, digest))

    def _open(self, source: Source) -> "Updater":
        from tuf.ngclient.config import UpdaterConfig
        from tuf.ngclient.updater import Updater

        updater = Updater(
            metadata_dir=str(self._work),
            metadata_base_url=source.metadata_url,
            target_dir=str(self._work),
            target_base_url=source.target_url,
            fetcher=source.fetcher,
            config=UpdaterConfig(
                max_root_rotations=MAX_ROOT_ROTATIONS,
                max_delegations=MAX_DELEGATIONS,
                root_max_length=MAX_ROOT,
                timestamp_max_length=MAX_TIMESTAMP,
                snapshot_max_length=MAX_SNAPSHOT,
                targets_max_length=MAX_FILE,
            ),
            bootstrap=self._root,
        )
        # ngclient has no clock parameter; tests/sdk/test_trust_private.py guards these names.
        updater._trusted_set.reference_time = datetime.fromtimestamp(self._now, UTC)
        return updater

    def _fetch(self, path: str) -> None:
        info = self._updater.get_targetinfo(path)
        if info is None or info.length > MAX_FILE:
            return
        data = self._cached(path, info.hashes.get("sha256"))
        if data is None:
            file = self._work / "target"
            self._updater.download_target(info, filepath=str(file))
            data = file.read_bytes()
        self._targets[path] = self._add(Kind.TARGET, data)

    def _cached(self, path: str, digest: str | None) -> bytes | None:
        """The target as the cache holds it, if the repository still lists that content."""
        known = None if self._before is None else self._before.targets.get(path)
        if known is None or known != digest:
            return None
        try:
            return self._store.read(Kind.TARGET, known)
        except TrustUnavailable:
            return None

    def _loaded(self, role: str) -> "Targets | None":
        """A role ngclient has verified in this session, or None where it could not."""
        from securesystemslib.exceptions import StorageError
        from tuf.api.exceptions import RepositoryError
        from tuf.api.metadata import Metadata, Targets

        try:
            return Metadata[Targets].from_file(str(self._work / f"{quote(role, '')}.json")).signed
        except (StorageError, RepositoryError):
            return None

    def _add(self, kind: Kind, data: bytes) -> str:
        digest = digest_of(data)
        self._files[kind, digest] = data
        return digest


def _sample(pattern: str) -> str:
    """A path that a delegation's pattern matches; no issuer bears it."""
    return pattern.replace("*", "0").replace("?", "0")
