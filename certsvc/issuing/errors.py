# ruff: noqa: N818 — names say what is wrong, codes are derived from them
"""Every way issuing says no.

IssuingError
├── ScopeMissing             scope_missing               the caller lacks a scope
├── IdempotencyKeyInvalid    idempotency_key_invalid     missing, too long or not visible ASCII
├── IdempotencyKeyReused     idempotency_key_reused      the key came with another request
├── RequestInProgress        request_in_progress         another worker has the same request
├── IssuerUnknown            issuer_not_registered       the caller's issuer is not set up
├── TypeUnknown              type_unknown                no such certificate type or version
├── ProfileUnknown           profile_unknown             the type has no such profile
├── ClaimsInvalid            claims_invalid              carries one finding a defect
├── CertificateTooLarge      certificate_too_large       the token would be refused by readers
├── NotAuthorisedForType     not_authorised_for_type     the trust record gives no right
├── TypeNotGranted           type_not_granted            the client may not issue this type
├── QuotaExceeded            quota_exceeded              the client's certificates of the day
├── ApprovalNeeded           approval_needed             a second person has to agree first
├── ApprovalRefused          approval_refused            the second person did not
├── ApprovalUnknown          approval_unknown            no such request waits
├── TooManyWaiting           too_many_waiting            the client has asked for as much as it may
├── SecondPersonNeeded       second_person_needed        nobody agrees to an own request
├── SigningUnavailable       signing_unavailable         no key may or can sign now
├── SelfCheckFailed          self_check_failed           the fresh token did not verify
├── StatusListUnpublished    status_list_unpublished     no published list has a free place
├── CertificateNotFound      certificate_not_found       no such certificate of this issuer
├── CodeUnknown              code_unknown                no certificate has this typed code
├── StateConflict            state_conflict              not in this state
├── VersionsExhausted        versions_exhausted          re-issued more often than can be counted
├── OperationUnknown         operation_unknown           the type has no such operation
├── ReasonInvalid            reason_invalid              no such reason, or a wrong detail
├── StorageUnavailable       storage_unavailable         the database failed
├── RecordTampered           record_tampered             a sealed column does not open
└── IntakeError              intake_error                a file cannot be read as records
    ├── FileTooLarge         file_too_large
    ├── EncodingUnknown      encoding_unknown
    ├── FileMalformed        file_malformed
    └── TooManyRows          too_many_rows
"""

from collections.abc import Sequence
from typing import ClassVar

from certsvc.catalogue.findings import FieldError
from certsvc.issuing.model import Pinned


class IssuingError(Exception):
    """Root; messages name no holder's data."""

    code: ClassVar[str] = "issuing_error"


class ScopeMissing(IssuingError):
    """The caller may not do this."""

    code = "scope_missing"


class IdempotencyKeyInvalid(IssuingError):
    """The Idempotency-Key is missing, too long, or not visible ASCII."""

    code = "idempotency_key_invalid"


class IdempotencyKeyReused(IssuingError):
    """The Idempotency-Key belongs to a request with another content."""

    code = "idempotency_key_reused"


class RequestInProgress(IssuingError):
    """The same request is being worked on; send it again later.

    Attributes:
        retry_after: Seconds after which the answer is surely there or can be made.
    """

    code = "request_in_progress"

    def __init__(self, retry_after: int) -> None:
        super().__init__("the same request is in progress")
        self.retry_after = retry_after


class TypeNotGranted(IssuingError):
    """The issuer may issue this type, this client of it may not (T52)."""

    code = "type_not_granted"


class QuotaExceeded(IssuingError):
    """The client has issued what it may a day (T52).

    Attributes:
        retry_after: Seconds until the next day in Asia/Shanghai begins.
    """

    code = "quota_exceeded"

    def __init__(self, retry_after: int) -> None:
        super().__init__("the client's certificates of the day are used up")
        self.retry_after = retry_after


class ApprovalNeeded(IssuingError):
    """A second person has to agree before anything is signed (T52).

    Attributes:
        approval_id: What waits; empty where nothing was recorded.
        created_at: Unix seconds since which it waits.
        pinned: What the request leaves open, as it stands now.
    """

    code = "approval_needed"

    def __init__(
        self, approval_id: str = "", created_at: int = 0, *, pinned: Pinned | None = None
    ) -> None:
        super().__init__("a second person has to agree to this request")
        self.approval_id = approval_id
        self.created_at = created_at
        self.pinned = pinned


class ApprovalRefused(IssuingError):
    """The second person did not agree."""

    code = "approval_refused"


class ApprovalUnknown(IssuingError):
    """The issuer has no such request, or it was decided already."""

    code = "approval_unknown"


class TooManyWaiting(IssuingError):
    """So many requests of the client wait that nobody could read more."""

    code = "too_many_waiting"


class SecondPersonNeeded(IssuingError):
    """Who asks cannot be the one who agrees."""

    code = "second_person_needed"


class IssuerUnknown(IssuingError):
    """The caller's issuer is not registered."""

    code = "issuer_not_registered"


class TypeUnknown(IssuingError):
    """No such certificate type, or no such version of it."""

    code = "type_unknown"


class ProfileUnknown(IssuingError):
    """The type has no such profile."""

    code = "profile_unknown"


class ClaimsInvalid(IssuingError):
    """The claims cannot become a certificate of the type.

    Attributes:
        errors: One finding a defect, in the schema's order.
    """

    code = "claims_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.code}" for error in errors))
        self.errors = tuple(errors)


class CertificateTooLarge(IssuingError):
    """The token would exceed what readers accept."""

    code = "certificate_too_large"


class NotAuthorisedForType(IssuingError):
    """The issuer's own trust record does not let it issue this, here and now."""

    code = "not_authorised_for_type"


class SigningUnavailable(IssuingError):
    """No key of the trust record may or can sign at the moment."""

    code = "signing_unavailable"


class SelfCheckFailed(IssuingError):
    """A freshly signed token did not verify or its QR frame did not round-trip: not released."""

    code = "self_check_failed"


class StatusListUnpublished(IssuingError):
    """No status list with free places is published yet."""

    code = "status_list_unpublished"


class CertificateNotFound(IssuingError):
    """The caller's issuer has no such certificate."""

    code = "certificate_not_found"


class CodeUnknown(IssuingError):
    """No certificate has this typed code."""

    code = "code_unknown"


class StateConflict(IssuingError):
    """The operation does not fit the certificate's state.

    Attributes:
        state: The certificate's state.
        operation: What was asked.
    """

    code = "state_conflict"

    def __init__(self, state: str, operation: str) -> None:
        super().__init__(f"a certificate in state {state} cannot take the operation {operation}")
        self.state = state
        self.operation = operation


class VersionsExhausted(IssuingError):
    """The identifier's version has three digits, and all are used."""

    code = "versions_exhausted"


class OperationUnknown(IssuingError):
    """The type has no such operation."""

    code = "operation_unknown"


class ReasonInvalid(IssuingError):
    """Reason and detail of a change of state are not what the type asks for.

    Attributes:
        errors: One finding a defect, at `/reason` or `/detail`.
    """

    code = "reason_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.code}" for error in errors))
        self.errors = tuple(errors)


class StorageUnavailable(IssuingError):
    """The database cannot be read or written now; nothing was half done."""

    code = "storage_unavailable"


class RecordTampered(IssuingError):
    """A sealed column was altered, or moved to another row."""

    code = "record_tampered"


class IntakeError(IssuingError):
    """A file cannot be read as records."""

    code = "intake_error"


class FileTooLarge(IntakeError):
    """The file is larger than the cap."""

    code = "file_too_large"


class EncodingUnknown(IntakeError):
    """The text is neither UTF-8 nor GB18030."""

    code = "encoding_unknown"


class FileMalformed(IntakeError):
    """The file as a whole breaks its format."""

    code = "file_malformed"


class TooManyRows(IntakeError):
    """The file has more rows than the cap."""

    code = "too_many_rows"
