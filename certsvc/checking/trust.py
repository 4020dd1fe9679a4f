"""The trust repository, type metadata and issuers' keys as published."""

import hashlib
import re
from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Engine
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets

from certsvc.catalogue import Catalogue
from certsvc.checking.finding import Finding
from certsvc.publishing.errors import PublishingError
from certsvc.publishing.metadata import WELL_KNOWN, issuer_metadata
from certsvc.publishing.roles import METADATA_FOLDER, TARGET_FOLDER, RoleFiles
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.storage.issuers import Issuers
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.strict import dumps
from certsvc_sdk.trust.record import IssuerRecord, parse_record

_ROLE = re.compile(r"(?:[0-9]+\.)?([A-Za-z0-9_-]+)\.json")
_TARGET = re.compile(r"(?:.*/)?([0-9a-f]{64})\.[^/]+")


class TrustCheck:
    """Checks one file at a time; what is derived is derived once.

    Args:
        tree: the published tree.
        engine: the issuer's database.
        catalogue: the certificate types.
        base_url: the published tree's own address, ends in `/`.
    """

    def __init__(
        self, tree: PublishedTree, engine: Engine, catalogue: Catalogue, *, base_url: str
    ) -> None:
        self._tree = tree
        self._unreadable: list[Finding] = []
        records = list(self._records(engine))
        self._expected = dict(_metadata(records, catalogue, base_url))

    def missing(self) -> Iterator[Finding]:
        """Metadata that should be published and is not, and records it cannot be made from."""
        yield from self._unreadable
        for path in self._expected:
            if not self._tree.exists(path):
                yield Finding("metadata_differs", path)

    def _records(self, engine: Engine) -> Iterator[IssuerRecord]:
        with reading(engine) as connection:
            rows = Issuers(connection).all()
        for row in rows:
            try:
                yield parse_record(row.record.encode())
            except CertsvcError:
                self._unreadable.append(Finding("database_unreadable", f"issuer {row.issuer_id}"))

    def file(self, path: str) -> Iterator[Finding]:
        """Check one file."""
        data = self._tree.read(path) or b""
        if path in self._expected:
            if data != self._expected[path]:
                yield Finding("metadata_differs", path)
        elif path.startswith(f"{TARGET_FOLDER}/"):
            name = _TARGET.fullmatch(path)
            if name is None or hashlib.sha256(data).hexdigest() != name[1]:
                yield Finding("trust_invalid", path)
        elif path.startswith(f"{METADATA_FOLDER}/"):
            if not self._is_signed(path, data):
                yield Finding("trust_invalid", path)
        else:
            yield Finding("file_unexpected", path)

    def _is_signed(self, path: str, data: bytes) -> bool:
        """Whether the role's own file says what its keys signed, in the bytes we write."""
        name = _ROLE.fullmatch(path.rpartition("/")[2])
        if name is None:
            return False
        files = RoleFiles(self._tree)
        try:
            metadata: Metadata[Root] = Metadata.from_bytes(data)
            if metadata.to_bytes() != data or not _is_lower_case(metadata):
                return False
            root = files.root()
            if name[1] in root.roles:
                # Roots before the newest were signed by keys that may be gone: by their own, then.
                signed = metadata.signed
                by = signed if isinstance(signed, Root) else root
                by.verify_delegate(name[1], metadata.signed_bytes, metadata.signatures)
                return True
            targets = files.targets(files.snapshot(files.timestamp()), Targets.type)
            if targets is None:
                return False
            targets.verify_delegate(name[1], metadata.signed_bytes, metadata.signatures)
        except (RepositoryError, PublishingError, ValueError):
            return False
        return True


def _is_lower_case(metadata: Metadata[Root]) -> bool:
    # Hexadecimal digits read the same in both cases, so a changed bit would go unseen.
    texts = (one.signature + one.keyid for one in metadata.signatures.values())
    return all(text == text.lower() for text in texts)


def _metadata(
    records: Sequence[IssuerRecord], catalogue: Catalogue, base_url: str
) -> Iterator[tuple[str, bytes]]:
    for name in catalogue.names():
        for version in catalogue.versions(name):
            kind = catalogue.get(name, version)
            yield f"vct/{name}/{version}", kind.metadata_document(kind.vct(base_url))
    for record in records:
        place = f"{WELL_KNOWN}/{record.iss.removeprefix(base_url)}"
        yield place, dumps(issuer_metadata(record))
