"""The tables of the issuer's database.

`issuer_id` leads every primary key, so that rows can be spread by department. Times are Unix
seconds in BIGINT, JSON is text, sealed columns hold what `certsvc.storage.sealing` made.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _issuer() -> sa.Column[str]:
    return sa.Column("issuer_id", sa.String(64), sa.ForeignKey("issuer.issuer_id"), nullable=False)


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
    _issuer(),
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

certificate = sa.Table(
    "certificate",
    metadata,
    _issuer(),
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
    _issuer(),
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
    _issuer(),
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

status_list = sa.Table(
    "status_list",
    metadata,
    _issuer(),
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
    _issuer(),
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

audit = sa.Table(
    "audit",
    metadata,
    _issuer(),
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

log_entry = sa.Table(
    "log_entry",
    metadata,
    _issuer(),
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

carried_status = sa.Table(
    "carried_status",
    metadata,
    _issuer(),
    # Bits that were published for places whose certificates a restore lost: shown for ever.
    sa.Column("list_no", sa.BigInteger, nullable=False),
    sa.Column("list_index", sa.BigInteger, nullable=False),
    sa.Column("status_value", sa.SmallInteger, nullable=False),
    sa.Column("carried_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "list_no", "list_index"),
    sa.CheckConstraint("status_value BETWEEN 1 AND 3", name="status_value"),
)

allowance = sa.Table(
    "allowance",
    metadata,
    _issuer(),
    sa.Column("client_id", sa.String(64), nullable=False),
    # Days since 1970-01-01 in Asia/Shanghai, and what was planned that day.
    sa.Column("day", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "client_id", "day"),
)

approval = sa.Table(
    "approval",
    metadata,
    _issuer(),
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
    _issuer(),
    # A key that the issuer's published trust record lists, its log's keys among them.
    sa.Column("kid", sa.String(64), nullable=False),
    # Since when readers can see it there, or later; never earlier.
    sa.Column("listed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("issuer_id", "kid"),
)
