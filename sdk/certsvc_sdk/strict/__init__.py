"""The one place that reads outside JSON and base64url; it accepts one spelling of each thing.

Refused, because libraries disagree about it and disagreement is an attack: duplicate members, NaN
and Infinity, numbers beyond 2**53 - 1, deep or wide structures, a byte order mark, surrogates,
U+0000, padded or non-canonical base64url.
"""

from certsvc_sdk.strict.base64url import (
    b64u_ascii,
    b64u_bytes,
    b64u_decode,
    b64u_each,
    b64u_encode,
    b64u_fixed,
)
from certsvc_sdk.strict.lines import b64u_lines, loads_lines
from certsvc_sdk.strict.members import (
    array,
    integer,
    members,
    optional_integer,
    optional_text,
    text,
    texts,
)
from certsvc_sdk.strict.reading import (
    MAX_ARRAY,
    MAX_DEPTH,
    MAX_HEADER,
    MAX_INTEGER,
    MAX_ITEMS,
    MAX_MEMBERS,
    MAX_TOKEN,
    Json,
    loads,
    loads_object,
    loads_own,
)
from certsvc_sdk.strict.writing import dumps, dumps_all

__all__ = [
    "MAX_ARRAY",
    "MAX_DEPTH",
    "MAX_HEADER",
    "MAX_INTEGER",
    "MAX_ITEMS",
    "MAX_MEMBERS",
    "MAX_TOKEN",
    "Json",
    "array",
    "b64u_ascii",
    "b64u_bytes",
    "b64u_decode",
    "b64u_each",
    "b64u_encode",
    "b64u_fixed",
    "b64u_lines",
    "dumps",
    "dumps_all",
    "integer",
    "loads",
    "loads_lines",
    "loads_object",
    "loads_own",
    "members",
    "optional_integer",
    "optional_text",
    "text",
    "texts",
]
