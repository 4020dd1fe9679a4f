"""The issuing service as the running services use it: everything asked of it is counted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from certsvc.issuing.errors import IssuingError
from certsvc.issuing.model import CertificateView, Issued, IssueRequest, SupersedeRequest
from certsvc.issuing.service import IssuingService
from certsvc.service.database_errors import DatabaseUnavailable
from certsvc.service.metrics import Metrics
from certsvc.service.principal import Principal


class MeteredIssuing(IssuingService):
    """Counts what `IssuingService` does.

    Args:
        metrics: where it is counted.
        monotonic: seconds that never go back.
        options: as for `IssuingService`.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**options)
        self._metrics = metrics
        self._monotonic = monotonic

    def issue(self, principal: Principal, request: IssueRequest, idempotency_key: str) -> Issued:
        """As `IssuingService.issue`."""
        with self._timed():
            issued = super().issue(principal, request, idempotency_key)
        return self._counted(issued)

    def supersede(
        self,
        principal: Principal,
        certificate_id: str,
        request: SupersedeRequest,
        idempotency_key: str,
    ) -> Issued:
        """As `IssuingService.supersede`."""
        with self._timed():
            issued = super().supersede(principal, certificate_id, request, idempotency_key)
        if not issued.replayed:
            self._metrics.status_changes.add("supersede")
        return self._counted(issued)

    def change_status(
        self,
        principal: Principal,
        certificate_id: str,
        operation: str,
        reason: str | None = None,
        detail: str | None = None,
        idempotency_key: str | None = None,
    ) -> CertificateView:
        """As `IssuingService.change_status`."""
        view = super().change_status(
            principal, certificate_id, operation, reason, detail, idempotency_key
        )
        self._metrics.status_changes.add(operation)
        return view

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = self._monotonic()
        try:
            yield
        except (IssuingError, DatabaseUnavailable) as error:
            self._metrics.refused.add(error.code)
            raise
        finally:
            self._metrics.issue_seconds.observe(self._monotonic() - started)

    def _counted(self, issued: Issued) -> Issued:
        if issued.replayed:
            self._metrics.replays.add()
        else:
            self._metrics.issued.add(issued.type)
        return issued
