"""Who acts: issuers, their clients, what these may do, what waits, which keys are listed."""

import sqlalchemy as sa

from certsvc.storage.tables.schema import issuer_column, metadata

issuer = sa.Table(
    "issuer",
    metadata,
    sa.Column("issuer_id", sa.String(64), nullable=False),
    sa.Column("uscc", sa.String(18), nullable=False),
    # The trust record as JSON: public data.
    sa.Column("record", sa.Text, nullable=False),
    # Head of the audit chain: a deleted last row shows as well.
    sa.Column("audit_seq", sa.BigInteger, nullable=False),
    sa.Column("audit_hash", sa.String(64), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id"),
    sa.UniqueConstraint("uscc"),
)

client = sa.Table(
    "client",
    metadata,
    issuer_column(),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
    # JSON list of type names it may issue, and certificates a day; NULL: not limited.
    sa.Column("types", sa.Text),
    sa.Column("daily_limit", sa.BigInteger),
    sa.PrimaryKeyConstraint("issuer_id", "client_id"),
    # Basic authentication names no issuer, so the client must be found by its name alone.
    sa.UniqueConstraint("client_id"),
)

allowance = sa.Table(
    "allowance",
    metadata,
    issuer_column(),
    sa.Column("client_id", sa.String(64), nullable=False),
    # Days since 1970-01-01 in Asia/Shanghai, and what was planned that day.
    sa.Column("day", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "client_id", "day"),
)

approval = sa.Table(
    "approval",
    metadata,
    issuer_column(),
    sa.Column("approval_id", sa.String(32), nullable=False),
    # The request that waits: whose it is, and its Idempotency-Key.
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("route", sa.String(64), nullable=False),
    sa.Column("key_hash", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    # Sealed: what the second person reads.
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("decided_by", sa.String(64)),
    sa.PrimaryKeyConstraint("issuer_id", "approval_id"),
    sa.UniqueConstraint("issuer_id", "client_id", "route", "key_hash"),
    sa.CheckConstraint("state IN ('waiting', 'approved', 'refused')", name="state"),
    # Nobody is the second person of an own request, whatever a program forgot to ask.
    sa.CheckConstraint("decided_by IS NULL OR decided_by <> client_id", name="second_person"),
)

key_listing = sa.Table(
    "key_listing",
    metadata,
    issuer_column(),
    # A key that the issuer's published trust record lists, its log's keys among them.
    sa.Column("kid", sa.String(64), nullable=False),
    # Since when readers can see it there, or later; never earlier.
    sa.Column("listed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "kid"),
)
