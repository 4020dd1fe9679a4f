"""Which office an address of a status list belongs to."""

from collections.abc import Iterable

from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.trust.urls import under_prefix


class Offices:
    """Issuers' records by the prefixes of their status lists."""

    def __init__(self, records: Iterable[IssuerRecord]) -> None:
        self._records = {record.status_prefix: record for record in records}

    def of(self, uri: str) -> IssuerRecord | None:
        """Return the record of the office below whose prefix an address lies."""
        prefix = uri
        while prefix:
            # The next folder up, with its slash.
            prefix = prefix.rstrip("/").rpartition("/")[0]
            record = self._records.get(f"{prefix}/")
            if record is not None and under_prefix(uri, record.status_prefix):
                return record
        return None
