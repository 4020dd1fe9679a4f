"""The outbox: what the world must still hear of, written in the same transaction as its cause.

Messages of topic `issued` are kept until a transparency log reads them: each is one leaf.
"""

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import outbox

ID_BYTES = 16
# A poison item must not block the rest for ever: afterwards it waits for a person.
MAX_ATTEMPTS = 20


_INSERT = outbox.insert()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message; `payload` is JSON text without personal data."""

    issuer_id: str
    outbox_id: str
    topic: str
    object: str
    payload: str
    created_at: int
    attempts: int


class Outbox:
    """Reads and writes the outbox on one connection.

    Args:
        connection: An open transaction.
        rng: Source of the bytes of new ids.
    """

    def __init__(
        self, connection: Connection, *, rng: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._connection = connection
        self._rng = rng

    def put(
        self,
        issuer_id: str,
        topic: str,
        object_id: str,
        payload: Mapping[str, str | int | None],
        *,
        now: int,
    ) -> None:
        """Add a message."""
        values = {
            "issuer_id": issuer_id,
            "outbox_id": self._rng(ID_BYTES).hex(),
            "topic": topic,
            "object": object_id,
            "payload": json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
            "created_at": now,
            "available_at": now,
            "attempts": 0,
        }
        self._connection.execute(_INSERT, values)

    def take(
        self, topics: Collection[str], *, holder: str, now: int, ttl: int, limit: int
    ) -> Sequence[Item]:
        """Lease the oldest waiting messages; they come back if not done within `ttl` seconds.

        Args:
            topics: What the holder can deal with.
            holder: Name of the worker.
            now: Unix seconds.
            ttl: Length of the lease in seconds.
            limit: Most messages to take.
        """
        query = (
            sa.select(*(outbox.c[name] for name in Item.__slots__))
            .where(
                sa.text("failed_at IS NULL"),
                outbox.c.topic.in_(sorted(topics)),
                outbox.c.available_at <= now,
            )
            .order_by(outbox.c.available_at, outbox.c.created_at, outbox.c.outbox_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        items = [Item(**row) for row in self._connection.execute(query).mappings()]
        for item in items:
            self._connection.execute(
                outbox.update()
                .where(*_where(item))
                .values(holder=holder, available_at=now + ttl, attempts=item.attempts + 1)
            )
        return items

    def done(self, items: Sequence[Item], *, holder: str) -> int:
        """Remove messages that were dealt with.

        Returns:
            How many were still leased to the holder.
        """
        return sum(
            self._connection.execute(
                outbox.delete().where(*_where(item), outbox.c.holder == holder)
            ).rowcount
            for item in items
        )

    def failed(self, item: Item, *, holder: str, error: str, now: int, retry_at: int) -> None:
        """Give a message back, or set it aside after `MAX_ATTEMPTS`.

        Args:
            item: The message as taken.
            holder: Name of the worker that holds it.
            error: A stable error code.
            now: Unix seconds.
            retry_at: When to try again, Unix seconds.
        """
        parked = now if item.attempts + 1 >= MAX_ATTEMPTS else None
        self._connection.execute(
            outbox.update()
            .where(*_where(item), outbox.c.holder == holder)
            .values(holder=None, available_at=retry_at, error=error, failed_at=parked)
        )

    def waiting(self) -> int:
        """Count the messages not yet dealt with, those set aside included."""
        query = sa.select(sa.func.count()).select_from(outbox)
        return int(self._connection.execute(query).scalar_one())


def _where(item: Item) -> tuple[sa.ColumnElement[bool], ...]:
    return outbox.c.issuer_id == item.issuer_id, outbox.c.outbox_id == item.outbox_id
