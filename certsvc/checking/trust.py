"""The trust repository, type metadata and issuers' keys as published."""

import hashlib
import re
from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Engine

from certsvc.catalogue import Catalogue
from certsvc.checking.finding import Finding
from certsvc.checking.trust_signatures import RoleSignatures
from certsvc.publishing.metadata import WELL_KNOWN, issuer_metadata
from certsvc.publishing.roles import METADATA_FOLDER, TARGET_FOLDER
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.storage.issuers import Issuers
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.strict import dumps
from certsvc_sdk.trust.record import IssuerRecord, parse_record

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
        self._signatures = RoleSignatures(tree)
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
            if not self._signatures.are_good(path, data):
                yield Finding("trust_invalid", path)
        else:
            yield Finding("file_unexpected", path)


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
