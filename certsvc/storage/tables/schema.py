"""What every table shares: the naming of constraints, and whose a row is."""

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


def issuer_column() -> sa.Column[str]:
    """A new column that names the issuer; it leads the primary key."""
    return sa.Column("issuer_id", sa.String(64), sa.ForeignKey("issuer.issuer_id"), nullable=False)
