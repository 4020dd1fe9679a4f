"""The issuing service: everything that can be asked of it, for one caller at a time."""

import secrets
from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection, Engine

from certsvc.catalogue import Catalogue
from certsvc.issuing import answers, errors
from certsvc.issuing.allowing import require
from certsvc.issuing.codes import Codes
from certsvc.issuing.combining import Combiner
from certsvc.issuing.cycle import Cycle
from certsvc.issuing.exports import Exports
from certsvc.issuing.finishing import Finisher
from certsvc.issuing.jobs import Job, Outcome, Supersession
from certsvc.issuing.leaves import backfill
from certsvc.issuing.model import (
    MAX_KEY_CHARACTERS,
    CertificateView,
    Issued,
    IssueRequest,
    IssuingSettings,
    Records,
    SupersedeRequest,
    SweepReport,
)
from certsvc.issuing.resources import Resources, StoredRecords, translated
from certsvc.issuing.second_person import SecondPerson
from certsvc.issuing.status_changes import StatusChange, change_status
from certsvc.issuing.sweeper import Sweeper
from certsvc.issuing.tasks import Checkpoint
from certsvc.service.principal import Principal
from certsvc.service.retries import ONCE, Retries
from certsvc.service.tracing import NO_TRACER, Tracer
from certsvc.storage.certificates import Certificates
from certsvc.storage.idempotency import Scope
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.status_rows import ListInfo
from keys.store import KeyStore

# Requests that share their two transactions: long enough to save commits, short enough to wait.
CHUNK = 50


def _no_checkpoint(_step: int) -> None: ...


class IssuingService:
    """Issues certificates and changes their state.

    Args:
        engine: The issuer's database (`certsvc.service.engine.make_engine`).
        keys: Custody.
        catalogue: The certificate types.
        settings: Anything with a `public_url`.
        records: The issuers' own trust records; by default as the database has them.
        clock: Unix seconds.
        rng: Random bytes.
        checkpoint: Called with the number of each step of an issuance, for tests.
        retries: How often a transaction that was aborted, lost or is in doubt is run again.
        tracer: Notes each step.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        keys: KeyStore,
        catalogue: Catalogue,
        settings: IssuingSettings,
        records: Records | None = None,
        clock: Callable[[], float],
        rng: Callable[[int], bytes] = secrets.token_bytes,
        checkpoint: Checkpoint = _no_checkpoint,
        retries: Retries = ONCE,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._resources = Resources(
            engine=engine,
            keys=keys,
            catalogue=catalogue,
            records=records or StoredRecords(engine, retries),
            public_url=settings.public_url,
            list_size=settings.status_list_size,
            second_person_types=settings.second_person_types,
            clock=clock,
            rng=rng,
            retries=retries,
            tracer=tracer,
        )
        cycle = self._cycle = Cycle(self._resources, checkpoint)
        self._combiner = Combiner(cycle.run, lambda job: cycle.run([job], adopt=True)[0])
        self.second_person = SecondPerson(self._resources)
        self.exports = Exports(self._resources)
        self.codes = Codes(self._resources)
        self._sweeper = Sweeper(self._resources, Finisher(self._resources, _no_checkpoint))

    def issue(self, principal: Principal, request: IssueRequest, idempotency_key: str) -> Issued:
        """Issue one certificate, once, however often the same request is sent.

        Args:
            principal: Who asks; needs the scope `issue`.
            request: What to issue.
            idempotency_key: The client's name for this request, 1 to 128 visible ASCII characters.

        Raises:
            IssuingError: See `certsvc.issuing.errors`; `RequestInProgress` and the errors of
                storage and signing mean that the same request may be sent again.
        """
        return self._combined(self._job(principal, request, idempotency_key))

    def issue_many(
        self,
        principal: Principal,
        requests: Sequence[tuple[IssueRequest, str]],
        *,
        adopt: bool = False,
    ) -> list[Outcome]:
        """Issue many certificates; `CHUNK` of them share their commits.

        Args:
            principal: Who asks; needs the scope `issue`.
            requests: Requests with their Idempotency-Keys.
            adopt: Finish what an earlier run of the same caller left behind.

        Returns:
            For each request the certificate, or the error that it alone has.

        Raises:
            IssuingError: What concerns all of them, such as a missing scope.
        """
        jobs = [self._job(principal, request, key) for request, key in requests]
        done: list[Outcome] = []
        for start in range(0, len(jobs), CHUNK):
            with translated():
                done += self._cycle.run(jobs[start : start + CHUNK], adopt=adopt)
        return done

    def _job(self, principal: Principal, request: IssueRequest, key: str) -> Job:
        require(principal, "issue")
        return Job(
            principal=principal,
            scope=self._scope(principal, "issue", key),
            content=request.content(),
            request=request,
        )

    def _combined(self, job: Job) -> Issued:
        with translated():
            outcome = self._combiner.submit(job)
        if isinstance(outcome, errors.ApprovalNeeded):
            raise self.second_person.propose(job, outcome.pinned)
        if isinstance(outcome, errors.IssuingError):
            raise outcome
        return outcome

    def supersede(
        self,
        principal: Principal,
        certificate_id: str,
        request: SupersedeRequest,
        idempotency_key: str,
    ) -> Issued:
        """Issue a certificate in place of an earlier one, which becomes superseded with it.

        Args:
            principal: Who asks; needs the scopes `issue` and `status`.
            certificate_id: The earlier certificate.
            request: The new content.
            idempotency_key: The client's name for this request.

        Raises:
            IssuingError: See `issue`; also `CertificateNotFound`, `StateConflict`.
        """
        require(principal, "issue", "status")
        job = Job(
            principal=principal,
            scope=self._scope(principal, "supersede", idempotency_key),
            content={"certificate_id": certificate_id, **request.content()},
            # The cycle puts the earlier certificate's type in.
            request=IssueRequest(
                type="", claims=request.claims, profile=request.profile, version=request.version
            ),
            supersedes=Supersession(
                certificate_id=certificate_id, reason=request.reason, detail=request.detail
            ),
        )
        return self._combined(job)

    def change_status(
        self,
        principal: Principal,
        certificate_id: str,
        operation: str,
        reason: str | None = None,
        detail: str | None = None,
        idempotency_key: str | None = None,
    ) -> CertificateView:
        """Suspend, resume or revoke a certificate.

        Args:
            principal: Who asks; needs the scope `status`.
            certificate_id: The certificate.
            operation: `suspend`, `resume` or `revoke`.
            reason: A reason that the type lists for the operation; `None` takes its first.
            detail: Free text that some reasons ask for.
            idempotency_key: The client's name for this request.

        Raises:
            IssuingError: See `certsvc.issuing.status_changes.change_status`.
        """
        require(principal, "status")
        change = StatusChange(
            certificate_id=certificate_id, operation=operation, reason=reason, detail=detail
        )
        scope = None
        if idempotency_key is not None:
            scope = self._scope(principal, f"status/{operation}"[:64], idempotency_key)
        with translated():
            return change_status(self._resources, principal, change, scope)

    def get(self, principal: Principal, certificate_id: str) -> CertificateView:
        """Show one certificate of the caller's issuer.

        Raises:
            ScopeMissing: The caller lacks `read`.
            CertificateNotFound: The issuer has none; the same for another issuer's (T63).
        """
        require(principal, "read")
        with translated():
            row = self._resources.read(
                lambda connection: Certificates(connection).get(principal.issuer_id, certificate_id)
            )
            if row is None or not row.visible:
                raise errors.CertificateNotFound("no such certificate")
            return answers.view(self._resources.sealing(principal.issuer_id), row)

    def find_by_holder(
        self, principal: Principal, kind: str, code: str
    ) -> Sequence[CertificateView]:
        """Show a holder's certificates from the caller's issuer, oldest first.

        Args:
            principal: Who asks; needs the scope `read`.
            kind: Kind of the holder's code (GB/T 36903), such as 001 or 111.
            code: The holder's code; case and blanks around it do not matter.

        Raises:
            ScopeMissing: The caller lacks `read`.
            RecordTampered: The look-up leads to a certificate of somebody else.
        """
        require(principal, "read")
        with translated():
            sealing = self._resources.sealing(principal.issuer_id)
            lookup = answers.holder_lookup(sealing, kind, code)
            rows = self._resources.read(
                lambda connection: Certificates(connection).by_holder(principal.issuer_id, lookup)
            )
            return [answers.view_of_holder(sealing, row, lookup) for row in rows]

    def sweep(self, now: int) -> SweepReport:
        """Finish what crashes left behind by `now` (Unix seconds), for every issuer.

        Raises:
            StorageUnavailable: The database failed; sweep again later.
        """
        with translated():
            return self._sweeper.sweep(now)

    def ensure_open(self, issuer_id: str) -> ListInfo:
        """Make sure that an issuer has a status list with free places; for set-up and worker.

        The list that comes back waits for the publisher while its `published_version` is 0.
        """
        resources = self._resources

        def make(connection: Connection) -> ListInfo:
            lists = StatusLists(connection, rng=resources.rng, size=resources.list_size)
            return lists.ensure_open(resources.sealing(issuer_id), now=resources.now())

        with translated():
            return resources.write(make)

    def begin_log(self, origin: str, keeps: Callable[[], bool]) -> int:
        """Begin the transparency log; see `certsvc.issuing.leaves.backfill`."""
        return backfill(self._resources.engine, self._resources.sealing, origin, keeps=keeps)

    def _scope(self, principal: Principal, route: str, key: str) -> Scope:
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not all(" " <= one <= "~" for one in key):
            raise errors.IdempotencyKeyInvalid("1 to 128 visible ASCII characters")
        with translated():
            key_hash = self._resources.sealing(principal.issuer_id).lookup("idempotency-key", key)
        return Scope(
            issuer_id=principal.issuer_id,
            client_id=principal.client_id,
            route=route,
            key_hash=key_hash,
        )
