"""Reads a JSON request body: strict text first, then the schema, with every fault at its place."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from certsvc.service.http import JSON, read_body, require_media_type
from certsvc.service.limits import ISSUER_BODY_BYTES
from certsvc.service.problems import (
    BODY_MALFORMED,
    REQUEST_INVALID,
    FieldProblem,
    Problem,
    problem_at,
)
from certsvc_sdk import strict
from certsvc_sdk.errors import Malformed

Body = TypeVar("Body", bound=BaseModel)

_FORMAT_INVALID = ("format_invalid", "取值不符合要求", "the value does not follow the schema")
#: pydantic's error type -> our stable code and sentences.
_FAULTS: Mapping[str, tuple[str, str, str]] = {
    "missing": ("required", "缺少此项", "is required"),
    "extra_forbidden": ("unknown_member", "没有此项", "is not a member of this request"),
    "string_type": ("type_invalid", "应为文本", "must be a string"),
    "int_type": ("type_invalid", "应为整数", "must be an integer"),
    "dict_type": ("type_invalid", "应为对象", "must be an object"),
    "model_type": ("type_invalid", "应为对象", "must be an object"),
    "string_too_short": ("format_invalid", "不能为空", "must not be empty"),
    "string_too_long": ("text_too_long", "超出长度", "is too long"),
}


def read_json(model: type[Body]) -> Body:
    """Read and check the request's body.

    Args:
        model: the schema, a strict pydantic model.

    Raises:
        Problem: 415 other media type, 413 over `ISSUER_BODY_BYTES`, 400 not strict JSON,
            422 not according to the schema (with the JSON pointer of each fault).
    """
    require_media_type({JSON})
    data = read_body(ISSUER_BODY_BYTES)
    try:
        value = strict.loads(data, max_bytes=ISSUER_BODY_BYTES, what="body")
    except Malformed as error:
        # The strict parser's message names the rule that was broken, never a value.
        raise problem_at(BODY_MALFORMED, "", detail=str(error)) from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Problem(REQUEST_INVALID, errors=_faults(error)) from error


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) of member names and array positions."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _faults(error: ValidationError) -> list[FieldProblem]:
    items = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        FieldProblem(pointer(*item["loc"]), *_FAULTS.get(item["type"], _FORMAT_INVALID))
        for item in items
    ]
