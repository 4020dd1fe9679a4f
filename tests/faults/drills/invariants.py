"""What must hold after every fault: for readers, in the database, and between the two."""

import re
from dataclasses import dataclass, field
from typing import Any

from certsvc.checking.fsck import Fsck
from certsvc.publishing.log_files import LogFiles
from certsvc.publishing.log_signing import LogSigner, log_origin
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.service.settings import Settings
from certsvc.storage.audit import Audit
from certsvc_sdk import statuslist
from certsvc_sdk.log import merkle
from certsvc_sdk.log.tiles import bundles, unpack_entries
from certsvc_sdk.statuslist import INVALID, SUPERSEDED, SUSPENDED, VALID
from drills.world import MARKET, Life

NOT_ZERO = re.compile(rb"[^\0]")
SHOWN = {"valid": VALID, "suspended": SUSPENDED, "revoked": INVALID, "superseded": SUPERSEDED}


@dataclass
class Reader:
    """Sees what verifiers see, and remembers it: nothing may ever be taken back.

    Attributes:
        bits: places of the first list that are not 0, at the last look.
        size: leaves of the log at the last look.
    """

    settings: Settings
    bits: dict[int, int] = field(default_factory=dict)
    version: int = 0
    size: int = 0
    root: bytes = b""
    gone: dict[int, int] = field(default_factory=dict)

    @property
    def tree(self) -> PublishedTree:
        return PublishedTree(self.settings.published)

    def look(self, keys: Any) -> None:
        """Read list and log, and hold them against what was seen before."""
        token = statuslist.read((self.tree.read(f"status/{MARKET}/1") or b"").decode())
        packed, version = token.bits(), token.version or 0
        assert version >= self.version, "the list went back"
        near = (4 * found.start() + i for found in NOT_ZERO.finditer(packed.data) for i in range(4))
        self.bits = {i: packed.get(i) for i in near if packed.get(i)}
        assert self.gone.items() <= self.bits.items(), "a revocation vanished"
        self.gone = {i: value for i, value in self.bits.items() if value != SUSPENDED}
        self.version = version
        self._look_at_log(keys)

    def _look_at_log(self, keys: Any) -> None:
        files, origin = LogFiles(self.tree), log_origin(self.settings.public_url)
        checkpoint = LogSigner(keys, origin=origin).view().open(files.checkpoint()).checkpoint
        assert checkpoint.size >= self.size, "the log went back"
        tree, before = merkle.Frontier(), merkle.Frontier()
        number = 0
        for bundle in bundles(0, checkpoint.size):
            for leaf in unpack_entries(files.read(bundle), bundle.width):
                tree.append(merkle.leaf_hash(leaf))
                if number < self.size:
                    before.append(merkle.leaf_hash(leaf))
                number += 1
        assert tree.root() == checkpoint.root
        assert self.size == 0 or before.root() == self.root, "the log forked"
        self.size, self.root = checkpoint.size, checkpoint.root


def rows(one: Life, query: str) -> list[Any]:
    with reading(one.engine) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def places(one: Life) -> dict[str, int]:
    """Each certificate's place in the first list."""
    query = "SELECT certificate_id, list_index FROM certificate WHERE list_no = 1"
    return dict(rows(one, query))


def hold(one: Life, reader: Reader, states: dict[str, str], *, settled: bool = True) -> None:
    """Hold database and published tree to what was acknowledged.

    Args:
        one: a life that has swept and published.
        reader: what readers have seen so far.
        states: acknowledged certificates with their acknowledged states; these and no others.
        settled: whether everything was published.
    """
    found = dict(rows(one, "SELECT certificate_id, state FROM certificate"))
    assert found == states
    identifiers = "SELECT count(*), count(DISTINCT certificate_identifier) FROM certificate"
    total = len(states)
    assert rows(one, identifiers) == [(total, total)]
    taken = rows(one, "SELECT issuer_id, list_no, list_index FROM certificate")
    assert len(set(taken)) == total
    answered = "SELECT count(*) FROM idempotency WHERE answer IS NULL"
    assert rows(one, answered) == [(0,)]
    leaves = dict(rows(one, "SELECT seq > 0, count(*) FROM log_entry GROUP BY seq > 0"))
    events = rows(one, "SELECT count(*) FROM status_event")[0][0]
    assert (leaves.get(0, 0), leaves.get(1, 0)) == (total, events)
    with reading(one.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None
    reader.look(one.keys)
    if settled:
        where = places(one)
        shown = {where[i]: SHOWN[state] for i, state in states.items() if i in where}
        assert reader.bits == {place: value for place, value in shown.items() if value}
        assert reader.size == total + events


def sound(one: Life) -> None:
    """Everything that can be derived is as it was written (`certsvc fsck`)."""
    tree = PublishedTree(one.settings.published)
    check = Fsck(one.engine, one.keys, tree, public_url=one.settings.public_url)
    assert list(check.run(lambda _: None)) == []
