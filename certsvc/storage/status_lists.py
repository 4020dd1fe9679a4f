"""Status lists: giving places out, and the bits that the publisher shows (wire formats, Status)."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.errors import StatusListUnknown, StatusListUnpublished
from certsvc.storage.permutation import KEY_BYTES, permute
from certsvc.storage.sealing import Sealing
from certsvc.storage.tables import certificate, status_list
from certsvc_sdk.statuslist import MutableStatusBits, StatusBits

# At least 100,000, so that fetching a list does not tell which certificate is looked at (T43).
LIST_SIZE = 131_072
BITS = 2
# From here on the next list is prepared, long before the first place of it is needed.
PREPARE_NEXT_AT = 0.8


_OPEN_LIST = (
    sa.select(sa.func.min(status_list.c.list_no))
    .where(
        status_list.c.issuer_id == sa.bindparam("b_issuer_id"),
        status_list.c.used < status_list.c.size,
        status_list.c.published_version >= 1,
    )
    .scalar_subquery()
)
_TAKE_PLACE = (
    status_list.update()
    .where(
        status_list.c.issuer_id == sa.bindparam("b_issuer_id"),
        status_list.c.list_no == _OPEN_LIST,
        # Checked again under the row's lock: another worker may have taken the last one.
        status_list.c.used < status_list.c.size,
    )
    .values(used=status_list.c.used + 1)
    .returning(
        status_list.c.list_no,
        status_list.c.used,
        status_list.c.size,
        status_list.c.permutation_key,
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a status list, never given out twice."""

    list_no: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInfo:
    """How far a list is used and published. Times are Unix seconds."""

    issuer_id: str
    list_no: int
    size: int
    used: int
    version: int
    published_version: int
    published_at: int | None


class StatusLists:
    """Reads and writes status lists on one connection.

    Args:
        connection: An open transaction.
        rng: Source of secret bytes.
        size: Places in a new list.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        rng: Callable[[int], bytes] = secrets.token_bytes,
        size: int = LIST_SIZE,
    ) -> None:
        self._connection = connection
        self._rng = rng
        self._size = size

    def ensure_open(self, sealing: Sealing, *, now: int) -> ListInfo:
        """Make sure that there is a list with free places, published or waiting to be.

        Args:
            sealing: The issuer's sealing.
            now: Unix seconds.

        Returns:
            The newest list. If its `published_version` is 0, the publisher must publish it
            before places are given out.
        """
        lists = self.all(sealing.issuer_id)
        if lists and lists[-1].used < int(lists[-1].size * PREPARE_NEXT_AT):
            return lists[-1]
        list_no = lists[-1].list_no + 1 if lists else 1
        key = sealing.seal(self._rng(KEY_BYTES), row=_row_name(list_no), column="permutation_key")
        # Another worker may just have made the same list: then that one serves.
        with suppress(sa.exc.IntegrityError), self._connection.begin_nested():
            self._connection.execute(
                status_list.insert().values(
                    issuer_id=sealing.issuer_id,
                    list_no=list_no,
                    size=self._size,
                    used=0,
                    permutation_key=key,
                    version=1,
                    published_version=0,
                    created_at=now,
                )
            )
        return self.all(sealing.issuer_id)[-1]

    def allocate(self, sealing: Sealing, *, now: int) -> Place:
        """Give a place out, and prepare the next list in good time.

        Args:
            sealing: The issuer's sealing.
            now: Unix seconds.

        Raises:
            StatusListUnpublished: No published list has a free place.
        """
        row = self._connection.execute(_TAKE_PLACE, {"b_issuer_id": sealing.issuer_id}).first()
        if row is None:
            raise StatusListUnpublished("no published status list has a free place")
        key = sealing.open(
            row.permutation_key, row=_row_name(row.list_no), column="permutation_key"
        )
        if row.used == int(row.size * PREPARE_NEXT_AT):
            self.ensure_open(sealing, now=now)
        return Place(row.list_no, permute(row.used - 1, size=row.size, key=key))

    def request_publication(self, issuer_id: str, list_no: int) -> int:
        """Say that a list's bits have changed.

        Returns:
            The version that will show the change.
        """
        version = self._connection.execute(
            status_list.update()
            .where(status_list.c.issuer_id == issuer_id, status_list.c.list_no == list_no)
            .values(version=status_list.c.version + 1)
            .returning(status_list.c.version)
        ).scalar_one()
        return int(version)

    def snapshot(self, issuer_id: str, list_no: int) -> tuple[StatusBits, int]:
        """Read the bits and the version that they belong to, in one transaction.

        Raises:
            StatusListUnknown: There is no such list.
        """
        row = self._connection.execute(
            sa.select(status_list.c.size, status_list.c.version).where(
                status_list.c.issuer_id == issuer_id, status_list.c.list_no == list_no
            )
        ).first()
        if row is None:
            raise StatusListUnknown(f"the issuer has no status list {list_no}")
        bits = MutableStatusBits(row.size, bits=BITS)
        marked = sa.select(certificate.c.list_index, certificate.c.status_value).where(
            certificate.c.issuer_id == issuer_id,
            certificate.c.list_no == list_no,
            sa.text("status_value > 0"),
        )
        for index, value in self._connection.execute(marked):
            bits.set(index, value)
        return bits.freeze(), int(row.version)

    def mark_published(self, issuer_id: str, list_no: int, version: int, *, now: int) -> None:
        """Record that a version stands in the published tree; an older one changes nothing."""
        self._connection.execute(
            status_list.update()
            .where(
                status_list.c.issuer_id == issuer_id,
                status_list.c.list_no == list_no,
                status_list.c.published_version <= version,
                status_list.c.version >= version,
            )
            .values(published_version=version, published_at=now)
        )

    def all(self, issuer_id: str) -> Sequence[ListInfo]:
        """List an issuer's lists in order."""
        return self._select(status_list.c.issuer_id == issuer_id)

    def due(self, *, refresh_before: int, now: int) -> Sequence[ListInfo]:
        """List what the publisher must publish.

        Args:
            refresh_before: Lists last published before this time are due even unchanged.
            now: Unix seconds; what a clock that was ahead has published is due too.
        """
        return self._select(
            sa.or_(
                status_list.c.published_version < status_list.c.version,
                status_list.c.published_at < refresh_before,
                status_list.c.published_at > now,
            )
        )

    def _select(self, condition: sa.ColumnElement[bool]) -> Sequence[ListInfo]:
        query = (
            sa.select(*(status_list.c[name] for name in ListInfo.__slots__))
            .where(condition)
            .order_by(status_list.c.issuer_id, status_list.c.list_no)
        )
        return [ListInfo(**row) for row in self._connection.execute(query).mappings()]


def _row_name(list_no: int) -> str:
    return f"status-list-{list_no}"
