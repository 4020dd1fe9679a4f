"""Plans that were left lying: read again, and renewed where they may no longer be signed."""

from dataclasses import replace

from sqlalchemy.engine import Connection

from certsvc import catalogue as types
from certsvc.catalogue.findings import FindingCode, finding
from certsvc.issuing import answers, errors
from certsvc.issuing.plan import (
    PLAN_SECONDS,
    SEED_BYTES,
    Content,
    Plan,
    Planned,
    check_right,
    choose_signer,
    mint,
    published_as_active,
)
from certsvc.issuing.resources import Resources
from certsvc.issuing.storing import Storer
from certsvc.issuing.tasks import Acts, Task, write_acts
from certsvc.storage.certificate_rows import CertificateRow, NewCertificate, PlannedBytes
from certsvc.storage.certificates import Certificates
from certsvc.storage.sealing import Sealing
from keys.errors import KeysError


def load(sealing: Sealing, row: CertificateRow) -> Planned:
    """Open a recorded plan.

    Raises:
        RequestInProgress: The row holds none any more.
    """
    if row.plan is None:
        raise errors.RequestInProgress(1)
    plan = Plan.from_bytes(sealing.open(row.plan, row=row.certificate_id, column=answers.PLAN))
    new = NewCertificate(**{name: getattr(row, name) for name in NewCertificate.__slots__})
    signed = PlannedBytes(**{name: getattr(row, name) for name in PlannedBytes.__slots__})
    return Planned(new=new, bytes=signed, plan_no=row.plan_no, failures=row.failures, plan=plan)


class Replanner:
    """Renews plans by compare-and-swap.

    Args:
        resources: What issuing works with.
        storer: Gives up what can never be signed.
    """

    def __init__(self, resources: Resources, storer: Storer) -> None:
        self._resources = resources
        self._storer = storer

    def renew(self, task: Task, *, now: int) -> None:
        """Make sure that a task's plan may be signed, or give it its outcome.

        A plan of at most `PLAN_SECONDS` whose key may sign stays as it is: the same bytes are
        signed again. Any other, one from the future too (the clock was set back), gets a new
        issue time, key, payload and seed, and keeps its identifier and its place in the list.
        """
        try:
            age = abs(now - task.planned.bytes.planned_at)
            if age > PLAN_SECONDS or not self._may_sign(task, now):
                self._renew(task, now=now)
        except (errors.SigningUnavailable, errors.RequestInProgress) as error:
            task.outcome = error
        except errors.IssuingError as error:
            # The right has ended, the validity is over, the type is gone: never to be signed.
            task.outcome = error
            self._give_up(task, error.code, now=now)

    def _may_sign(self, task: Task, now: int) -> bool:
        new, kid = task.planned.new, task.planned.bytes.kid
        try:
            self._resources.keys.signer(new.issuer_id, kid)
        except KeysError:
            return False
        return published_as_active(task.record, kid, new.type, now=now)

    def _renew(self, task: Task, *, now: int) -> None:
        resources, former = self._resources, task.planned
        new, sealing = former.new, resources.sealing(former.new.issuer_id)
        content = self._content(former, now=now)
        vct = content.kind.vct(resources.public_url)
        check_right(task.record, content.kind, content.validity, vct, now=now)
        signer = choose_signer(
            resources.keys, task.record, new.issuer_id, content.kind.name, now=now
        )
        seed = resources.rng(SEED_BYTES)
        draft = mint(
            content,
            record=task.record,
            vct=vct,
            new=new,
            iat=now,
            signer=signer,
            seed=seed,
        )
        plan = replace(
            former.plan,
            header_json=draft.header_json,
            payload_json=draft.payload_json,
            disclosures=draft.disclosures,
            seed=seed,
        )
        signed = PlannedBytes(
            kid=signer.kid,
            iat=now,
            nbf=content.validity.nbf,
            exp=content.validity.exp,
            planned_at=now,
            plan=answers.seal_plan(sealing, new.certificate_id, plan),
        )

        def swap(connection: Connection) -> None:
            certificates = Certificates(connection)
            if certificates.replan(new.issuer_id, new.certificate_id, former.plan_no, signed):
                acts: Acts = {(task.principal, "certificate.replan"): [new.certificate_id]}
                write_acts(connection, acts, now=now)
                return
            row = certificates.get(new.issuer_id, new.certificate_id)
            # A seal is never made twice: this one is there by an attempt that was in doubt.
            if row is None or row.plan != signed.plan:
                raise errors.RequestInProgress(1)

        resources.write(swap)
        task.planned = replace(former, bytes=signed, plan_no=former.plan_no + 1, plan=plan)

    def _content(self, planned: Planned, *, now: int) -> Content:
        new, signed = planned.new, planned.bytes
        try:
            kind = self._resources.catalogue.get(new.type, new.type_version)
            profile = kind.profile(new.profile)
        except types.CatalogueError as error:
            raise errors.TypeUnknown(str(error)) from error
        if signed.exp is not None and signed.exp <= now:
            over = FindingCode.ALREADY_EXPIRED
            raise errors.ClaimsInvalid([finding("", over, "有效期已过", "the validity is over")])
        return Content(
            kind=kind,
            profile=profile,
            claims=planned.plan.claims,
            validity=types.Validity(signed.nbf, signed.exp),
        )

    def _give_up(self, task: Task, reason: str, *, now: int) -> None:
        def abandon(connection: Connection) -> None:
            acts: Acts = {}
            self._storer.abandon(connection, task, acts, reason=reason)
            write_acts(connection, acts, now=now)

        self._resources.write(abandon)
