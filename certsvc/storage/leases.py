"""Leases with fencing numbers: one worker at a time publishes, and a late one is told apart."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import lease

# A lease of the whole service, not of one issuer.
WHOLE_SERVICE = ""
#: The lease of who publishes.
PUBLISHER = "publisher"

# Built once: a worker asks it many times a second.
_HOLDS = sa.select(lease.c.fence).where(
    lease.c.issuer_id == sa.bindparam("b_issuer_id"),
    lease.c.name == sa.bindparam("b_name"),
    lease.c.holder == sa.bindparam("b_holder"),
    lease.c.fence == sa.bindparam("b_fence"),
    lease.c.expires_at > sa.bindparam("b_now"),
)


class Leases:
    """Reads and writes leases on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def acquire(
        self, name: str, holder: str, now: int, ttl: int, *, issuer_id: str = WHOLE_SERVICE
    ) -> int | None:
        """Take or renew a lease.

        Args:
            name: What is leased, such as `publisher`.
            holder: Name of the worker.
            now: Unix seconds.
            ttl: Length of the lease in seconds.
            issuer_id: Limits the lease to one issuer.

        Returns:
            The fencing number, larger at every change of hands; `None`: somebody else holds it.
        """
        key = (lease.c.issuer_id == issuer_id, lease.c.name == name)
        changed_hands = sa.case((lease.c.holder == holder, 0), else_=1)
        fence = self._connection.execute(
            lease.update()
            .where(
                *key,
                sa.or_(
                    lease.c.holder == holder,
                    lease.c.expires_at <= now,
                    # Given by a clock that was far ahead: nobody waits until that time comes again.
                    # One that is a little ahead, or a caller that waited for the lock, takes none.
                    lease.c.expires_at > now + 2 * ttl,
                ),
            )
            .values(holder=holder, expires_at=now + ttl, fence=lease.c.fence + changed_hands)
            .returning(lease.c.fence)
        ).scalar()
        if fence is not None:
            return int(fence)
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    lease.insert().values(
                        issuer_id=issuer_id,
                        name=name,
                        holder=holder,
                        fence=1,
                        expires_at=now + ttl,
                    )
                )
        except sa.exc.IntegrityError:
            return None
        return 1

    def raise_fences(self, highest: int) -> None:
        """Take every lease back; whoever gets `PUBLISHER` next comes after `highest`.

        Args:
            highest: the highest fencing number that was seen outside of the database.
        """
        key = {"issuer_id": WHOLE_SERVICE, "name": PUBLISHER}
        query = sa.select(lease.c.fence).filter_by(**key)
        if self._connection.execute(query).scalar() is None:
            first = {"holder": "", "fence": highest, "expires_at": 0}
            self._connection.execute(lease.insert().values(**key, **first))
        self._connection.execute(
            lease.update().where(lease.c.fence < highest).values(fence=highest)
        )
        self._connection.execute(lease.update().values(holder="", expires_at=0))

    def holds(
        self, name: str, holder: str, fence: int, now: int, *, issuer_id: str = WHOLE_SERVICE
    ) -> bool:
        """Say whether a lease is still in this hand: asked again right before a pointer moves."""
        asked = {
            "b_issuer_id": issuer_id,
            "b_name": name,
            "b_holder": holder,
            "b_fence": fence,
            "b_now": now,
        }
        return self._connection.execute(_HOLDS, asked).scalar() is not None

    def release(self, name: str, holder: str, *, issuer_id: str = WHOLE_SERVICE) -> None:
        """Give a lease back; the row stays, so that fencing numbers never repeat."""
        self._connection.execute(
            lease.update()
            .where(lease.c.issuer_id == issuer_id, lease.c.name == name, lease.c.holder == holder)
            .values(expires_at=0, holder="")
        )
