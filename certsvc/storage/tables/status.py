"""Status lists and what changed in them."""

import sqlalchemy as sa

from certsvc.storage.tables.schema import issuer_column, metadata

status_list = sa.Table(
    "status_list",
    metadata,
    issuer_column(),
    sa.Column("list_no", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    # Sealed: who knows the key knows in which order the places were given out.
    sa.Column("permutation_key", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("published_version", sa.BigInteger, nullable=False),
    sa.Column("published_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "list_no"),
    sa.CheckConstraint("used BETWEEN 0 AND size", name="used"),
    sa.CheckConstraint("published_version BETWEEN 0 AND version", name="published"),
)

status_event = sa.Table(
    "status_event",
    metadata,
    issuer_column(),
    sa.Column("certificate_id", sa.String(32), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("operation", sa.String(16), nullable=False),
    sa.Column("state_before", sa.String(16), nullable=False),
    sa.Column("state_after", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64)),
    # Sealed: free text by a clerk.
    sa.Column("detail", sa.LargeBinary),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("principal_kind", sa.String(16), nullable=False),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "certificate_id", "seq"),
    sa.ForeignKeyConstraint(
        ["issuer_id", "certificate_id"], ["certificate.issuer_id", "certificate.certificate_id"]
    ),
)

carried_status = sa.Table(
    "carried_status",
    metadata,
    issuer_column(),
    # Bits that were published for places whose certificates a restore lost: shown for ever.
    sa.Column("list_no", sa.BigInteger, nullable=False),
    sa.Column("list_index", sa.BigInteger, nullable=False),
    sa.Column("status_value", sa.SmallInteger, nullable=False),
    sa.Column("carried_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "list_no", "list_index"),
    sa.CheckConstraint("status_value BETWEEN 1 AND 3", name="status_value"),
)
