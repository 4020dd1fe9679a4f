"""Step 3 of an issuance: keys are claimed and plans recorded, all in one transaction."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.catalogue import CodeInvalid
from certsvc.catalogue.codes import make_identifier
from certsvc.issuing import answers, errors, transitions
from certsvc.issuing.finishing import Acts, Task, write_acts
from certsvc.issuing.jobs import Checked, Item, look_up
from certsvc.issuing.plan import SEED_BYTES, Plan, Planned, mint, random_serial
from certsvc.issuing.resources import Resources
from certsvc.storage.certificate_rows import NewCertificate, PlannedBytes
from certsvc.storage.certificates import Certificates
from certsvc.storage.errors import StatusListUnpublished
from certsvc.storage.idempotency import Idempotency
from certsvc.storage.status_lists import StatusLists

ID_BYTES = 16
FIRST_VERSION = 1


def record_plans(
    connection: Connection, resources: Resources, items: Sequence[Item], *, now: int
) -> None:
    """Record a plan for each item, or an outcome that says why not.

    Args:
        connection: The first transaction.
        resources: What issuing works with.
        items: Items that passed step 2.
        now: Unix seconds.
    """
    acts: Acts = {}
    for item in items:
        try:
            # A savepoint an item: one that fails takes no other with it.
            with connection.begin_nested():
                _claim(connection, resources, item, now=now)
        except StatusListUnpublished as error:
            item.outcome = errors.StatusListUnpublished(str(error))
            lists = StatusLists(connection, rng=resources.rng)
            lists.ensure_open(item.caller.sealing, now=now)
        except sa.exc.IntegrityError:
            item.outcome = _taken(connection, item)
        except errors.IssuingError as error:
            item.outcome = error
        if item.outcome is not None:
            item.task = None
        elif item.task is not None:
            planned = acts.setdefault((item.job.principal, "certificate.plan"), [])
            planned.append(item.task.planned.new.certificate_id)
    write_acts(connection, acts, now=now)


def _claim(connection: Connection, resources: Resources, item: Item, *, now: int) -> None:
    # Looked up again: since step 1 another worker may have claimed the key.
    look_up(connection, item)
    if item.task is not None:
        raise errors.RequestInProgress(1)
    if item.outcome is None and item.checked is not None:
        item.task = _plan(connection, resources, item, item.checked, now=now)


def _taken(connection: Connection, item: Item) -> errors.IssuingError:
    """Say why a row could not be inserted: the database saw what the look-up could not yet see."""
    if Idempotency(connection).get(item.job.scope) is not None:
        return errors.RequestInProgress(1)
    if item.former is not None:
        return errors.StateConflict(item.former.state.value, transitions.SUPERSEDE)
    # An old backup was put back: its counters would give out places a second time (T42).
    return errors.StorageUnavailable("a place in the status list is taken already")


def _plan(
    connection: Connection,
    resources: Resources,
    item: Item,
    checked: Checked,
    *,
    now: int,
) -> Task:
    caller = item.caller
    new = _identify(connection, resources, item, checked, now=now)
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
    Certificates(connection).add_plan(new, signed, holders=plan.holders)
    Idempotency(connection).claim(
        scope, fingerprint=item.fingerprint, certificate_id=new.certificate_id, now=now
    )
    planned = Planned(new=new, bytes=signed, plan_no=1, failures=0, plan=plan)
    return Task(principal=caller.principal, planned=planned, record=caller.record)


def _identify(
    connection: Connection,
    resources: Resources,
    item: Item,
    checked: Checked,
    *,
    now: int,
) -> NewCertificate:
    """Draw id and serial and take a place in the status list; these never change again."""
    caller = item.caller
    issuer_id, kind = caller.principal.issuer_id, checked.content.kind
    serial, version_no, supersedes = random_serial(resources.rng), FIRST_VERSION, None
    if item.former is not None:
        serial, supersedes = item.former.serial, item.former.certificate_id
        version_no = Certificates(connection).last_version(issuer_id, serial) + 1
    try:
        identifier = make_identifier(kind.type_code, caller.record.uscc, serial, version_no)
    except CodeInvalid as error:
        # Three digits: a certificate that was re-issued 998 times needs a new serial.
        raise errors.VersionsExhausted(str(error)) from error
    place = StatusLists(connection, rng=resources.rng).allocate(caller.sealing, now=now)
    return NewCertificate(
        issuer_id=issuer_id,
        certificate_id=resources.rng(ID_BYTES).hex(),
        certificate_identifier=identifier,
        serial=serial,
        version_no=version_no,
        type=kind.name,
        type_version=kind.version,
        profile=checked.content.profile.name,
        list_no=place.list_no,
        list_index=place.index,
        supersedes_id=supersedes,
    )
