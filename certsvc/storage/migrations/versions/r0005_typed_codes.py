"""Whose typed code it is. The worker fills the column for rows that are there: it has the keys."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WITHOUT = sa.text("code_lookup IS NULL AND credential IS NOT NULL")


def upgrade() -> None:
    op.add_column("certificate", sa.Column("code_lookup", sa.LargeBinary(length=16)))
    op.create_index("ix_certificate_code_lookup", "certificate", ["code_lookup"])
    op.create_index(
        "ix_certificate_uncoded",
        "certificate",
        ["issuer_id", "certificate_id"],
        sqlite_where=_WITHOUT,
        postgresql_where=_WITHOUT,
    )
