"""How many certificates each client has planned a day: what a stolen credential can do at most."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import allowance

DAY = 24 * 3600
# Offices and their days are in Asia/Shanghai, which has no summer time.
SHANGHAI = 8 * 3600

_MATCHES = (
    allowance.c.issuer_id == sa.bindparam("b_issuer_id"),
    allowance.c.client_id == sa.bindparam("b_client_id"),
    allowance.c.day == sa.bindparam("b_day"),
)
_TAKE = (
    allowance.update()
    .where(*_MATCHES, allowance.c.used + sa.bindparam("b_count") <= sa.bindparam("b_limit"))
    .values(used=allowance.c.used + sa.bindparam("b_count"))
)
_USED = sa.select(allowance.c.used).where(*_MATCHES)


def day_of(now: int) -> int:
    """Days since 1970-01-01 in Asia/Shanghai at a moment in Unix seconds."""
    return (now + SHANGHAI) // DAY


def seconds_left(now: int) -> int:
    """Seconds until the next day in Asia/Shanghai begins."""
    return DAY - (now + SHANGHAI) % DAY


class Allowances:
    """Counts on one connection; a count is taken in the transaction that records the plans."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, issuer_id: str, client_id: str, *, day: int, count: int, limit: int) -> bool:
        """Count certificates towards a client's day.

        Args:
            issuer_id: The issuer.
            client_id: The client.
            day: Days since 1970-01-01 in Asia/Shanghai.
            count: How many more, at least 1.
            limit: How many a day.

        Returns:
            False where they would go beyond the limit: nothing is counted then.
        """
        key = {"b_issuer_id": issuer_id, "b_client_id": client_id, "b_day": day}
        wanted = {**key, "b_count": count, "b_limit": limit}
        if self._connection.execute(_TAKE, wanted).rowcount:
            return True
        if self._connection.execute(_USED, key).first() is not None:
            return False
        row = {"issuer_id": issuer_id, "client_id": client_id, "day": day, "used": 0}
        try:
            with self._connection.begin_nested():
                self._connection.execute(allowance.insert(), row)
        except sa.exc.IntegrityError:
            pass  # another worker's first of the day: its row serves as well
        return bool(self._connection.execute(_TAKE, wanted).rowcount)

    def used(self, issuer_id: str, client_id: str, *, day: int) -> int:
        """What a client has planned that day."""
        key = {"b_issuer_id": issuer_id, "b_client_id": client_id, "b_day": day}
        row = self._connection.execute(_USED, key).first()
        return 0 if row is None else int(row.used)
