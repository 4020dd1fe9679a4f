"""One order of locks for every transaction, so that none waits for one that waits for it.

1. certificate rows, by issuer and id
2. status list rows, by issuer and number
3. what is inserted: plans, holders, idempotency keys, events, log entries
4. issuer rows (heads of the audit chains), by issuer
5. the journal's head

Only a transaction that changes several certificates needs to lock beforehand; SQLite, where one
transaction writes at a time, locks nothing here.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import certificate, status_list

Key = tuple[str, str]

_CERTIFICATE = sa.tuple_(certificate.c.issuer_id, certificate.c.certificate_id)
_LIST = sa.tuple_(status_list.c.issuer_id, status_list.c.list_no)
_CERTIFICATES = (
    sa.select(certificate.c.issuer_id, certificate.c.list_no)
    .where(_CERTIFICATE.in_(sa.bindparam("b_keys", expanding=True)))
    .order_by(certificate.c.issuer_id, certificate.c.certificate_id)
    .with_for_update()
)
_LISTS = (
    sa.select(status_list.c.list_no)
    .where(_LIST.in_(sa.bindparam("b_keys", expanding=True)))
    .order_by(status_list.c.issuer_id, status_list.c.list_no)
    .with_for_update()
)


def lock_certificates(connection: Connection, keys: Collection[Key], *, lists: bool) -> None:
    """Lock certificates in order until the transaction ends.

    Args:
        connection: A write transaction that holds no lock yet.
        keys: Issuers and ids; those that do not exist lock nothing.
        lists: Whether their status lists will be written too.
    """
    if connection.dialect.name == "sqlite" or not keys:
        return
    found = connection.execute(_CERTIFICATES, {"b_keys": sorted(set(keys))}).all()
    if lists and found:
        named = sorted({(row.issuer_id, row.list_no) for row in found})
        connection.execute(_LISTS, {"b_keys": named}).all()
