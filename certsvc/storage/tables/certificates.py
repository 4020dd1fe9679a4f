"""Certificates, their holders, and the requests that made them."""

import sqlalchemy as sa

from certsvc.storage.tables.schema import issuer_column, metadata

certificate = sa.Table(
    "certificate",
    metadata,
    issuer_column(),
    sa.Column("certificate_id", sa.String(32), nullable=False),
    sa.Column("certificate_identifier", sa.String(96), nullable=False),
    sa.Column("serial", sa.String(32), nullable=False),
    sa.Column("version_no", sa.SmallInteger, nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("type_version", sa.Integer, nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    # The two bits of the status list: 0 valid, 1 revoked, 2 suspended, 3 superseded.
    sa.Column("status_value", sa.SmallInteger, nullable=False),
    sa.Column("status_seq", sa.BigInteger, nullable=False),
    sa.Column("status_reason", sa.String(64)),
    sa.Column("status_changed_at", sa.BigInteger),
    sa.Column("list_no", sa.BigInteger, nullable=False),
    sa.Column("list_index", sa.BigInteger, nullable=False),
    # The version of the list that first shows the present bits; 0: they never changed.
    sa.Column("list_version", sa.BigInteger, nullable=False),
    sa.Column("kid", sa.String(64), nullable=False),
    sa.Column("iat", sa.BigInteger, nullable=False),
    sa.Column("nbf", sa.BigInteger),
    sa.Column("exp", sa.BigInteger),
    sa.Column("plan_no", sa.BigInteger, nullable=False),
    sa.Column("planned_at", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.SmallInteger, nullable=False),
    sa.Column("issued_at", sa.BigInteger),
    sa.Column("supersedes_id", sa.String(32)),
    sa.Column("superseded_by_id", sa.String(32)),
    # Sealed: what will be signed, while planned; the token, its seed and QR text afterwards.
    sa.Column("plan", sa.LargeBinary),
    sa.Column("credential", sa.LargeBinary),
    # Keyed hash of the typed code; NULL until the worker wrote it for a row of an older program.
    sa.Column("code_lookup", sa.LargeBinary(16)),
    sa.PrimaryKeyConstraint("issuer_id", "certificate_id"),
    sa.UniqueConstraint("issuer_id", "certificate_identifier"),
    sa.UniqueConstraint("issuer_id", "serial", "version_no"),
    sa.UniqueConstraint("issuer_id", "list_no", "list_index"),
    sa.CheckConstraint(
        "state IN ('planned', 'abandoned', 'valid', 'suspended', 'revoked', 'superseded')",
        name="state",
    ),
    sa.CheckConstraint("status_value BETWEEN 0 AND 3", name="status_value"),
    sa.CheckConstraint("(plan IS NULL) = (state <> 'planned')", name="plan"),
    sa.CheckConstraint(
        "(credential IS NULL) = (state IN ('planned', 'abandoned'))", name="credential"
    ),
)

sa.Index(
    "ix_certificate_planned",
    certificate.c.planned_at,
    sqlite_where=sa.text("state = 'planned'"),
    postgresql_where=sa.text("state = 'planned'"),
)

# What a status list must show: as small as the number of certificates out of force.
sa.Index(
    "ix_certificate_status",
    certificate.c.issuer_id,
    certificate.c.list_no,
    certificate.c.list_index,
    certificate.c.status_value,
    sqlite_where=sa.text("status_value > 0"),
    postgresql_where=sa.text("status_value > 0"),
)

# What a key signed. The state stays out of it: each issue would move an entry.
sa.Index("ix_certificate_kid", certificate.c.issuer_id, certificate.c.kid)

# What changed since a version of a list: the publisher need not read the whole list again.
sa.Index(
    "ix_certificate_list_version",
    certificate.c.issuer_id,
    certificate.c.list_no,
    certificate.c.list_version,
    sqlite_where=sa.text("list_version > 0"),
    postgresql_where=sa.text("list_version > 0"),
)

# Whose code this is: asked without an issuer. Not unique: two codes may be equal by rare chance.
sa.Index("ix_certificate_code_lookup", certificate.c.code_lookup)

# What still lacks its code: nothing, once the worker has passed.
sa.Index(
    "ix_certificate_uncoded",
    certificate.c.issuer_id,
    certificate.c.certificate_id,
    sqlite_where=sa.text("code_lookup IS NULL AND credential IS NOT NULL"),
    postgresql_where=sa.text("code_lookup IS NULL AND credential IS NOT NULL"),
)

holder = sa.Table(
    "holder",
    metadata,
    issuer_column(),
    # Keyed hash of kind and code: one row a holder, a household has several.
    sa.Column("lookup", sa.String(64), nullable=False),
    sa.Column("certificate_id", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "lookup", "certificate_id"),
    sa.ForeignKeyConstraint(
        ["issuer_id", "certificate_id"], ["certificate.issuer_id", "certificate.certificate_id"]
    ),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    issuer_column(),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("route", sa.String(64), nullable=False),
    # Keyed hashes: a client may put personal data into its key, and a body is guessable.
    sa.Column("key_hash", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("certificate_id", sa.String(32), nullable=False),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("done_at", sa.BigInteger),
    sa.PrimaryKeyConstraint("issuer_id", "client_id", "route", "key_hash"),
    sa.ForeignKeyConstraint(
        ["issuer_id", "certificate_id"], ["certificate.issuer_id", "certificate.certificate_id"]
    ),
    sa.CheckConstraint("(answer IS NULL) = (done_at IS NULL)", name="done"),
)
