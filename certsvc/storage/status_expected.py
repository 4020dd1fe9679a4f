"""What readers of the status lists should see by now, for whoever compares."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import carried_status, certificate


@dataclass(frozen=True, slots=True)
class Change:
    """A place whose bits have changed.

    Attributes:
        index: place in the list.
        value: the bits that it has now.
        version: the list's version that first shows them.
        changed_at: Unix seconds; None for a place that was given up before its certificate was
            issued, or carried over by a restore: nobody waits for it.
    """

    index: int
    value: int
    version: int
    changed_at: int | None


def changes_since(
    connection: Connection, issuer_id: str, list_no: int, version: int
) -> Sequence[Change]:
    """Read the places whose bits changed after a version of their list.

    Args:
        connection: An open transaction.
        issuer_id: The issuer.
        list_no: The list.
        version: What is known already; 0 reads everything, what a restore carried over too.
    """
    changed = sa.select(
        certificate.c.list_index,
        certificate.c.status_value,
        certificate.c.list_version,
        certificate.c.status_changed_at,
    ).where(
        certificate.c.issuer_id == issuer_id,
        certificate.c.list_no == list_no,
        sa.text("list_version > 0"),
        certificate.c.list_version > version,
    )
    found = [Change(*row) for row in connection.execute(changed)]
    if version == 0:
        carried = sa.select(carried_status.c.list_index, carried_status.c.status_value).where(
            carried_status.c.issuer_id == issuer_id, carried_status.c.list_no == list_no
        )
        found += [Change(index, value, 0, None) for index, value in connection.execute(carried)]
    return found
