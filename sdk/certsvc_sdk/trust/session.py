"""One run of `tuf.ngclient` in a scratch folder, from what the cache knows to a new generation.

Imported where a refresh begins and nowhere else: python-tuf costs more than a check.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from securesystemslib.exceptions import StorageError
from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError, RepositoryError
from tuf.api.metadata import Metadata, Root, Targets, Timestamp
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from certsvc_sdk.errors import TrustInvalid, TrustUnavailable
from certsvc_sdk.trust.about import ABOUT_TARGET
from certsvc_sdk.trust.live import Source
from certsvc_sdk.trust.metered import metered
from certsvc_sdk.trust.offline import (
    DICTIONARY_FOLDER,
    ISSUER_FOLDER,
    MAX_DELEGATIONS,
    digest_of,
)
from certsvc_sdk.trust.store import MAX_FILE, Kind, State, TrustStore

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
        roots: roots that were seen before, by version.
        work: an empty scratch folder.
        now: Unix seconds; judges every expiry.
        as_of: Unix seconds for which the result stands, `now` for what was fetched just now.
    """

    def __init__(
        self,
        *,
        root: bytes,
        source: Source,
        store: TrustStore,
        before: State | None,
        roots: Mapping[int, bytes],
        work: Path,
        now: int,
        as_of: int,
    ) -> None:
        self._root = root
        self._store = store
        self._before = before
        self._work = work
        self._now = now
        self._as_of = as_of
        self._source = source
        self._served: dict[str, bytes] = {}
        self._files: dict[tuple[Kind, str], bytes] = {}
        self._targets: dict[str, str] = {}
        self._seed(before, roots)
        self._updater = self._open(source)

    def refresh(self) -> None:
        """Bring the top-level roles up to date (TUF 5.3 to 5.6).

        Raises:
            TrustInvalid: two different timestamps bear one version (threat T44).
            tuf.api.exceptions.RepositoryError: what is served does not verify or goes back.
            tuf.api.exceptions.DownloadError: the line is down.
        """
        try:
            self._updater.refresh()
        except RepositoryError:
            if not self._forget_versions():
                raise
            self._updater = self._open(self._source)
            self._updater.refresh()
        self._refuse_two_timestamps()

    def keep(self, paths: Iterable[str]) -> None:
        """Fetch targets with the delegated roles they need; unlisted paths are passed over.

        A part of the repository that does not verify or is missing loses its own targets only:
        one office's lapse must not keep a revocation elsewhere from arriving.

        Raises:
            tuf.api.exceptions.DownloadError: the line is down.
        """
        for path in sorted(set(paths)):
            with _of_one_part():
                self._fetch(path)

    def dictionary_paths(self) -> tuple[str, ...]:
        """The QR dictionaries that the top-level role lists: few, and wanted without a line."""
        listed = self._updater._trusted_set.targets.targets
        return tuple(path for path in listed if path.startswith(DICTIONARY_FOLDER))

    def issuer_paths(self) -> Iterator[str]:
        """Every issuer's target in the repository; loads every delegated role on the way."""
        pending, seen = [("targets", "root")], set[tuple[str, str]]()
        while pending:
            role, parent = pending.pop()
            targets = None
            if (role, parent) not in seen:
                with _of_one_part():
                    # As `get_targetinfo` does for a path; hash bins have none known beforehand.
                    targets = self._updater._load_targets(role, parent)
            seen.add((role, parent))
            if targets is not None:
                yield from (path for path in targets.targets if path.startswith(ISSUER_FOLDER))
                pending += ((child, role) for child in self._children(targets))

    def roots(self) -> dict[int, bytes]:
        """The roots after the pinned one that were verified, whatever came of the rest."""
        pinned = Metadata[Root].from_bytes(self._root).signed.version
        newest = Metadata[Root].from_file(str(self._work / "root.json")).signed.version
        history = self._work / "root_history"
        return {
            version: (history / f"{version}.root.json").read_bytes()
            for version in range(pinned + 1, newest + 1)
        }

    def result(self) -> tuple[State, dict[tuple[Kind, str], bytes]]:
        """The new generation, and its files by kind and digest.

        Raises:
            TrustInvalid: the repository has no usable `about.json`.
        """
        if ABOUT_TARGET not in self._targets:
            raise TrustInvalid("the trust repository does not say what it is")
        roots = {number: self._add(Kind.METADATA, data) for number, data in self.roots().items()}
        metadata: dict[str, str] = {}
        for path in sorted(self._work.glob("*.json")):
            if path.name != "root.json":
                role = unquote(path.name.removesuffix(".json"))
                metadata[role] = self._add(Kind.METADATA, path.read_bytes())
        timestamp = Metadata[Timestamp].from_file(str(self._work / "timestamp.json")).signed
        state = State(
            verified_at=self._as_of,
            root_version=Metadata[Root].from_file(str(self._work / "root.json")).signed.version,
            timestamp_version=timestamp.version,
            roots=roots,
            metadata=metadata,
            targets=self._targets,
        )
        return state, self._files

    def _seed(self, before: State | None, roots: Mapping[int, bytes]) -> None:
        """Lay out the cache as ngclient expects it; a damaged file is left out and fetched anew."""
        history = self._work / "root_history"
        history.mkdir()
        for version, data in roots.items():
            (history / f"{version}.root.json").write_bytes(data)
        if before is None:
            return
        places = {history / f"{version}.root.json": d for version, d in before.roots.items()}
        places |= {self._work / f"{quote(role, '')}.json": d for role, d in before.metadata.items()}
        for path, digest in places.items():
            with suppress(TrustUnavailable):
                path.write_bytes(self._store.read(Kind.METADATA, digest))

    def _open(self, source: Source) -> Updater:
        updater = Updater(
            metadata_dir=str(self._work),
            metadata_base_url=source.metadata_url,
            target_dir=str(self._work),
            target_base_url=source.target_url,
            fetcher=metered(source.fetcher, self._served),
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

    def _children(self, targets: Targets) -> Iterator[str]:
        delegations = targets.delegations
        if delegations is None:
            return
        yield from delegations.roles or ()
        bins = delegations.succinct_roles
        if bins is not None:
            # There may be 2**32 names (TAP 15); a bin that the snapshot does not list is not there.
            listed = self._updater._trusted_set.snapshot.meta
            names = (name.removesuffix(".json") for name in listed)
            yield from (name for name in names if bins.is_delegated_role(name))

    def _forget_versions(self) -> bool:
        """Drop timestamp and snapshot where a key of theirs was withdrawn (TUF 5.3.11).

        Whoever held it may have signed version 2**63, which would lock out all that follows.
        """
        if self._before is None:
            return False
        former, newest = self._root_at(self._before.root_version), self._root_at(None)
        if former is None or newest is None:
            return False
        for role in ("timestamp", "snapshot"):
            if not {*former.roles[role].keyids} <= {*newest.roles[role].keyids}:
                for name in ("timestamp.json", "snapshot.json"):
                    (self._work / name).unlink(missing_ok=True)
                return True
        return False

    def _root_at(self, version: int | None) -> Root | None:
        name = "root.json" if version is None else f"root_history/{version}.root.json"
        try:
            return Metadata[Root].from_file(str(self._work / name)).signed
        except StorageError:
            return None

    def _refuse_two_timestamps(self) -> None:
        served = self._served.get("timestamp.json")
        kept = (self._work / "timestamp.json").read_bytes()
        # ngclient passes over a timestamp of the version it knows, whatever is in it.
        if served is not None and served != kept:
            one, other = (Metadata[Timestamp].from_bytes(data).signed for data in (served, kept))
            if one != other:
                raise TrustInvalid("two different timestamps bear the same version")

    def _add(self, kind: Kind, data: bytes) -> str:
        digest = digest_of(data)
        self._files[kind, digest] = data
        return digest


@contextmanager
def _of_one_part() -> Iterator[None]:
    """Pass over what concerns one part of the repository and no other."""
    try:
        yield
    except DownloadHTTPError as error:
        if error.status_code not in _ABSENT:
            raise
    except OSError as error:
        # A division may give a role a name that no file can bear.
        if error.errno != errno.ENAMETOOLONG:
            raise
    except (RepositoryError, ValueError, DownloadLengthMismatchError):
        return
