"""The one table from what issuing, the catalogue and the database refuse to what clients read."""

from collections.abc import Callable, Sequence

from certsvc.api.face_errors import FACE_KINDS, face_problems
from certsvc.catalogue.findings import FieldError
from certsvc.issuing import errors
from certsvc.service.engine import DatabaseUnavailable
from certsvc.service.problems import (
    NOT_FOUND,
    SCOPE_MISSING,
    FieldProblem,
    Problem,
    ProblemKind,
    ProblemTable,
    problem_at,
)

RETRY_SECONDS = "5"  # what is missing comes back by itself: a worker, a key, a database

IDEMPOTENCY_KEY_MISSING = ProblemKind(
    "idempotency_key_missing", 400, "缺少 Idempotency-Key", "The Idempotency-Key header is needed"
)
IDEMPOTENCY_KEY_INVALID = ProblemKind(
    "idempotency_key_invalid",
    400,
    "Idempotency-Key 应为 1 至 128 个可打印 ASCII 字符",
    "An Idempotency-Key has 1 to 128 printable ASCII characters",
)
PARAMETER_INVALID = ProblemKind(
    "parameter_invalid", 400, "查询参数不符合要求", "A query parameter is not acceptable"
)
NOT_AUTHORISED_FOR_TYPE = ProblemKind(
    "not_authorised_for_type",
    403,
    "信任清单未登记本机关签发此类证照的权限",
    "The trust list does not give this issuer the right to this type",
)
TYPE_NOT_GRANTED = ProblemKind(
    "type_not_granted",
    403,
    "此客户端未获授权签发此类证照",
    "This client was not granted this certificate type",
)
APPROVAL_NEEDED = ProblemKind(
    "approval_needed", 403, "此类证照须经第二人同意", "A second person has to agree to this type"
)
APPROVAL_REFUSED = ProblemKind(
    "approval_refused", 403, "第二人未同意此请求", "The second person did not agree to this request"
)
SECOND_PERSON_NEEDED = ProblemKind(
    "second_person_needed",
    403,
    "申请人不能同意自己的请求",
    "Nobody agrees to an own request",
)
APPROVAL_UNKNOWN = ProblemKind(
    "approval_unknown",
    404,
    "没有此待同意的请求，或已有决定",
    "No such request waits, or it was decided already",
)
TOO_MANY_WAITING = ProblemKind(
    "too_many_waiting",
    429,
    "此客户端待第二人同意的请求过多",
    "Too many requests of this client wait for a second person",
)
QUOTA_EXCEEDED = ProblemKind(
    "quota_exceeded",
    429,
    "此客户端今日的签发数量已用完",
    "This client's certificates of the day are used up",
)
REQUEST_IN_PROGRESS = ProblemKind(
    "request_in_progress",
    409,
    "同一请求正在处理，请稍后重试",
    "The same request is in progress; try again later",
)
CODE_UNKNOWN = ProblemKind("code_unknown", 404, "没有此短码", "Nobody has this typed code")
STATE_CONFLICT = ProblemKind(
    "state_conflict",
    409,
    "证照当前状态不允许此操作",
    "The certificate's present state does not allow this operation",
)
VERSIONS_EXHAUSTED = ProblemKind(
    "versions_exhausted",
    409,
    "证照版本号已用尽，请签发新证照",
    "The certificate's version numbers are used up; issue a new certificate",
)
PRINT_TOO_SMALL = ProblemKind(
    "print_too_small",
    422,
    "二维码印得太小，扫码设备无法识读",
    "No scanner would read the QR code at that size",
)
IDEMPOTENCY_KEY_REUSED = ProblemKind(
    "idempotency_key_reused",
    422,
    "此 Idempotency-Key 已用于另一内容的请求",
    "The Idempotency-Key was used with another request",
)
TYPE_UNKNOWN = ProblemKind(
    "type_unknown", 422, "没有此证照类型或版本", "No such certificate type or version"
)
PROFILE_UNKNOWN = ProblemKind(
    "profile_unknown", 422, "该类型没有此版式", "The type has no such profile"
)
CLAIMS_INVALID = ProblemKind(
    "claims_invalid",
    422,
    "证照内容不符合该类型的要求",
    "The claims do not follow the certificate type",
)
CERTIFICATE_TOO_LARGE = ProblemKind(
    "certificate_too_large", 422, "证照内容过多", "The certificate is too large"
)
OPERATION_UNKNOWN = ProblemKind(
    "operation_unknown", 422, "该类型没有此操作", "The type has no such operation"
)
REASON_INVALID = ProblemKind(
    "reason_invalid",
    422,
    "原因或说明不符合该类型的要求",
    "Reason or detail are not what the type asks for",
)
SELF_CHECK_FAILED = ProblemKind(
    "self_check_failed",
    500,
    "新签发的证照未通过自检，未予发放",
    "The new certificate failed its own verification and was not released",
)
SIGNING_UNAVAILABLE = ProblemKind(
    "signing_unavailable", 503, "暂无可用的签发密钥", "No signing key is available now"
)
STATUS_LIST_UNPUBLISHED = ProblemKind(
    "status_list_unpublished",
    503,
    "状态列表尚未发布，请稍后重试",
    "The status list is not published yet; try again later",
)
DATABASE_UNAVAILABLE = ProblemKind(
    "database_unavailable", 503, "数据库暂不可用，请稍后重试", "The database is not available now"
)
RECOVERY_NEEDED = ProblemKind(
    "recovery_needed",
    503,
    "数据库落后于已发布的内容，恢复完成前不签发",
    "The database lags behind what is published; nothing is issued before its recovery",
)
ISSUER_NOT_REGISTERED = ProblemKind(
    "issuer_not_registered", 503, "发证机关尚未登记", "The issuer is not set up"
)

COSIGNATURE_REFUSED = ProblemKind(
    "cosignature_refused",
    422,
    "不是本日志的签名摘要，或没有所认可见证人的有效签名",
    "Not a checkpoint of this log, or no good signature of a witness known here",
)
LOG_ENTRY_UNKNOWN = ProblemKind(
    "log_entry_unknown",
    404,
    "签发公示日志中没有此项",
    "The transparency log has no such entry",
)
LOG_NOT_MERGED = ProblemKind(
    "log_not_merged",
    503,
    "此项正在写入签发公示日志，请稍后重试",
    "The entry is being merged into the transparency log; try again later",
)
LOG_UNAVAILABLE = ProblemKind(
    "log_unavailable",
    503,
    "签发公示日志暂不可用，请稍后重试",
    "The transparency log cannot be read now",
)

API_KINDS: tuple[ProblemKind, ...] = (
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_INVALID,
    PARAMETER_INVALID,
    NOT_AUTHORISED_FOR_TYPE,
    TYPE_NOT_GRANTED,
    APPROVAL_NEEDED,
    APPROVAL_REFUSED,
    SECOND_PERSON_NEEDED,
    APPROVAL_UNKNOWN,
    TOO_MANY_WAITING,
    QUOTA_EXCEEDED,
    REQUEST_IN_PROGRESS,
    CODE_UNKNOWN,
    STATE_CONFLICT,
    VERSIONS_EXHAUSTED,
    PRINT_TOO_SMALL,
    IDEMPOTENCY_KEY_REUSED,
    TYPE_UNKNOWN,
    PROFILE_UNKNOWN,
    CLAIMS_INVALID,
    CERTIFICATE_TOO_LARGE,
    OPERATION_UNKNOWN,
    REASON_INVALID,
    SELF_CHECK_FAILED,
    SIGNING_UNAVAILABLE,
    STATUS_LIST_UNPUBLISHED,
    DATABASE_UNAVAILABLE,
    RECOVERY_NEEDED,
    ISSUER_NOT_REGISTERED,
    COSIGNATURE_REFUSED,
    LOG_ENTRY_UNKNOWN,
    LOG_NOT_MERGED,
    LOG_UNAVAILABLE,
    *FACE_KINDS,
)


def _plain(kind: ProblemKind) -> Callable[[Exception], Problem]:
    return lambda _: Problem(kind)


def _later(kind: ProblemKind) -> Callable[[Exception], Problem]:
    return lambda _: Problem(kind, headers={"Retry-After": RETRY_SECONDS})


def _at(kind: ProblemKind, path: str) -> Callable[[Exception], Problem]:
    return lambda _: problem_at(kind, path)


def _claims(error: errors.ClaimsInvalid) -> Problem:
    return Problem(CLAIMS_INVALID, errors=field_problems(error.errors, "/claims"))


def _reason(error: errors.ReasonInvalid) -> Problem:
    return Problem(REASON_INVALID, errors=field_problems(error.errors, ""))


def _in_progress(error: errors.RequestInProgress) -> Problem:
    return Problem(REQUEST_IN_PROGRESS, headers={"Retry-After": str(error.retry_after)})


def _tomorrow(error: errors.QuotaExceeded) -> Problem:
    return Problem(QUOTA_EXCEEDED, headers={"Retry-After": str(error.retry_after)})


def _conflict(error: errors.StateConflict) -> Problem:
    return Problem(STATE_CONFLICT, detail=str(error))


def field_problems(found: Sequence[FieldError], prefix: str) -> list[FieldProblem]:
    """Findings of the catalogue at their places in the request's body."""
    return [
        FieldProblem(prefix + one.path, one.code, one.zh, one.en, one.value_position)
        for one in found
    ]


def problem_table() -> ProblemTable:
    """Error class -> problem; whatever is not listed is `internal_error`."""
    return {
        errors.ScopeMissing: _plain(SCOPE_MISSING),
        errors.IdempotencyKeyInvalid: _plain(IDEMPOTENCY_KEY_INVALID),
        errors.IdempotencyKeyReused: _plain(IDEMPOTENCY_KEY_REUSED),
        errors.RequestInProgress: _in_progress,
        errors.IssuerUnknown: _later(ISSUER_NOT_REGISTERED),
        errors.TypeUnknown: _at(TYPE_UNKNOWN, "/type"),
        errors.ProfileUnknown: _at(PROFILE_UNKNOWN, "/profile"),
        errors.ClaimsInvalid: _claims,
        errors.CertificateTooLarge: _plain(CERTIFICATE_TOO_LARGE),
        errors.NotAuthorisedForType: _at(NOT_AUTHORISED_FOR_TYPE, "/type"),
        errors.TypeNotGranted: _at(TYPE_NOT_GRANTED, "/type"),
        errors.ApprovalNeeded: _plain(APPROVAL_NEEDED),
        errors.ApprovalRefused: _plain(APPROVAL_REFUSED),
        errors.SecondPersonNeeded: _plain(SECOND_PERSON_NEEDED),
        errors.ApprovalUnknown: _plain(APPROVAL_UNKNOWN),
        errors.TooManyWaiting: _later(TOO_MANY_WAITING),
        errors.QuotaExceeded: _tomorrow,
        errors.SigningUnavailable: _later(SIGNING_UNAVAILABLE),
        errors.SelfCheckFailed: _plain(SELF_CHECK_FAILED),
        errors.StatusListUnpublished: _later(STATUS_LIST_UNPUBLISHED),
        # Another issuer's certificate and a missing one: the same answer as any missing route.
        errors.CertificateNotFound: _plain(NOT_FOUND),
        errors.CodeUnknown: _plain(CODE_UNKNOWN),
        errors.StateConflict: _conflict,
        errors.VersionsExhausted: _plain(VERSIONS_EXHAUSTED),
        errors.OperationUnknown: _plain(OPERATION_UNKNOWN),
        errors.ReasonInvalid: _reason,
        errors.StorageUnavailable: _later(DATABASE_UNAVAILABLE),
        DatabaseUnavailable: _later(DATABASE_UNAVAILABLE),
        **face_problems(),
    }
