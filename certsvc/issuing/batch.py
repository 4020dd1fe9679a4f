"""A file of records becomes certificates, with a report row by row. Nothing is printed here."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from certsvc.catalogue import FieldError
from certsvc.issuing import errors
from certsvc.issuing.intake import Intake, Row
from certsvc.issuing.jobs import Outcome
from certsvc.issuing.model import Issued, IssueRequest
from certsvc.issuing.service import CHUNK, IssuingService
from certsvc.service.principal import Principal

# What hits every row alike: going on would only repeat it, and the same file can be sent again.
_FATAL = (
    errors.ScopeMissing,
    errors.IssuerUnknown,
    errors.StorageUnavailable,
    errors.SigningUnavailable,
    errors.StatusListUnpublished,
)

_SENTENCES = {
    errors.NotAuthorisedForType.code: (
        "本机关未获授权签发此类证照",
        "the issuer has no right to issue this",
    ),
    errors.RequestInProgress.code: (
        "同一行正在处理，请稍后重新提交此文件",
        "the same row is in progress: send the file again later",
    ),
    errors.SelfCheckFailed.code: (
        "签发后自检未通过，未签发；系统将自动重试",
        "the fresh certificate failed its own check and was not issued; it will be tried again",
    ),
    errors.CertificateTooLarge.code: (
        "内容过多，一个证照容纳不下",
        "too much for one certificate",
    ),
    errors.ApprovalNeeded.code: (
        "此类证照须经第二人同意，不能成批签发",
        "a second person has to agree to this type: it is not issued in batches",
    ),
    errors.TypeUnknown.code: ("没有此证照类型", "no such certificate type"),
    errors.ProfileUnknown.code: ("没有此版式", "no such profile"),
}
_OTHERWISE = ("无法签发", "cannot be issued")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What became of one row.

    Attributes:
        number: 1 for the first record.
        line: Line of the file.
        certificate_id: Opaque id, if a certificate exists now.
        certificate_identifier: 电子证照标识, if a certificate exists now.
        replayed: Whether an earlier run with the same file made it.
        errors: Why there is no certificate.
    """

    number: int
    line: int
    certificate_id: str | None = None
    certificate_identifier: str | None = None
    replayed: bool = False
    errors: tuple[FieldError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a certificate exists for the row."""
        return self.certificate_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a file."""

    sha256: str
    rows: Sequence[RowResult]
    unknown_columns: tuple[str, ...] = ()

    @property
    def issued(self) -> int:
        """How many certificates this run made."""
        return sum(row.ok and not row.replayed for row in self.rows)

    @property
    def replayed(self) -> int:
        """How many an earlier run had made."""
        return sum(row.replayed for row in self.rows)

    @property
    def refused(self) -> int:
        """How many rows have no certificate."""
        return sum(not row.ok for row in self.rows)


def issue_file(
    service: IssuingService,
    principal: Principal,
    rows: Intake,
    type_name: str,
    on_progress: Callable[[RowResult], None] | None = None,
    *,
    profile: str | None = None,
    version: int | None = None,
) -> Report:
    """Issue a certificate for every good row; the same file again issues nothing twice.

    Args:
        service: The issuing service.
        principal: Who asks; needs the scope `issue`.
        rows: The file, taken apart by `certsvc.issuing.intake.read_rows`.
        type_name: Short name of the certificate type.
        on_progress: Called with each row's result, in order.
        profile: A profile of the type; `None` for its default.
        version: A version of the type; `None` for the newest.

    Returns:
        The report, row by row.

    Raises:
        IssuingError: What concerns all rows: a missing scope, storage, signing, status lists.
            Rows reported before are issued; the same file may be sent again.
    """
    results: list[RowResult] = []
    for start in range(0, len(rows.rows), CHUNK):
        chunk = rows.rows[start : start + CHUNK]
        good = [row for row in chunk if not row.errors]
        requests = [
            (
                IssueRequest(type=type_name, claims=row.record, profile=profile, version=version),
                _key(rows, row, type_name, profile, version),
            )
            for row in good
        ]
        outcomes = iter(service.issue_many(principal, requests, adopt=True))
        for result in _results(chunk, outcomes):
            results.append(result)
            if on_progress is not None:
                on_progress(result)
    return Report(sha256=rows.sha256, rows=results, unknown_columns=rows.unknown_columns)


def _key(rows: Intake, row: Row, type_name: str, profile: str | None, version: int | None) -> str:
    """Name a row for ever: same file, place, content and kind of certificate, same key."""
    parts = (rows.sha256, row.number, row.digest(), type_name, profile or "", version or "")
    digest = hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()
    return f"file-{digest}"


def _results(chunk: Sequence[Row], outcomes: Iterator[Outcome]) -> Iterator[RowResult]:
    for row in chunk:
        if row.errors:
            yield RowResult(number=row.number, line=row.line, errors=row.errors)
            continue
        outcome = next(outcomes)
        if isinstance(outcome, _FATAL):
            raise outcome
        if isinstance(outcome, Issued):
            yield RowResult(
                number=row.number,
                line=row.line,
                certificate_id=outcome.certificate_id,
                certificate_identifier=outcome.certificate_identifier,
                replayed=outcome.replayed,
            )
        else:
            yield RowResult(number=row.number, line=row.line, errors=_field_errors(outcome))


def _field_errors(error: errors.IssuingError) -> tuple[FieldError, ...]:
    if isinstance(error, errors.ClaimsInvalid):
        return error.errors
    zh, en = _SENTENCES.get(error.code, _OTHERWISE)
    return (FieldError("", error.code, zh, en),)
