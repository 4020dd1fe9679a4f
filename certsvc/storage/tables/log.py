"""The transparency log: entries and their places."""

import sqlalchemy as sa

from certsvc.storage.tables.schema import issuer_column, metadata

log_entry = sa.Table(
    "log_entry",
    metadata,
    issuer_column(),
    # One row an event: 0 is the issue, then the certificate's status events by their numbers.
    sa.Column("certificate_id", sa.String(32), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    # Exact bytes of the leaf, canonical JSON without personal data, and their leaf hash.
    sa.Column("leaf", sa.Text, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # Its place for ever, given by the sequencer; until then the row waits.
    sa.Column("log_index", sa.BigInteger),
    sa.PrimaryKeyConstraint("issuer_id", "certificate_id", "seq"),
)

sa.Index(
    "ix_log_entry_waiting",
    log_entry.c.created_at,
    sqlite_where=sa.text("log_index IS NULL"),
    postgresql_where=sa.text("log_index IS NULL"),
)

sa.Index("ix_log_entry_log_index", log_entry.c.log_index)

sa.Index("ix_log_entry_leaf_hash", log_entry.c.leaf_hash)

log_head = sa.Table(
    "log_head",
    metadata,
    # Empty: one log serves the whole service, so no foreign key.
    sa.Column("issuer_id", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(200), nullable=False),
    # How many leaves have a place, and how many of them the published checkpoint covers.
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("published_size", sa.BigInteger, nullable=False),
    sa.Column("published_at", sa.BigInteger),
    sa.PrimaryKeyConstraint("issuer_id", "origin"),
    sa.CheckConstraint("published_size BETWEEN 0 AND size", name="published"),
)
