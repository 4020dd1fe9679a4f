"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _issuer() -> None:
    op.create_table(
        "issuer",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.Column("audit_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_id", name=op.f("pk_issuer")),
        sa.UniqueConstraint("uscc", name=op.f("uq_issuer_uscc")),
    )


def _client() -> None:
    op.create_table(
        "client",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_client_issuer")),
        sa.PrimaryKeyConstraint("issuer_id", "client_id", name=op.f("pk_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_client_client_id")),
    )


def _certificate() -> None:
    op.create_table(
        "certificate",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("certificate_identifier", sa.String(length=96), nullable=False),
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("version_no", sa.SmallInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("status_value", sa.SmallInteger(), nullable=False),
        sa.Column("status_seq", sa.BigInteger(), nullable=False),
        sa.Column("status_reason", sa.String(length=64), nullable=True),
        sa.Column("status_changed_at", sa.BigInteger(), nullable=True),
        sa.Column("list_no", sa.BigInteger(), nullable=False),
        sa.Column("list_index", sa.BigInteger(), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.Column("nbf", sa.BigInteger(), nullable=True),
        sa.Column("exp", sa.BigInteger(), nullable=True),
        sa.Column("plan_no", sa.BigInteger(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("supersedes_id", sa.String(length=32), nullable=True),
        sa.Column("superseded_by_id", sa.String(length=32), nullable=True),
        sa.Column("plan", sa.LargeBinary(), nullable=True),
        sa.Column("credential", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(credential IS NULL) = (state IN ('planned', 'abandoned'))",
            name=op.f("ck_certificate_credential"),
        ),
        sa.CheckConstraint(
            "(plan IS NULL) = (state <> 'planned')", name=op.f("ck_certificate_plan")
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'abandoned', 'valid', 'suspended', 'revoked', 'superseded')",
            name=op.f("ck_certificate_state"),
        ),
        sa.CheckConstraint(
            "status_value BETWEEN 0 AND 3", name=op.f("ck_certificate_status_value")
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_certificate_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "certificate_id", name=op.f("pk_certificate")),
        sa.UniqueConstraint(
            "issuer_id",
            "certificate_identifier",
            name=op.f("uq_certificate_issuer_id_certificate_identifier"),
        ),
        sa.UniqueConstraint(
            "issuer_id",
            "list_no",
            "list_index",
            name=op.f("uq_certificate_issuer_id_list_no_list_index"),
        ),
        sa.UniqueConstraint(
            "issuer_id",
            "serial",
            "version_no",
            name=op.f("uq_certificate_issuer_id_serial_version_no"),
        ),
    )
    op.create_index(
        "ix_certificate_planned",
        "certificate",
        ["planned_at"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_certificate_status",
        "certificate",
        ["issuer_id", "list_no", "list_index", "status_value"],
        unique=False,
        sqlite_where=sa.text("status_value > 0"),
        postgresql_where=sa.text("status_value > 0"),
    )


def _holder() -> None:
    op.create_table(
        "holder",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer_id", "certificate_id"],
            ["certificate.issuer_id", "certificate.certificate_id"],
            name=op.f("fk_holder_certificate"),
        ),
        sa.ForeignKeyConstraint(["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_holder_issuer")),
        sa.PrimaryKeyConstraint("issuer_id", "lookup", "certificate_id", name=op.f("pk_holder")),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(answer IS NULL) = (done_at IS NULL)", name=op.f("ck_idempotency_done")
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id", "certificate_id"],
            ["certificate.issuer_id", "certificate.certificate_id"],
            name=op.f("fk_idempotency_certificate"),
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_idempotency_issuer")
        ),
        sa.PrimaryKeyConstraint(
            "issuer_id", "client_id", "route", "key_hash", name=op.f("pk_idempotency")
        ),
    )


def _status_list() -> None:
    op.create_table(
        "status_list",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("list_no", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("permutation_key", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("published_version", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "published_version BETWEEN 0 AND version", name=op.f("ck_status_list_published")
        ),
        sa.CheckConstraint("used BETWEEN 0 AND size", name=op.f("ck_status_list_used")),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_status_list_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "list_no", name=op.f("pk_status_list")),
    )


def _status_event() -> None:
    op.create_table(
        "status_event",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("state_before", sa.String(length=16), nullable=False),
        sa.Column("state_after", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("principal_kind", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer_id", "certificate_id"],
            ["certificate.issuer_id", "certificate.certificate_id"],
            name=op.f("fk_status_event_certificate"),
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_status_event_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "certificate_id", "seq", name=op.f("pk_status_event")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("principal_kind", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=128), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_audit_issuer")),
        sa.PrimaryKeyConstraint("issuer_id", "seq", name=op.f("pk_audit")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("outbox_id", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("object", sa.String(length=128), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("error", sa.String(length=64), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_outbox_issuer")),
        sa.PrimaryKeyConstraint("issuer_id", "outbox_id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["topic", "available_at"],
        unique=False,
        sqlite_where=sa.text("failed_at IS NULL"),
        postgresql_where=sa.text("failed_at IS NULL"),
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_id", "name", name=op.f("pk_lease")),
    )


def upgrade() -> None:
    _issuer()
    _client()
    _certificate()
    _holder()
    _idempotency()
    _status_list()
    _status_event()
    _audit()
    _outbox()
    _lease()


def downgrade() -> None:
    raise NotImplementedError("the first tables stay: restore a backup instead")
