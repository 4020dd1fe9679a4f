"""Step 3 of an issuance: keys are claimed and plans recorded, all in one transaction."""

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.catalogue import CodeInvalid
from certsvc.catalogue.codes import make_identifier
from certsvc.issuing import answers, errors, transitions
from certsvc.issuing.allowing import take, take_together
from certsvc.issuing.jobs import Item, look_up
from certsvc.issuing.plan import SEED_BYTES, Plan, Planned, mint, random_serial
from certsvc.issuing.resources import Resources
from certsvc.issuing.tasks import Acts, NotTogetherError, Task, write_acts
from certsvc.service.principal import Principal
from certsvc.storage.certificate_rows import NewCertificate, PlannedBytes
from certsvc.storage.certificates import Certificates
from certsvc.storage.errors import StatusListUnpublished
from certsvc.storage.idempotency import Claim, Idempotency
from certsvc.storage.locks import lock_certificates
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.status_rows import Place

ID_BYTES = 16
FIRST_VERSION = 1


class Recording(Protocol):
    """Either way to record plans."""

    def __call__(
        self, connection: Connection, resources: Resources, items: Sequence[Item], *, now: int
    ) -> None:
        """Record."""
        ...


def record_together(
    connection: Connection, resources: Resources, items: Sequence[Item], *, now: int
) -> None:
    """Record plans of new requests in few statements.

    Args:
        connection: The first transaction.
        resources: What issuing works with.
        items: Items that passed step 2.
        now: Unix seconds.

    Raises:
        NotTogetherError: Another worker has claimed a key, a list is full, a client's day is used
            up, a certificate is to be superseded: call `record_plans` in a new transaction.
    """
    ordered = _in_order(items)
    scopes = {item.job.scope for item in items}
    if len(scopes) < len(items) or any(item.job.supersedes is not None for item in items):
        raise NotTogetherError
    if not take_together(connection, ordered, now=now):
        raise NotTogetherError
    try:
        tasks = _plan_all(connection, resources, ordered, now=now)
    except (StatusListUnpublished, sa.exc.IntegrityError, errors.IssuingError) as error:
        raise NotTogetherError from error
    acts: Acts = {}
    for item, task in zip(ordered, tasks, strict=True):
        item.task = task
        _note_plan(acts, item, task)
    write_acts(connection, acts, now=now)


def record_plans(
    connection: Connection, resources: Resources, items: Sequence[Item], *, now: int
) -> None:
    """Record a plan for each item, or an outcome that says why not.

    After an attempt whose commit is in doubt this is called again with the same items, and finds
    what that attempt has left.

    Args:
        connection: The first transaction.
        resources: What issuing works with.
        items: Items that passed step 2.
        now: Unix seconds.
    """
    acts: Acts = {}
    ordered = _in_order(items)
    lock_certificates(connection, _formers(items), lists=False)
    _record_each(connection, resources, ordered, acts, now=now)
    write_acts(connection, acts, now=now)


def _in_order(items: Sequence[Item]) -> list[Item]:
    """One order, so that two workers with the same keys do not wait for each other."""
    for item in items:
        # What an attempt in doubt has found out is forgotten: the rows are asked again.
        item.task = item.outcome = None
    return sorted(items, key=_order)


def _plan_all(
    connection: Connection, resources: Resources, items: Sequence[Item], *, now: int
) -> list[Task]:
    lists = StatusLists(connection, rng=resources.rng, size=resources.list_size)
    tasks, claims = [], []
    for _, group in groupby(items, key=lambda item: item.caller.sealing.issuer_id):
        mine = list(group)
        places = lists.allocate_many(mine[0].caller.sealing, len(mine), now=now)
        for item, place in zip(mine, places, strict=True):
            new = _identify(resources, item, place, random_serial(resources.rng), FIRST_VERSION)
            tasks.append(_plan(resources, item, new, now=now))
            claims.append(_claim_of(item, new))
    Certificates(connection).add_plans(
        [(task.planned.new, task.planned.bytes, task.planned.plan.holders) for task in tasks]
    )
    Idempotency(connection).claim_many(claims, now=now)
    return tasks


def _claim_of(item: Item, new: NewCertificate) -> Claim:
    return Claim(
        scope=item.job.scope, fingerprint=item.fingerprint, certificate_id=new.certificate_id
    )


def _note_plan(acts: Acts, item: Item, task: Task) -> None:
    planned = acts.setdefault((item.job.principal, "certificate.plan"), [])
    planned.append(task.planned.new.certificate_id)


def _record_each(
    connection: Connection, resources: Resources, items: Sequence[Item], acts: Acts, *, now: int
) -> None:
    for item in items:
        try:
            # A savepoint an item: one that fails takes no other with it.
            with connection.begin_nested():
                _claim(connection, resources, item, acts, now=now)
        except StatusListUnpublished as error:
            item.outcome = errors.StatusListUnpublished(str(error))
            lists = StatusLists(connection, rng=resources.rng, size=resources.list_size)
            lists.ensure_open(item.caller.sealing, now=now)
        except sa.exc.IntegrityError:
            _taken(connection, item)
        except errors.IssuingError as error:
            item.outcome = error
            if isinstance(error, errors.QuotaExceeded):
                _note_refusal(resources, acts, item.job.principal, now=now)
        if item.outcome is not None:
            item.task = None


def _note_refusal(resources: Resources, acts: Acts, principal: Principal, *, now: int) -> None:
    """Once a client and day: whoever tries all day writes one row, the metrics count the rest."""
    if not resources.refusals.has(principal, now=now):
        acts[principal, "quota.refuse"] = [principal.client_id]


def _formers(items: Sequence[Item]) -> list[tuple[str, str]]:
    return [
        (item.job.principal.issuer_id, item.job.supersedes.certificate_id)
        for item in items
        if item.job.supersedes is not None
    ]


def _order(item: Item) -> tuple[str, str, str, str]:
    scope = item.job.scope
    return scope.issuer_id, scope.client_id, scope.route, scope.key_hash


def _claim(
    connection: Connection, resources: Resources, item: Item, acts: Acts, *, now: int
) -> None:
    # Looked up again: since step 1 another worker may have claimed the key.
    look_up(connection, item)
    if item.task is not None:
        # In doubt it was, and kept it is: an earlier attempt of this very call.
        if item.task.planned.new.certificate_id in item.drawn:
            return
        raise errors.RequestInProgress(1)
    if item.outcome is None:
        take(connection, item.job.principal, now=now)
        item.task = _plan_one(connection, resources, item, now=now)
        _note_plan(acts, item, item.task)


def _taken(connection: Connection, item: Item) -> None:
    """Say why a row could not be inserted: the database saw what the look-up could not yet see."""
    known = Idempotency(connection).get(item.job.scope)
    if known is not None:
        # The commit in doubt was still under way: now it is done, and the plan is ours.
        if known.certificate_id in item.drawn:
            look_up(connection, item)
        else:
            item.outcome = errors.RequestInProgress(1)
    elif item.former is not None:
        item.outcome = errors.StateConflict(item.former.state.value, transitions.SUPERSEDE)
    else:
        # An old backup was put back: its counters would give out places a second time (T42).
        item.outcome = errors.StorageUnavailable("a place in the status list is taken already")


def _plan_one(connection: Connection, resources: Resources, item: Item, *, now: int) -> Task:
    serial, version_no = random_serial(resources.rng), FIRST_VERSION
    if item.former is not None:
        serial = item.former.serial
        issuer_id = item.caller.principal.issuer_id
        version_no = Certificates(connection).last_version(issuer_id, serial) + 1
    lists = StatusLists(connection, rng=resources.rng, size=resources.list_size)
    place = lists.allocate(item.caller.sealing, now=now)
    new = _identify(resources, item, place, serial, version_no)
    task = _plan(resources, item, new, now=now)
    planned = task.planned
    Certificates(connection).add_plans([(new, planned.bytes, planned.plan.holders)])
    Idempotency(connection).claim_many([_claim_of(item, new)], now=now)
    return task


def _plan(resources: Resources, item: Item, new: NewCertificate, *, now: int) -> Task:
    """Write down what will be signed (pure but for the seed)."""
    caller, checked = item.caller, item.found
    seed, content, scope = resources.rng(SEED_BYTES), checked.content, item.job.scope
    draft = mint(
        content,
        record=caller.record,
        vct=checked.vct,
        new=new,
        iat=now,
        signer=checked.signer,
        seed=seed,
    )
    plan = Plan(
        header_json=draft.header_json,
        payload_json=draft.payload_json,
        disclosures=draft.disclosures,
        seed=seed,
        dictionary=content.kind.qr_dictionary,
        claims=content.claims,
        kind=caller.principal.kind,
        client_id=scope.client_id,
        request_id=caller.principal.request_id,
        route=scope.route,
        key_hash=scope.key_hash,
        reason=checked.reason,
        detail=checked.detail,
        holders=tuple(answers.holder_lookup(caller.sealing, *one) for one in content.holders),
    )
    signed = PlannedBytes(
        kid=checked.signer.kid,
        iat=now,
        nbf=content.validity.nbf,
        exp=content.validity.exp,
        planned_at=now,
        plan=answers.seal_plan(caller.sealing, new.certificate_id, plan),
    )
    planned = Planned(new=new, bytes=signed, plan_no=1, failures=0, plan=plan)
    return Task(principal=caller.principal, planned=planned, record=caller.record)


def _identify(
    resources: Resources, item: Item, place: Place, serial: str, version_no: int
) -> NewCertificate:
    """Draw an id; it, serial and place never change again."""
    caller, checked = item.caller, item.found
    kind = checked.content.kind
    try:
        identifier = make_identifier(kind.type_code, caller.record.uscc, serial, version_no)
    except CodeInvalid as error:
        # Three digits: a certificate that was re-issued 998 times needs a new serial.
        raise errors.VersionsExhausted(str(error)) from error
    certificate_id = resources.rng(ID_BYTES).hex()
    item.drawn.add(certificate_id)
    return NewCertificate(
        issuer_id=caller.principal.issuer_id,
        certificate_id=certificate_id,
        certificate_identifier=identifier,
        serial=serial,
        version_no=version_no,
        type=kind.name,
        type_version=kind.version,
        profile=checked.content.profile.name,
        list_no=place.list_no,
        list_index=place.index,
        supersedes_id=None if item.former is None else item.former.certificate_id,
    )
