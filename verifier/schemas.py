"""Shapes of what the verification API takes and gives."""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from certsvc.service.problems import REQUEST_INVALID, FieldProblem, Problem
from certsvc_sdk.strict import Json

# A queue of a busy window fits; a larger batch is several requests.
MAX_ITEMS = 100
# Reading an image costs a hundred times what a text costs.
MAX_FILES = 10
# As long as a policy may name one.
MAX_AUDIENCE = 512

M = TypeVar("M", bound=BaseModel)

_LENGTH_INVALID = ("length_invalid", "长度不符合要求", "The length is not acceptable")
UNKNOWN_MEMBER = ("unknown_member", "没有此项", "There is no such member")
_MESSAGES = {
    "extra_forbidden": UNKNOWN_MEMBER,
    "missing": ("required", "缺少必填成员", "A required member is missing"),
    "string_too_short": _LENGTH_INVALID,
    "string_too_long": _LENGTH_INVALID,
}
_TYPE_INVALID = ("type_invalid", "成员的类型不对", "The member has another type")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class VerificationItem(_Strict):
    """One presented code: QR text, its bare digits, or an SD-JWT."""

    text: str


class VerificationRequest(_Strict):
    """Body of `POST /v1/verifications`: `text` or `items`, and the rules of the matter.

    `policy` is a policy, the name of one that the service keeps, or such a name with what belongs
    to the presentation.
    """

    text: str | None = None
    items: list[VerificationItem] | None = None
    policy: str | dict[str, Any] | None = None


class VerificationNotice(_Strict):
    """What is said of the file beside a verdict; `claims` as JSON pointers."""

    code: Literal["document_differs", "attachment_differs"]
    claims: list[str]
    zh: str
    en: str


class VerificationEntry(_Strict):
    """One answer. `index`: which item or file (from 0); `page` from 1.

    `position` is in pixels of an upright image, in points of a PDF page. Entries of one file with
    the same `certificate` are one certificate in several places.
    """

    index: int = Field(ge=0)
    kind: Literal["text", "qr", "attachment", "barcode"]
    page: int | None
    position: tuple[int, ...] | None
    name: str | None
    certificate: int | None = Field(ge=1)
    notices: list[VerificationNotice]
    verdict: dict[str, Any]


class VerificationFile(_Strict):
    """What was read of a file; `pages_without`: those on which no certificate was found."""

    index: int = Field(ge=0)
    pages: int | None
    found: int = Field(ge=1)
    certificates: int = Field(ge=0)
    pages_without: tuple[int, ...]


class VerificationAnswer(_Strict):
    """Answer of `POST /v1/verifications`, in the order of items, files and places."""

    verifications: tuple[VerificationEntry, ...]
    files: tuple[VerificationFile, ...]


class NonceRequest(_Strict):
    """Body of `POST /v1/nonces`: who the presentation is to be made for."""

    audience: str = Field(min_length=1, max_length=MAX_AUDIENCE)


class NonceAnswer(_Strict):
    """Answer of `POST /v1/nonces`; `expires_at` in Unix seconds."""

    nonce: str
    audience: str
    expires_at: int


def read_request(body: dict[str, Json]) -> VerificationRequest:
    """The request of a parsed body.

    Raises:
        Problem: request_invalid, with every place that is wrong.
    """
    return read_model(VerificationRequest, body)


def read_model(model: type[M], body: dict[str, Json]) -> M:
    """A parsed body as a model.

    Raises:
        Problem: request_invalid, with every place that is wrong.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        fields = [
            FieldProblem(pointer(_place(item["loc"])), *_MESSAGES.get(item["type"], _TYPE_INVALID))
            for item in found
        ]
        raise Problem(REQUEST_INVALID, errors=list(dict.fromkeys(fields))) from error


def _place(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    # Each kind of policy refuses by itself; the place is one and the same.
    return location[:1] if location[:1] == ("policy",) else location


def pointer(location: tuple[int | str, ...]) -> str:
    """JSON pointer (RFC 6901) of a place in the request."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
