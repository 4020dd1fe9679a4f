"""Signing requests: files that carry a change to officers' offline machines and back.

A request holds all that is needed to judge it: the roots, the published metadata that the change
starts from, what would be signed, and the records by their hashes. It has one spelling.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata

from certsvc.authority.trust_errors import RequestMalformed
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json, array, dumps, integer, loads_object, members, text

FORMAT = "certsvc-trust-request-1"
# Some thousand issuers of a province in one go.
MAX_REQUEST = 64 * 1024 * 1024
_MAX_ENTRIES = 100_000
_WHAT = "signing request"
_MEMBERS = frozenset(
    {"format", "made_at", "at_once", "roots", "published", "parts", "records", "officers", "words"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A change that waits for signatures. Metadata is text, byte for byte as in the tree.

    Attributes:
        made_at: Unix seconds.
        at_once: new rights may begin without the public delay.
        roots: every root, the first one first.
        published: roles by name that the change starts from, and those that delegate to them.
        parts: roles by name as they would be, with the signatures so far.
        records: target files by SHA-256, of before and after.
        officers: names of key holders by key id, for the eye.
        words: what changes, by role, in Chinese and English.
    """

    made_at: int
    at_once: bool = False
    roots: tuple[str, ...] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, str] = field(default_factory=dict)
    officers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The one spelling."""
        return dumps(
            {
                "format": FORMAT,
                "made_at": self.made_at,
                "at_once": self.at_once,
                "roots": list(self.roots),
                "published": dict(sorted(self.published.items())),
                "parts": dict(sorted(self.parts.items())),
                "records": dict(sorted(self.records.items())),
                "officers": dict(sorted(self.officers.items())),
                "words": {
                    # One text each: a list of a thousand offices is too long an array.
                    role: {
                        "zh": "\n".join(zh for zh, _ in lines),
                        "en": "\n".join(en for _, en in lines),
                    }
                    for role, lines in sorted(self.words.items())
                },
            }
        )


def read_request(data: bytes) -> Request:
    """Read a request; whether it is right is not asked.

    Raises:
        RequestMalformed: another format, another spelling, or a record under a wrong hash.
    """
    try:
        obj = loads_object(
            data,
            max_bytes=MAX_REQUEST,
            what=_WHAT,
            max_members=_MAX_ENTRIES,
            max_copied=MAX_REQUEST,
        )
        if obj.keys() != _MEMBERS or text(obj, "format", _WHAT) != FORMAT:
            raise RequestMalformed("this is no signing request of this release")
        request = Request(
            made_at=integer(obj, "made_at", _WHAT),
            at_once=obj["at_once"] is True,
            roots=tuple(_text(each) for each in array(obj, "roots", _WHAT)),
            published=_texts(obj, "published"),
            parts=_texts(obj, "parts"),
            records=_texts(obj, "records"),
            officers=_texts(obj, "officers"),
            words={role: _pairs(lines) for role, lines in members(obj, "words", _WHAT).items()},
        )
    except Malformed as error:
        raise RequestMalformed(str(error)) from error
    if request.to_bytes() != data:
        raise RequestMalformed("the request is not written in its one spelling")
    for digest, record in request.records.items():
        if hashlib.sha256(record.encode()).hexdigest() != digest:
            raise RequestMalformed("a record is not the one its hash was made of")
    return request


def parse_role(name: str, text_of_it: str) -> Metadata[Any]:
    """Read a role's metadata in the one spelling that we write.

    Raises:
        RequestMalformed: damaged, another spelling, or another kind of role.
    """
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(text_of_it.encode())
    except RepositoryError as error:
        raise RequestMalformed(f"{name} cannot be read") from error
    kind = "root" if name == "root" else "targets"
    if metadata.to_bytes() != text_of_it.encode() or metadata.signed.type != kind:
        raise RequestMalformed(f"{name} is not written in the one spelling, or is another role")
    return metadata


def _texts(obj: Mapping[str, Json], name: str) -> dict[str, str]:
    found = {key: _text(value) for key, value in members(obj, name, _WHAT).items()}
    if not "".join(found).isprintable():
        raise Malformed(f"{_WHAT}: a name holds control characters")
    return found


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{_WHAT}: a text is of another type")
    return value


def _pairs(value: Json) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or value.keys() != {"zh", "en"}:
        raise Malformed(f"{_WHAT}: words must be in Chinese and English")
    zh, en = (text(value, language, _WHAT).split("\n") for language in ("zh", "en"))
    if len(zh) != len(en):
        raise Malformed(f"{_WHAT}: words must be as many in Chinese as in English")
    return tuple(zip(zh, en, strict=True))
