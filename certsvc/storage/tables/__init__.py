"""The tables of the issuer's database.

`issuer_id` leads every primary key, so that rows can be spread by department. Times are Unix
seconds in BIGINT, JSON is text, sealed columns hold what `certsvc.storage.sealing` made.
"""

from certsvc.storage.tables.certificates import certificate, holder, idempotency
from certsvc.storage.tables.log import log_entry, log_head
from certsvc.storage.tables.parties import allowance, approval, client, issuer, key_listing
from certsvc.storage.tables.schema import metadata
from certsvc.storage.tables.service import audit, journal_head, lease
from certsvc.storage.tables.status import carried_status, status_event, status_list

__all__ = [
    "allowance",
    "approval",
    "audit",
    "carried_status",
    "certificate",
    "client",
    "holder",
    "idempotency",
    "issuer",
    "journal_head",
    "key_listing",
    "lease",
    "log_entry",
    "log_head",
    "metadata",
    "status_event",
    "status_list",
]
