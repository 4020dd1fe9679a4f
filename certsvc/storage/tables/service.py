"""What the service needs for itself: audit trail, leases, the journal's head."""

import sqlalchemy as sa

from certsvc.storage.tables.schema import issuer_column, metadata

audit = sa.Table(
    "audit",
    metadata,
    issuer_column(),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("principal_kind", sa.String(16), nullable=False),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("object", sa.String(128), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("prev_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "seq"),
)

lease = sa.Table(
    "lease",
    metadata,
    # Empty: a lease of the whole service, so no foreign key.
    sa.Column("issuer_id", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("holder", sa.String(64), nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "name"),
)

journal_head = sa.Table(
    "journal_head",
    metadata,
    # Empty: one journal tells of the whole database.
    sa.Column("issuer_id", sa.String(64), nullable=False),
    # Raised by every recovery: what an earlier life of the database wrote is told apart.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    # Random names of the last journaled transaction and the one before: records form a chain.
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("previous", sa.String(32), nullable=False),
    # Set by a restore, cleared by the recovery that must follow it.
    sa.Column("restored_at", sa.BigInteger),
    sa.PrimaryKeyConstraint("issuer_id"),
)
