"""What a client may issue, how many a day, and requests that wait for a second person."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("client", sa.Column("types", sa.Text(), nullable=True))
    op.add_column("client", sa.Column("daily_limit", sa.BigInteger(), nullable=True))
    op.create_table(
        "allowance",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_allowance_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "client_id", "day", name=op.f("pk_allowance")),
    )
    op.create_table(
        "approval",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("approval_id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'refused')", name=op.f("ck_approval_state")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> client_id", name=op.f("ck_approval_second_person")
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_approval_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "approval_id", name=op.f("pk_approval")),
        sa.UniqueConstraint(
            "issuer_id",
            "client_id",
            "route",
            "key_hash",
            name=op.f("uq_approval_issuer_id_client_id_route_key_hash"),
        ),
    )
