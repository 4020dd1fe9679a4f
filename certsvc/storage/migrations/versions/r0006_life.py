"""The life of a certificate: types of departments, ends of suspensions, search, events, stock."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each part on its own: they touch different tables."""
    _types()
    _life()
    _search()
    _events()
    _stock()


def _types() -> None:
    """Certificate types that departments registered."""


def _life() -> None:
    """When a suspension ends."""


def _search() -> None:
    """What certificates are found by."""


def _events() -> None:
    """What is told to others."""


def _stock() -> None:
    """Records issued elsewhere."""
