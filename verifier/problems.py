"""What the verifier answers instead of verdicts, and the one table from errors to it."""

from certsvc.service.problems import (
    BODY_MALFORMED,
    FieldProblem,
    Problem,
    ProblemKind,
    ProblemTable,
    problem_at,
)
from certsvc_sdk import errors
from verifier.nonces import NoncesUnavailable
from verifier.schemas import MAX_FILES, MAX_ITEMS

INPUT_MISSING = ProblemKind("input_missing", 422, "没有可核验的内容", "Nothing to verify was given")
TOO_MANY_ITEMS = ProblemKind(
    "too_many_items",
    422,
    f"一次提交的内容过多，至多 {MAX_FILES} 个文件、共 {MAX_ITEMS} 项",
    f"Too many items in one request; at most {MAX_FILES} files, {MAX_ITEMS} items in all",
)
IMAGE_UNREADABLE = ProblemKind(
    "image_unreadable", 422, "图片或 PDF 无法读取", "The image or PDF cannot be read"
)
NO_CODE_FOUND = ProblemKind(
    "no_code_found", 422, "图片或 PDF 中没有找到二维码", "No code was found in the image or PDF"
)
FILE_UNSUPPORTED = ProblemKind(
    "file_unsupported",
    422,
    "不支持这种文件，请使用 PNG、JPEG 图片或 PDF",
    "This kind of file is not read; use a PNG or JPEG image or a PDF",
)
FILE_TOO_LARGE = ProblemKind(
    "file_too_large", 413, "文件或图片过大", "The file or image is too large"
)
POLICY_INVALID = ProblemKind(
    "policy_invalid", 422, "核验规则不符合要求", "The policy is not well formed"
)
SEVERAL_CERTIFICATES = ProblemKind(
    "several_certificates",
    422,
    "发现多份证照，请只提交一份",
    "More than one certificate was found; submit exactly one",
)
NONCES_UNAVAILABLE = ProblemKind(
    "nonces_unavailable", 503, "暂时无法发出随机数，请稍后重试", "No nonce can be given out now"
)

VERIFIER_KINDS: tuple[ProblemKind, ...] = (
    INPUT_MISSING,
    TOO_MANY_ITEMS,
    IMAGE_UNREADABLE,
    NO_CODE_FOUND,
    FILE_UNSUPPORTED,
    FILE_TOO_LARGE,
    POLICY_INVALID,
    SEVERAL_CERTIFICATES,
    NONCES_UNAVAILABLE,
)

# Why a file gave no verdict; each file of a request may have its own reason.
FILE_KINDS: dict[type[errors.CertsvcError], ProblemKind] = {
    errors.ImageUnreadable: IMAGE_UNREADABLE,
    errors.NoCodeFound: NO_CODE_FOUND,
    errors.FileUnsupported: FILE_UNSUPPORTED,
    errors.FileTooLarge: FILE_TOO_LARGE,
}


def problem_table() -> ProblemTable:
    """Error class -> problem, for everything that may reach the edge of the service."""
    return {
        # The message may quote the request, so it stays here.
        errors.Malformed: lambda _: problem_at(BODY_MALFORMED, ""),
        errors.PolicyInvalid: _policy,
        NoncesUnavailable: lambda _: Problem(NONCES_UNAVAILABLE, headers={"Retry-After": "5"}),
    }


def _policy(error: errors.PolicyInvalid) -> Problem:
    field = FieldProblem(f"/policy{error.pointer}", error.fault, error.zh, error.en)
    return Problem(POLICY_INVALID, detail=str(error), errors=[field])
