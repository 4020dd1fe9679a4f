"""Status lists: giving places out, and the bits that the publisher shows (wire formats, Status)."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.errors import StatusListUnknown, StatusListUnpublished
from certsvc.storage.permutation import KEY_BYTES, permute
from certsvc.storage.sealing import Sealing
from certsvc.storage.status_rows import ListInfo, Place
from certsvc.storage.tables import carried_status, certificate, status_list
from certsvc_sdk.statuslist import MutableStatusBits, StatusBits

# At least 100,000, so that fetching a list does not tell which certificate is looked at (T43).
LIST_SIZE = 131_072
BITS = 2
# From here on the next list is prepared, long before the first place of it is needed.
PREPARE_NEXT_AT = 0.8
# Rows of the whole list that are in memory at a time.
ROWS_AT_ONCE = 10_000
# While places are taken, lists fill up and others open: each look sees the newest state.
_LOOKS = 3

_MARKED = sa.select(certificate.c.list_index, certificate.c.status_value)

_OPEN_LIST = (
    sa.select(sa.func.min(status_list.c.list_no))
    .where(
        status_list.c.issuer_id == sa.bindparam("b_issuer_id"),
        status_list.c.used < status_list.c.size,
        status_list.c.published_version >= 1,
    )
    .scalar_subquery()
)
_ANY_OPEN = sa.select(_OPEN_LIST)
_COUNT = sa.bindparam("b_count", type_=sa.BigInteger)
_TAKE_PLACE = (
    status_list.update()
    .where(
        status_list.c.issuer_id == sa.bindparam("b_issuer_id"),
        status_list.c.list_no == _OPEN_LIST,
        # Checked again under the row's lock: another worker may have taken the last one.
        status_list.c.used + _COUNT <= status_list.c.size,
    )
    .values(used=status_list.c.used + _COUNT)
    .returning(
        status_list.c.list_no,
        status_list.c.used,
        status_list.c.size,
        status_list.c.permutation_key,
    )
)


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
        return self.allocate_many(sealing, 1, now=now)[0]

    def allocate_many(self, sealing: Sealing, count: int, *, now: int) -> list[Place]:
        """Give places of one list out.

        Args:
            sealing: The issuer's sealing.
            count: How many.
            now: Unix seconds.

        Raises:
            StatusListUnpublished: The open list, if there is one, has not so many free places.
        """
        row = self._take_places(sealing.issuer_id, count)
        name = _row_name(row.list_no)
        key = sealing.open(row.permutation_key, row=name, column="permutation_key")
        if row.used - count < int(row.size * PREPARE_NEXT_AT) <= row.used:
            self.ensure_open(sealing, now=now)
        return [
            Place(row.list_no, permute(number, size=row.size, key=key))
            for number in range(row.used - count, row.used)
        ]

    def _take_places(self, issuer_id: str, count: int) -> sa.Row[tuple[int, int, int, bytes]]:
        wanted = {"b_issuer_id": issuer_id, "b_count": count}
        for _ in range(_LOOKS):
            row = self._connection.execute(_TAKE_PLACE, wanted).first()
            if row is not None:
                return row
            # Others took its last places while this one waited for the row: the next is open.
            if self._connection.execute(_ANY_OPEN, {"b_issuer_id": issuer_id}).scalar() is None:
                break
        raise StatusListUnpublished("no published status list has a free place")

    def check_seals(self, sealing: Sealing) -> None:
        """Open what every list of an issuer has sealed; a recovered list without a key has nothing.

        Raises:
            KeysError: Another key store has sealed it.
        """
        query = sa.select(status_list.c.list_no, status_list.c.permutation_key).where(
            status_list.c.issuer_id == sealing.issuer_id, status_list.c.permutation_key != b""
        )
        for list_no, key in self._connection.execute(query):
            sealing.open(key, row=_row_name(list_no), column="permutation_key")

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
        """Read the whole list and the version that it belongs to, in one read transaction.

        Raises:
            StatusListUnknown: There is no such list.
        """
        found = self.one(issuer_id, list_no)
        marked = _MARKED.where(
            certificate.c.issuer_id == issuer_id,
            certificate.c.list_no == list_no,
            sa.text("status_value > 0"),
        )
        bits = MutableStatusBits(found.size, bits=BITS)
        bits.fill(self._pairs(marked))
        # What a restored database only knows because it was published; it has no certificate.
        carried = sa.select(carried_status.c.list_index, carried_status.c.status_value).where(
            carried_status.c.issuer_id == issuer_id, carried_status.c.list_no == list_no
        )
        bits.fill(self._pairs(carried))
        return bits.freeze(), found.version

    def changes(
        self, issuer_id: str, list_no: int, *, since: int
    ) -> tuple[Sequence[tuple[int, int]], int]:
        """Read what changed after a version, in one read transaction.

        A change and the version that first shows it are committed together, and versions in
        their order, since the row of the list is locked: nothing can be missing in between.

        Args:
            issuer_id: The issuer.
            list_no: The list.
            since: The version that is known already.

        Returns:
            Indexes with their present values, and the version that these belong to.

        Raises:
            StatusListUnknown: There is no such list.
        """
        found = self.one(issuer_id, list_no)
        changed = _MARKED.where(
            certificate.c.issuer_id == issuer_id,
            certificate.c.list_no == list_no,
            # Said twice: the databases use the small index only if they read its condition.
            sa.text("list_version > 0"),
            certificate.c.list_version > since,
        )
        return list(self._pairs(changed)), found.version

    def _pairs(self, query: sa.Select[int, int]) -> Iterator[tuple[int, int]]:
        # In portions: a list of millions must not be twice in memory, as rows and as bits.
        found = self._connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
        return ((int(index), int(value)) for index, value in found)

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

    def one(self, issuer_id: str, list_no: int) -> ListInfo:
        """Read one list.

        Raises:
            StatusListUnknown: There is no such list.
        """
        for found in self._select(
            sa.and_(status_list.c.issuer_id == issuer_id, status_list.c.list_no == list_no)
        ):
            return found
        raise StatusListUnknown(f"the issuer has no status list {list_no}")

    def published(self) -> Sequence[ListInfo]:
        """List what readers can see, of all issuers."""
        return self._select(status_list.c.published_version >= 1)

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

    def nearly_full(self) -> Sequence[str]:
        """Find the issuers whose newest list is so full that the next one is needed soon."""
        newest = sa.select(status_list.c.issuer_id).group_by(status_list.c.issuer_id)
        roomy = status_list.c.used < status_list.c.size * PREPARE_NEXT_AT
        open_lists = sa.func.sum(sa.case((roomy, 1), else_=0))
        return list(self._connection.execute(newest.having(open_lists == 0)).scalars())

    def _select(self, condition: sa.ColumnElement[bool]) -> Sequence[ListInfo]:
        query = (
            sa.select(*(status_list.c[name] for name in ListInfo.__slots__))
            .where(condition)
            .order_by(status_list.c.issuer_id, status_list.c.list_no)
        )
        return [ListInfo(**row) for row in self._connection.execute(query).mappings()]


def _row_name(list_no: int) -> str:
    return f"status-list-{list_no}"
