"""Reads the public address as a verifier would, again and again, and compares."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from sqlalchemy.engine import Engine

from certsvc.service.engine import reading
from certsvc.storage.log import LogEntries, LogHeads
from certsvc.storage.status_expected import changes_since
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.status_rows import ListInfo
from certsvc.watching.comparing import Seen, compare
from certsvc.watching.complaint import Code, Complaint, Report
from certsvc_sdk import statuslist
from certsvc_sdk.errors import CertsvcError, FetchFailed
from certsvc_sdk.fetch import Fetcher
from certsvc_sdk.holdings import Holdings
from certsvc_sdk.log import checkpoint, note
from certsvc_sdk.log_source import LogSource, address_of
from certsvc_sdk.log_trust import view_of
from certsvc_sdk.statuslist import MAX_LIST_TOKEN
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.trust_holding import HeldTrust
from certsvc_sdk.world import StatusSnapshot

#: Seconds that a change may take until readers see it (R14).
PATIENCE = 5


class Watcher:
    """Compares what readers see with the database; remembers what they saw before.

    Args:
        engine: the issuer's database.
        holdings: the verifier's side: trust data over the public address.
        clock: Unix seconds.
        patience: seconds that a change may take to show; more behind a cache.
    """

    def __init__(
        self,
        engine: Engine,
        holdings: Holdings,
        *,
        clock: Callable[[], float],
        patience: int = PATIENCE,
    ) -> None:
        self._engine = engine
        self._holdings = holdings
        self._fetcher = Fetcher()
        self._clock = clock
        self._patience = patience
        self._before: dict[str, Seen] = {}
        self._log_sizes: dict[str, int] = {}

    def look(self) -> Report:
        """Read and compare everything once.

        Raises:
            DatabaseUnavailable: there is nothing to compare with.
        """
        now = int(self._clock())
        self._fetcher.forget_failures()
        with reading(self._engine) as connection:
            lists = StatusLists(connection).published()
        trust = self._holdings.trust.current(now)
        if trust is None:
            complaint = Complaint(Code.TRUST_UNAVAILABLE, "trust/")
            return Report(complaints=(complaint,), numbers={"lists": len(lists)})
        complaints = list(self._trust(trust, now))
        records = {record.uscc: record for record in self._records(trust, lists)}
        for info in lists:
            record = records.get(info.issuer_id)
            if record is None:
                complaints.append(Complaint(Code.ISSUER_MISSING, info.issuer_id))
            else:
                complaints += self._list(info, record, trust)
        for record in {each.log_origin: each for each in records.values()}.values():
            complaints += self._log(record, trust)
        return Report(complaints=tuple(complaints), numbers=self._numbers(len(lists), complaints))

    def _trust(self, trust: HeldTrust, now: int) -> Iterator[Complaint]:
        if now >= trust.expires:
            yield Complaint(Code.TRUST_EXPIRED, "trust/", f"{now - trust.expires} s ago")

    def _records(self, trust: HeldTrust, lists: Sequence[ListInfo]) -> Iterator[IssuerRecord]:
        base = trust.view.base
        for issuer_id in dict.fromkeys(info.issuer_id for info in lists):
            with suppress(CertsvcError):
                record = trust.record(f"{base}i/{issuer_id}")
                if record is not None:
                    yield record

    def _list(self, info: ListInfo, record: IssuerRecord, trust: HeldTrust) -> Iterator[Complaint]:
        uri = f"{record.status_prefix}{info.list_no}"
        at = int(self._clock())
        try:
            source = self._holdings.sources(trust.view.base).resolve(uri)
            body = self._fetcher.get(source, max_bytes=MAX_LIST_TOKEN).body or b""
        except FetchFailed as error:
            yield Complaint(Code.LIST_UNREACHABLE, uri, str(error))
            return
        try:
            token = statuslist.read(body.decode("ascii"))
            snapshot = StatusSnapshot(token, at)
            seen = Seen(token=token, bits=token.bits(), at=at)
            genuine = snapshot.is_genuine(record, uri)
        except (CertsvcError, UnicodeDecodeError):
            genuine = False
        if not genuine:
            yield Complaint(Code.LIST_NOT_GENUINE, uri)
            return
        before = self._before.get(uri)
        # After the list was read: what it shows must be in the database by then.
        with reading(self._engine) as connection:
            newest = StatusLists(connection).one(info.issuer_id, info.list_no)
            known = 0 if before is None else before.version
            changes = changes_since(connection, info.issuer_id, info.list_no, known)
        yield from compare(newest, changes, seen, before, patience=self._patience)
        if before is None or seen.version >= before.version:
            self._before[uri] = seen

    def _log(self, record: IssuerRecord, trust: HeldTrust) -> Iterator[Complaint]:
        view = view_of(record)
        if view is None:
            return
        address = address_of(view.origin, demo=trust.env is Environment.DEMO)
        source = LogSource(address, self._holdings.sources(trust.view.base), self._fetcher)
        at = int(self._clock())
        with reading(self._engine) as connection:
            head = LogHeads(connection).get(view.origin)
            waiting = None if head is None else LogEntries(connection).waiting_since(head)
        try:
            data = source.read(checkpoint.PATH, note.MAX_NOTE)
        except FetchFailed as error:
            yield Complaint(Code.LOG_UNREACHABLE, view.origin, str(error))
            return
        try:
            size = view.open(data).checkpoint.size
        except CertsvcError as error:
            yield Complaint(Code.LOG_NOT_GENUINE, view.origin, str(error))
            return
        known = self._log_sizes.get(view.origin, 0)
        if size < known:
            yield Complaint(Code.LOG_WENT_BACK, view.origin, f"size {known} → {size}")
        self._log_sizes[view.origin] = max(known, size)
        due = at - self._patience
        behind = head is not None and size < head.published_size and (head.published_at or 0) <= due
        if behind or (waiting is not None and waiting <= due):
            yield Complaint(Code.LOG_BEHIND, view.origin, f"size {size}")

    def _numbers(self, lists: int, complaints: list[Complaint]) -> dict[str, float]:
        now = int(self._clock())
        seen = self._before.values()
        return {
            "lists": lists,
            "lists_read": len(seen),
            "complaints": len(complaints),
            "oldest_list_seconds": max((now - one.token.iat for one in seen), default=0),
            "soonest_expiry_seconds": min(((one.token.exp or 0) - now for one in seen), default=0),
            "log_size": max(self._log_sizes.values(), default=0),
        }
