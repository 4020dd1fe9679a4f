"""Types that nobody issues alone: a request waits until somebody else agrees to it (T52).

What is agreed to is a request as it was sent: its client, its Idempotency-Key and its content.
Once agreed to it is issued in its own client's name, by whoever sends it next.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.issuing import errors
from certsvc.issuing.allowing import require
from certsvc.issuing.jobs import Item, Job
from certsvc.issuing.model import Pinned, Waiting, fingerprint
from certsvc.issuing.plan import Content
from certsvc.issuing.resources import Resources, translated, write_json
from certsvc.service.principal import Principal, system
from certsvc.storage.approvals import Approval, Approvals, ApprovalState
from certsvc.storage.audit import Act, Audit
from certsvc.storage.sealing import Sealing

COLUMN = "request"
ID_BYTES = 16
# What one person reads through at a sitting; the rest shows when these are decided.
MAX_WAITING = 100
# Of one client: whoever holds its secret cannot crowd others out.
MAX_ASKED = 50
# Holders' data is not kept for its own sake: what nobody decided by then is asked for again, and
# what was issued is known by its Idempotency-Key.
LIFE = 30 * 24 * 3600
# Deleted in one transaction; the next look takes more.
MAX_FORGOTTEN = 500


def ask_approval(connection: Connection, resources: Resources, item: Item) -> None:
    """Look up whether somebody has agreed to an item that needs it (step 1).

    Raises:
        ApprovalRefused: Somebody did not.
        IdempotencyKeyReused: The key waits with another request.
    """
    if item.task is not None or item.type_name not in resources.second_person_types:
        return
    found = Approvals(connection).of(item.job.scope)
    if found is None:
        return
    if found.fingerprint != item.fingerprint:
        raise errors.IdempotencyKeyReused("the key belongs to another request")
    if found.state is ApprovalState.REFUSED:
        raise errors.ApprovalRefused("the second person did not agree")
    item.approved = found.state is ApprovalState.APPROVED
    if item.approved:
        # What was read is issued, even if the type has a newer version by now.
        item.pinned = _pinned(_opened(item.caller.sealing, found))


def check_approval(resources: Resources, item: Item, content: Content) -> None:
    """Refuse to issue what nobody else has agreed to (step 2).

    Raises:
        ApprovalNeeded: Nobody has.
    """
    if item.type_name in resources.second_person_types and not item.approved:
        kind = content.kind
        pinned = Pinned(type=kind.name, version=kind.version, profile=content.profile.name)
        raise errors.ApprovalNeeded(pinned=pinned)


class SecondPerson:
    """Requests on their way to a second person and back."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def propose(self, job: Job, pinned: Pinned | None) -> errors.ApprovalNeeded:
        """Record a request that waits, once, however often it is sent.

        Args:
            job: The request.
            pinned: What it leaves open, as it stands now.

        Returns:
            What the client is told.

        Raises:
            IdempotencyKeyReused: The key waits with another request.
            TooManyWaiting: `MAX_ASKED` requests of the client wait already.
            StorageUnavailable: The database failed.
            SigningUnavailable: Custody failed, which seals the request.
        """
        resources, scope = self._resources, job.scope
        approval_id, now = resources.rng(ID_BYTES).hex(), resources.now()
        shown = {**job.content, **({} if pinned is None else asdict(pinned))}
        with translated():
            sealing = resources.sealing(scope.issuer_id)
            new = Approval(
                approval_id=approval_id,
                scope=scope,
                fingerprint=sealing.lookup("fingerprint", fingerprint(job.content).hex()),
                request=sealing.seal(write_json(shown), row=approval_id, column=COLUMN),
                state=ApprovalState.WAITING,
                created_at=now,
            )

        def write(connection: Connection) -> Approval:
            approvals = Approvals(connection)
            known = approvals.of(scope)
            if known is not None:
                if known.fingerprint != new.fingerprint:
                    raise errors.IdempotencyKeyReused("the key belongs to another request")
                return known
            if approvals.count_waiting(scope.issuer_id, scope.client_id) >= MAX_ASKED:
                raise errors.TooManyWaiting("too many requests wait")
            try:
                with connection.begin_nested():
                    approvals.add(new)
            except sa.exc.IntegrityError:
                return approvals.of(scope) or new  # the same request, sent twice at once
            act = Act(principal=job.principal, action="approval.ask", object=approval_id)
            Audit(connection).extend([act], now=now)
            return new

        with translated():
            waiting = resources.write(write)
        return errors.ApprovalNeeded(waiting.approval_id, waiting.created_at)

    def waiting(self, principal: Principal) -> Sequence[Waiting]:
        """What waits for the caller: requests of others, oldest first, `MAX_WAITING` at most.

        Raises:
            ScopeMissing: The caller lacks `approve`; the same for `get` and `decide`.
        """
        require(principal, "approve")
        found: list[Waiting] = []
        last: Approval | None = None
        with translated():
            while len(found) < MAX_WAITING and (rows := self._after(principal, last)):
                last = rows[-1]
                shown = [self._shown(one) for one in rows]
                found += [one for one in shown if _is_granted(principal, one)]
        return found[:MAX_WAITING]

    def _after(self, principal: Principal, last: Approval | None) -> Sequence[Approval]:
        return self._resources.read(
            lambda connection: Approvals(connection).waiting(
                principal.issuer_id, but=principal.client_id, limit=MAX_WAITING, after=last
            )
        )

    def get(self, principal: Principal, approval_id: str) -> Waiting:
        """One request of the caller's issuer.

        Raises:
            ApprovalUnknown: There is none.
            TypeNotGranted: The caller may not issue such a type, and reads and agrees to none.
        """
        require(principal, "approve")
        with translated():
            shown = self._shown(
                self._resources.read(lambda connection: _one(connection, principal, approval_id))
            )
        if not _is_granted(principal, shown):
            raise errors.TypeNotGranted("the client was not granted this type")
        return shown

    def decide(self, principal: Principal, approval_id: str, *, agreed: bool) -> Waiting:
        """Say yes or no, once; the same answer again changes nothing.

        Raises:
            SecondPersonNeeded: The caller made the request; the attempt stands in the audit trail.
            TypeNotGranted: See `get`.
            ApprovalUnknown: There is no such request, or somebody has said otherwise.
        """
        if self.get(principal, approval_id).client_id == principal.client_id:
            self._note(principal, "approval.own", approval_id)
            raise errors.SecondPersonNeeded("who asks cannot agree")
        state = ApprovalState.APPROVED if agreed else ApprovalState.REFUSED
        now = self._resources.now()

        def write(connection: Connection) -> Approval:
            by = principal.client_id
            if Approvals(connection).decide(
                principal.issuer_id, approval_id, state, by=by, now=now
            ):
                act = Act(principal=principal, action=f"approval.{state}", object=approval_id)
                Audit(connection).extend([act], now=now)
            after = _one(connection, principal, approval_id)
            if (after.state, after.decided_by) != (state, by):
                raise errors.ApprovalUnknown("the request was decided already")
            return after

        with translated():
            return self._shown(self._resources.write(write))

    def forget(self) -> int:
        """Delete requests older than `LIFE`, and say so in the audit trail of their issuers.

        Returns:
            How many there were.

        Raises:
            StorageUnavailable: The database failed.
        """
        now = self._resources.now()

        def write(connection: Connection) -> int:
            gone = Approvals(connection).forget(before=now - LIFE, limit=MAX_FORGOTTEN)
            acts = [
                Act(principal=system(issuer_id), action="approval.forget", object=approval_id)
                for issuer_id, approval_id in gone
            ]
            Audit(connection).extend(acts, now=now)
            return len(gone)

        with translated():
            # The worker asks often: nothing is written where nothing is due.
            if not self._resources.read(lambda one: Approvals(one).any_before(now - LIFE)):
                return 0
            return self._resources.write(write)

    def _note(self, principal: Principal, action: str, approval_id: str) -> None:
        act, now = (
            Act(principal=principal, action=action, object=approval_id),
            self._resources.now(),
        )
        with translated():
            self._resources.write(lambda one: Audit(one).extend([act], now=now))

    def _shown(self, one: Approval) -> Waiting:
        request = _opened(self._resources.sealing(one.scope.issuer_id), one)
        return Waiting(
            approval_id=one.approval_id,
            client_id=one.scope.client_id,
            operation=one.scope.route,
            request=request,
            state=one.state.value,
            created_at=one.created_at,
            decided_at=one.decided_at,
            decided_by=one.decided_by,
        )


def _opened(sealing: Sealing, one: Approval) -> Mapping[str, object]:
    request: Mapping[str, object] = json.loads(
        sealing.open(one.request, row=one.approval_id, column=COLUMN)
    )
    return request


def _pinned(request: Mapping[str, object]) -> Pinned | None:
    """What was read; None: the request was recorded by a release that pinned nothing."""
    kind, version, profile = (request.get(name) for name in ("type", "version", "profile"))
    if isinstance(kind, str) and isinstance(version, int) and isinstance(profile, str):
        return Pinned(type=kind, version=version, profile=profile)
    return None


def _is_granted(principal: Principal, one: Waiting) -> bool:
    """Whether the caller was granted the type: who may not issue it does not agree to it either."""
    return principal.types is None or one.request.get("type") in principal.types


def _one(connection: Connection, principal: Principal, approval_id: str) -> Approval:
    found = Approvals(connection).get(principal.issuer_id, approval_id)
    if found is None:
        raise errors.ApprovalUnknown("no such request")
    return found
