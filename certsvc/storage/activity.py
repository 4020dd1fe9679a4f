"""What clients have issued, hour by hour, read from the audit trail in its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import audit, certificate, issuer

HOUR = 3600
#: The act that each certificate begins with; who asks is its principal.
PLAN = "certificate.plan"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many certificates of a type a client had planned in one hour, counted since 1970."""

    client_id: str
    type: str
    hour: int
    count: int


class Activity:
    """Reads the trail on one connection; each look costs what is new."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def heads(self) -> Mapping[str, int]:
        """The number of each issuer's newest row."""
        query = sa.select(issuer.c.issuer_id, issuer.c.audit_seq)
        return {row[0]: int(row[1]) for row in self._connection.execute(query)}

    def first_since(self, issuer_id: str, moment: int, *, head: int) -> int:
        """The number of the last row before a moment; rows stand almost in the order of times.

        Args:
            issuer_id: The issuer.
            moment: Unix seconds.
            head: Number of the newest row.
        """
        low, high = 0, head
        while low < high:
            middle = (low + high + 1) // 2
            query = sa.select(audit.c.at).where(
                audit.c.issuer_id == issuer_id, audit.c.seq == middle
            )
            at = self._connection.execute(query).scalar()
            if at is not None and at < moment:
                low = middle
            else:
                high = middle - 1
        return low

    def tallies(self, issuer_id: str, *, after: int, end: int) -> Sequence[Tally]:
        """Count the plans among the rows (`after`, `end`], by client, type and hour."""
        # Not a division: the two databases round it in different ways.
        hour = (audit.c.at - audit.c.at % HOUR).label("hour")
        group = (audit.c.client_id, certificate.c.type, hour)
        query = (
            sa.select(*group, sa.func.count())
            .join(
                certificate,
                sa.and_(
                    certificate.c.issuer_id == audit.c.issuer_id,
                    certificate.c.certificate_id == audit.c.object,
                ),
            )
            .where(
                audit.c.issuer_id == issuer_id,
                audit.c.seq > after,
                audit.c.seq <= end,
                audit.c.action == PLAN,
            )
            .group_by(*group)
        )
        rows = self._connection.execute(query)
        return [Tally(row[0], row[1], int(row[2]) // HOUR, int(row[3])) for row in rows]
