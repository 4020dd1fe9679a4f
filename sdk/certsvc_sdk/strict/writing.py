"""JSON as this system writes it: compact UTF-8, no ASCII escapes, members in their order."""

import json
from collections.abc import Sequence

import orjson

from certsvc_sdk.errors import Malformed

# Integers that readers refuse are not written; nor are types that JSON does not have.
_OPTIONS = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def dumps(value: object) -> bytes:
    """Write compact UTF-8 JSON: no white space, no ASCII escapes, members in their order.

    Raises:
        Malformed: the value has no JSON form that `loads` accepts (NaN, surrogates, integers
            beyond 2**53 - 1, foreign types, endless nesting).
    """
    return dumps_all((value,))[0]


def dumps_all(values: Sequence[object]) -> list[bytes]:
    """Write many values, each as `dumps` does.

    Raises:
        Malformed: as `dumps`, for one of them.
    """
    try:
        written = [orjson.dumps(value, None, _OPTIONS) for value in values]
        if b"".join(written).find(b"null") >= 0:
            # The fast encoder writes NaN and Infinity as null; this one refuses them.
            _ENCODER.encode(values)
    except (TypeError, ValueError) as error:
        raise Malformed("value has no JSON form") from error
    return written
