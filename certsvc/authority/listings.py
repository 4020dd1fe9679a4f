"""Since when readers of published records can see keys: noted with the publication itself."""

from collections.abc import Iterable

from sqlalchemy.engine import Engine

from certsvc.service.engine import writing
from certsvc.storage.key_use import KeyListings
from certsvc_sdk.trust.record import IssuerRecord


def note_published(engine: Engine, records: Iterable[IssuerRecord], *, now: int) -> None:
    """Note which keys records list that readers see from now on; what was known keeps its moment.

    A crash before it costs nothing: `keys_listing.note_listing` looks again and begins to count.

    Args:
        engine: the issuer's database.
        records: as published.
        now: Unix seconds.
    """
    with writing(engine) as connection:
        listings = KeyListings(connection)
        for record in records:
            listings.note(record.uscc, frozenset(key.kid for key in record.keys), now=now)
