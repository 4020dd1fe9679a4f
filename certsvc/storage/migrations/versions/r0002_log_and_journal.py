"""Transparency log, journal, and what the publisher needs to re-publish a list by its changes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _certificate() -> None:
    with op.batch_alter_table("certificate") as batch:
        batch.add_column(
            sa.Column("list_version", sa.BigInteger(), nullable=False, server_default="0")
        )
    # The program always names it; a default that stays would hide a statement that forgot.
    with op.batch_alter_table("certificate") as batch:
        batch.alter_column("list_version", server_default=None)
    op.create_index(
        "ix_certificate_list_version",
        "certificate",
        ["issuer_id", "list_no", "list_version"],
        sqlite_where=sa.text("list_version > 0"),
        postgresql_where=sa.text("list_version > 0"),
    )


def _log_entry() -> None:
    op.create_table(
        "log_entry",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_log_entry_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "certificate_id", "seq", name=op.f("pk_log_entry")),
    )
    op.create_index(
        "ix_log_entry_waiting",
        "log_entry",
        ["created_at"],
        sqlite_where=sa.text("log_index IS NULL"),
        postgresql_where=sa.text("log_index IS NULL"),
    )
    op.create_index("ix_log_entry_log_index", "log_entry", ["log_index"])
    op.create_index("ix_log_entry_leaf_hash", "log_entry", ["leaf_hash"])


def _log_head() -> None:
    op.create_table(
        "log_head",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("published_size", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("published_size BETWEEN 0 AND size", name=op.f("ck_log_head_published")),
        sa.PrimaryKeyConstraint("issuer_id", "origin", name=op.f("pk_log_head")),
    )


def _journal_head() -> None:
    op.create_table(
        "journal_head",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("previous", sa.String(length=32), nullable=False),
        sa.Column("restored_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("issuer_id", name=op.f("pk_journal_head")),
    )


def _carried_status() -> None:
    op.create_table(
        "carried_status",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("list_no", sa.BigInteger(), nullable=False),
        sa.Column("list_index", sa.BigInteger(), nullable=False),
        sa.Column("status_value", sa.SmallInteger(), nullable=False),
        sa.Column("carried_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status_value BETWEEN 1 AND 3", name=op.f("ck_carried_status_status_value")
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_carried_status_issuer")
        ),
        sa.PrimaryKeyConstraint(
            "issuer_id", "list_no", "list_index", name=op.f("pk_carried_status")
        ),
    )


def _outbox() -> None:
    # The log's entries wait in their own table, and lists by their versions: nobody writes here.
    op.drop_index("ix_outbox_waiting", "outbox")
    op.drop_table("outbox")


def upgrade() -> None:
    _certificate()
    _log_entry()
    _log_head()
    _journal_head()
    _carried_status()
    _outbox()
