"""Which certificates a key signed, and since when readers of trust records can see it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_certificate_kid", "certificate", ["issuer_id", "kid"])
    op.create_table(
        "key_listing",
        sa.Column("issuer_id", sa.String(length=64), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("listed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuer.issuer_id"], name=op.f("fk_key_listing_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "kid", name=op.f("pk_key_listing")),
    )
