"""Certificates: the plan before the signature, the credential after it, the state ever since."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.certificate_rows import (
    STATUS_VALUES,
    VISIBLE,
    CertificateRow,
    Completion,
    NewCertificate,
    PlannedBytes,
    State,
    StatusEvent,
    columns,
)
from certsvc.storage.many import inserting, updating
from certsvc.storage.tables import certificate, holder, status_event


def _row(values: sa.RowMapping) -> CertificateRow:
    return CertificateRow(**{**values, "state": State(values["state"])})


_AS_PLANNED = {
    "state": State.PLANNED.value,
    "status_value": STATUS_VALUES[State.PLANNED],
    "status_seq": 0,
    "list_version": 0,
    "plan_no": 1,
    "failures": 0,
}
# Built once: most of a statement's cost is its building.
_INSERT = inserting(certificate, (*NewCertificate.__slots__, *PlannedBytes.__slots__, *_AS_PLANNED))
_INSERT_HOLDER = inserting(holder, ("issuer_id", "lookup", "certificate_id"))
_SELECT = certificate.select().where(
    certificate.c.issuer_id == sa.bindparam("b_issuer_id"),
    certificate.c.certificate_id == sa.bindparam("b_certificate_id"),
)
_SELECT_LOCKED = _SELECT.with_for_update()
_COMPLETE = updating(
    {
        "b_issuer_id": certificate.c.issuer_id,
        "b_certificate_id": certificate.c.certificate_id,
        "b_plan_no": certificate.c.plan_no,
        "b_credential": certificate.c.credential,
        "b_code_lookup": certificate.c.code_lookup,
        "b_now": certificate.c.issued_at,
    },
    lambda given: (
        certificate.update()
        .where(
            certificate.c.issuer_id == given["b_issuer_id"],
            certificate.c.certificate_id == given["b_certificate_id"],
            certificate.c.state == State.PLANNED.value,
            certificate.c.plan_no == given["b_plan_no"],
        )
        .values(
            state=State.VALID.value,
            status_value=STATUS_VALUES[State.VALID],
            credential=given["b_credential"],
            code_lookup=given["b_code_lookup"],
            plan=sa.null(),
            issued_at=given["b_now"],
        )
    ),
)


class Certificates:
    """Reads and writes certificates on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_plans(
        self, plans: Sequence[tuple[NewCertificate, PlannedBytes, Collection[str]]]
    ) -> None:
        """Insert plans.

        Args:
            plans: What stays, what a later plan may replace, look-up hashes of the holders.

        Raises:
            sqlalchemy.exc.IntegrityError: An identifier, serial or place is taken.
        """
        values = [columns(new) | columns(planned) | _AS_PLANNED for new, planned, _ in plans]
        _INSERT.run(self._connection, values)
        names = [(new, name) for new, _, holders in plans for name in sorted(set(holders))]
        rows = [
            {"issuer_id": new.issuer_id, "lookup": name, "certificate_id": new.certificate_id}
            for new, name in names
        ]
        _INSERT_HOLDER.run(self._connection, rows)

    def get(
        self, issuer_id: str, certificate_id: str, *, lock: bool = False
    ) -> CertificateRow | None:
        """Read one certificate, planned ones too.

        Args:
            issuer_id: The issuer.
            certificate_id: The opaque id.
            lock: Hold the row until the transaction ends (where the database locks rows).
        """
        if not certificate_id.isascii() or "\0" in certificate_id:
            return None  # no id of ours, and a driver may not be able to send it
        query = _SELECT_LOCKED if lock else _SELECT
        key = {"b_issuer_id": issuer_id, "b_certificate_id": certificate_id}
        first = self._connection.execute(query, key).mappings().first()
        return None if first is None else _row(first)

    def by_identifier(self, issuer_id: str, identifier: str) -> CertificateRow | None:
        """Find a certificate by its certificate identifier (电子证照标识)."""
        query = certificate.select().where(
            certificate.c.issuer_id == issuer_id,
            certificate.c.certificate_identifier == identifier,
        )
        first = self._connection.execute(query).mappings().first()
        return None if first is None else _row(first)

    def by_holder(self, issuer_id: str, lookup: str) -> Sequence[CertificateRow]:
        """Find a holder's issued certificates, oldest first."""
        query = (
            certificate.select()
            .join(
                holder,
                sa.and_(
                    holder.c.issuer_id == certificate.c.issuer_id,
                    holder.c.certificate_id == certificate.c.certificate_id,
                ),
            )
            .where(
                holder.c.issuer_id == issuer_id,
                holder.c.lookup == lookup,
                certificate.c.state.in_(sorted(VISIBLE)),
            )
            .order_by(certificate.c.iat, certificate.c.certificate_id)
        )
        return [_row(row) for row in self._connection.execute(query).mappings()]

    def last_version(self, issuer_id: str, serial: str) -> int:
        """Find the highest version of a serial, 0 for none; abandoned plans count."""
        query = sa.select(sa.func.max(certificate.c.version_no)).where(
            certificate.c.issuer_id == issuer_id, certificate.c.serial == serial
        )
        return int(self._connection.execute(query).scalar() or 0)

    def planned_before(
        self, cutoff: int, *, future: int, after: tuple[int, str] | None, limit: int
    ) -> Sequence[CertificateRow]:
        """List plans of every issuer made at or before `cutoff`, or after `future`, oldest first.

        Args:
            cutoff: Unix seconds.
            future: Unix seconds; a plan made later was made by a clock that was wrong.
            after: `planned_at` and `certificate_id` of the last plan seen, to go on behind it.
            limit: Most plans to list.
        """
        query = (
            certificate.select()
            .where(
                sa.text("state = 'planned'"),
                sa.or_(certificate.c.planned_at <= cutoff, certificate.c.planned_at > future),
            )
            .order_by(certificate.c.planned_at, certificate.c.certificate_id)
            .limit(limit)
        )
        if after is not None:
            place = sa.tuple_(certificate.c.planned_at, certificate.c.certificate_id)
            query = query.where(place > after)
        return [_row(row) for row in self._connection.execute(query).mappings()]

    def replan(
        self, issuer_id: str, certificate_id: str, plan_no: int, planned: PlannedBytes
    ) -> bool:
        """Replace a plan by compare-and-swap; `False`: another worker was faster."""
        return self._swap_plan(
            issuer_id, certificate_id, plan_no, plan_no=plan_no + 1, **columns(planned)
        )

    def complete_many(self, done: Sequence[Completion], *, now: int) -> bool:
        """Store credentials by compare-and-swap; `False`: not all, so take it back."""
        rows = [
            {
                "b_issuer_id": one.issuer_id,
                "b_certificate_id": one.certificate_id,
                "b_plan_no": one.plan_no,
                "b_credential": one.credential,
                "b_code_lookup": one.code_lookup,
                "b_now": now,
            }
            for one in done
        ]
        return _COMPLETE.run(self._connection, rows) == len(rows)

    def abandon(self, issuer_id: str, certificate_id: str, plan_no: int, *, reason: str) -> bool:
        """Give a plan up for ever; its place in the status list is never used again."""
        return self._swap_plan(
            issuer_id,
            certificate_id,
            plan_no,
            state=State.ABANDONED.value,
            status_value=STATUS_VALUES[State.ABANDONED],
            status_reason=reason,
            plan=None,
        )

    def count_failure(self, issuer_id: str, certificate_id: str, plan_no: int) -> bool:
        """Count that a plan's signed token failed its own verification."""
        return self._swap_plan(
            issuer_id, certificate_id, plan_no, failures=certificate.c.failures + 1
        )

    def _swap_plan(
        self, issuer_id: str, certificate_id: str, expected_plan_no: int, /, **values: object
    ) -> bool:
        done = self._connection.execute(
            certificate.update()
            .where(
                *_key(issuer_id, certificate_id),
                certificate.c.state == State.PLANNED.value,
                certificate.c.plan_no == expected_plan_no,
            )
            .values(**values)
        )
        return done.rowcount == 1

    def move(
        self, event: StatusEvent, *, list_version: int, superseded_by_id: str | None = None
    ) -> bool:
        """Change the state by compare-and-swap and keep the event.

        Args:
            event: The change; its `seq` is one more than the row's `status_seq`.
            list_version: Version of the status list that first shows the change.
            superseded_by_id: The successor, for a certificate that is superseded.

        Returns:
            `False` if the certificate's state or number of events is not as the event says.
        """
        done = self._connection.execute(
            certificate.update()
            .where(
                *_key(event.issuer_id, event.certificate_id),
                certificate.c.state == event.state_before.value,
                certificate.c.status_seq == event.seq - 1,
            )
            .values(
                state=event.state_after.value,
                status_value=STATUS_VALUES[event.state_after],
                status_seq=event.seq,
                status_reason=event.reason,
                status_changed_at=event.at,
                list_version=list_version,
                superseded_by_id=superseded_by_id,
            )
        )
        if done.rowcount != 1:
            return False
        words = {"state_before": event.state_before.value, "state_after": event.state_after.value}
        self._connection.execute(status_event.insert().values(**{**asdict(event), **words}))
        return True

    def set_list_version(self, issuer_id: str, certificate_id: str, list_version: int) -> None:
        """Note which version of the status list first shows the present bits."""
        self._connection.execute(
            certificate.update()
            .where(*_key(issuer_id, certificate_id))
            .values(list_version=list_version)
        )

    def events(self, issuer_id: str, certificate_id: str) -> Sequence[StatusEvent]:
        """List a certificate's changes of state in order."""
        query = (
            status_event.select()
            .where(
                status_event.c.issuer_id == issuer_id,
                status_event.c.certificate_id == certificate_id,
            )
            .order_by(status_event.c.seq)
        )
        return [
            StatusEvent(
                **{
                    **row,
                    "state_before": State(row["state_before"]),
                    "state_after": State(row["state_after"]),
                }
            )
            for row in self._connection.execute(query).mappings()
        ]


def _key(issuer_id: str, certificate_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        certificate.c.issuer_id == issuer_id,
        certificate.c.certificate_id == certificate_id,
    )
