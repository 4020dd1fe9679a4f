"""The whole check (`certsvc fsck`): database, published tree, backups."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy.engine import Engine

from certsvc.catalogue import Catalogue
from certsvc.checking.certificates import CertificateCheck
from certsvc.checking.finding import Finding
from certsvc.checking.log import LogCheck, LogTruth
from certsvc.checking.status import FOLDER as STATUS
from certsvc.checking.status import StatusCheck
from certsvc.checking.trust import TrustCheck
from certsvc.publishing.errors import PublishingError
from certsvc.publishing.log_files import CHECKPOINT, WITNESSED
from certsvc.publishing.log_files import FOLDER as LOG
from certsvc.publishing.log_signing import LogSigner, log_origin
from certsvc.publishing.tree import PublishedTree
from certsvc.restoring import archive
from certsvc.restoring.errors import BackupDamaged
from certsvc.service.engine import DatabaseUnavailable
from certsvc_sdk.errors import CertsvcError, LogTileInvalid
from certsvc_sdk.log.note import NoteKey
from certsvc_sdk.log.tiles import Tile
from keys import KeyStore
from keys.errors import KeysError

Progress = Callable[[int], object]


class Fsck:
    """Re-derives what can be derived and compares it with what is there; changes nothing.

    It may run beside the services: what grows meanwhile is no finding.

    Args:
        engine: the issuer's database.
        keys: the key store.
        tree: the published tree.
        public_url: base address of identifiers.
        witnesses: whose cosignatures must be good where they stand.
    """

    def __init__(
        self,
        engine: Engine,
        keys: KeyStore,
        tree: PublishedTree,
        *,
        public_url: str,
        witnesses: tuple[NoteKey, ...] = (),
    ) -> None:
        view = LogSigner(keys, origin=log_origin(public_url)).view(witnesses)
        self._tree = tree
        self._log = LogCheck(engine, tree, view)
        self._certificates = CertificateCheck(engine, keys)
        self._status = StatusCheck(engine, tree, keys, base_url=public_url)
        self._trust = TrustCheck(tree, engine, Catalogue.builtin(), base_url=public_url)

    def length(self) -> int:
        """About how much there is to do, in the units of `run`'s progress."""
        files = len(self._log.files()) + sum(1 for _ in self._others())
        return self._log.size() + self._certificates.count() + files

    def run(self, progress: Progress, *, backups: Sequence[Path] = ()) -> Iterator[Finding]:
        """Check everything.

        Args:
            progress: takes how much was done since its last call.
            backups: files of `certsvc backup` to read through.
        """
        yield from _told("log", self._log.run(progress))
        yield from _told("certificate", self._certificates.run(progress))
        yield from _told("status_list", self._status.missing())
        yield from _told("issuer", self._trust.missing())
        for path in self._others():
            yield from _told(path, self._other(path))
            progress(1)
        for backup in backups:
            yield from check_backup(backup)

    def truth(self) -> LogTruth:
        """What the log's files must be; for `file`."""
        return self._log.derive(self._log.files(), int)

    def file(self, path: str, truth: LogTruth) -> list[Finding]:
        """Check one published file alone.

        Args:
            path: below the published tree's root.
            truth: what the log's files must be.
        """
        if path in (CHECKPOINT, WITNESSED):
            return list(self._log.checkpoint(truth, path))
        if not path.startswith(f"{LOG}/"):
            return list(self._other(path))
        try:
            tile = Tile.parse(path.removeprefix(f"{LOG}/"))
        except LogTileInvalid:
            return [Finding("file_unexpected", path)]
        return list(self._log.tile(tile, truth))

    def certificate(self, issuer_id: str, certificate_id: str) -> list[Finding]:
        """Check one certificate, its events and leaves alone."""
        return self._certificates.one(issuer_id, certificate_id)

    def _others(self) -> Iterator[str]:
        """Files of the tree that are not the log's; what begins with a dot is the writers' own."""
        root = self._tree.root
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            hidden = path.name.startswith(".")
            if path.is_file() and not hidden and not name.startswith(f"{LOG}/"):
                yield name

    def _other(self, path: str) -> Iterator[Finding]:
        is_status = path.startswith(f"{STATUS}/")
        try:
            yield from (self._status if is_status else self._trust).file(path)
        except PublishingError:
            yield Finding("list_invalid" if is_status else "trust_invalid", path)


def _told(place: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Go on with the rest where the database holds what no check expected."""
    try:
        yield from findings
    except (CertsvcError, DatabaseUnavailable, KeysError, PublishingError, ValueError):
        yield Finding("database_unreadable", place)


def check_backup(path: Path) -> Iterator[Finding]:
    """Read a whole backup through."""
    try:
        archive.check(path)
    except (BackupDamaged, OSError):
        yield Finding("backup_damaged", str(path))
