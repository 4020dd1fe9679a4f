"""What a press is told to print and what it answers: frames of JSON and PDF over two pipes."""

import base64
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

from certsvc.catalogue.schema import Label
from certsvc.face.errors import (
    CharacterUnprintable,
    FaceError,
    FontsInvalid,
    GlyphMissing,
    SymbolTooLarge,
    TypesettingFailed,
)
from certsvc_sdk.strict import Json

Language = Literal["zh", "zh-en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "zh-en")

# Length of what follows, then one byte: what it is.
_HEAD: Final = struct.Struct(">I")
_PDF: Final = b"P"
_REFUSED: Final = b"R"
# Far above any face (a household of fifty is 2 MiB); what a broken press says is not kept.
MAX_FRAME: Final = 64 * 1024 * 1024

Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A face to be printed, as plain values.

    Attributes:
        type: short name of the certificate type.
        version: of the type.
        claims: what the certificate shows.
        identifier: 电子证照标识.
        issuer_name: the department that signed it.
        token: the certificate.
        issued_at: its `iat`, Unix seconds.
        check_url: where it can be checked.
        qr_text: text of its QR code.
        typed_code: its short code as printed; None for none.
        seal: PNG of its seal; None prints the line in its place.
        overprint: word printed across a certificate that is not in force; None for none.
        language: of the labels.
        demo: it comes from a demonstration.
    """

    type: str
    version: int
    claims: Mapping[str, Json] = field(repr=False)
    identifier: str
    issuer_name: str
    token: str = field(repr=False)
    issued_at: int
    check_url: str
    qr_text: str = field(repr=False)
    typed_code: str | None = None
    seal: bytes | None = field(default=None, repr=False)
    overprint: Label | None = None
    language: Language = "zh"
    demo: bool = False

    def to_bytes(self) -> bytes:
        """The job as JSON; equal jobs have equal bytes."""
        members = asdict(self)
        members["seal"] = None if self.seal is None else base64.b64encode(self.seal).decode()
        members["overprint"] = None if self.overprint is None else self.overprint.model_dump()
        return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The job that `to_bytes` wrote."""
        members: dict[str, Any] = json.loads(data)
        seal, word = members["seal"], members["overprint"]
        members["seal"] = None if seal is None else base64.b64decode(seal)
        members["overprint"] = None if word is None else Label.model_validate(word)
        return cls(**members)


def framed(data: bytes) -> bytes:
    """Data with its length before it."""
    return _HEAD.pack(len(data)) + data


def read_frame(read: Read) -> bytes | None:
    """The next frame; None at the end of the stream.

    Args:
        read: gives exactly so many bytes, or fewer at the end.

    Raises:
        TypesettingFailed: cut short, or longer than `MAX_FRAME`.
    """
    head = read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size or _HEAD.unpack(head)[0] > MAX_FRAME:
        raise TypesettingFailed("the press does not answer in frames")
    data = read(_HEAD.unpack(head)[0])
    if len(data) < _HEAD.unpack(head)[0]:
        raise TypesettingFailed("the press broke off")
    return data


def printed(pdf: bytes) -> bytes:
    """The answer that carries a face."""
    return _PDF + pdf


def refused(error: FaceError) -> bytes:
    """The answer that says why there is none."""
    members = {"code": error.code, "text": str(error)[:500]}
    if isinstance(error, GlyphMissing):
        members |= {"where": error.where, "character": error.character}
    if isinstance(error, CharacterUnprintable):
        members |= {"where": error.where, "zh": error.zh, "en": error.en}
    return _REFUSED + json.dumps(members).encode()


def read_answer(answer: bytes) -> bytes:
    """The PDF out of an answer.

    Raises:
        FaceError: the refusal that it carries.
    """
    if answer[:1] == _PDF:
        return answer[1:]
    if answer[:1] != _REFUSED:
        raise TypesettingFailed("the press answers something else")
    members = json.loads(answer[1:])
    match members["code"]:
        case GlyphMissing.code:
            raise GlyphMissing(where=members["where"], character=members["character"])
        case CharacterUnprintable.code:
            raise CharacterUnprintable(where=members["where"], zh=members["zh"], en=members["en"])
        case SymbolTooLarge.code:
            raise SymbolTooLarge(members["text"])
        case FontsInvalid.code:
            raise FontsInvalid(members["text"])
        case _:
            raise TypesettingFailed(members["text"])
