"""What the process that reads PDFs is given and answers: frames of PDF and JSON over two pipes.

An answer is taken from a process that a stranger's file may have broken: its shape is checked.
"""

import json
import struct
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final, get_args

from certsvc_sdk.contents import Contents
from certsvc_sdk.errors import CertsvcError, FileTooLarge, ImageUnreadable
from certsvc_sdk.file_limits import MAX_ATTACHMENTS, MAX_CODES, MAX_PAGES
from certsvc_sdk.scanning import Code, Kind

# The file's mark, which its answer repeats, so that no answer is taken for another file's; then
# the length of what follows.
_HEAD: Final = struct.Struct(">16sI")
MARK_BYTES: Final = 16
# Four times the longest texts of all pages, in JSON.
MAX_ANSWER: Final = 16 * 1024 * 1024
_MAX_REASON: Final = 500
_UNREADABLE: Final = "the process that reads PDFs broke off"

Read = Callable[[int], bytes]


def framed(mark: bytes, data: bytes) -> bytes:
    """Return data with its mark and length before it."""
    return _HEAD.pack(mark, len(data)) + data


def read_frame(read: Read, limit: int) -> tuple[bytes, bytes] | None:
    """Read the next frame, its mark and its data; None at the end of the stream.

    Args:
        read: gives up to so many bytes, none at the end.
        limit: longest frame.

    Raises:
        ImageUnreadable: cut short, or longer than the limit.
    """
    head = _exactly(read, _HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise ImageUnreadable(_UNREADABLE)
    mark, length = _HEAD.unpack(head)
    if length > limit:
        raise ImageUnreadable(_UNREADABLE)
    data = _exactly(read, length)
    if len(data) < length:
        raise ImageUnreadable(_UNREADABLE)
    return mark, data


def _exactly(read: Read, count: int) -> bytes:
    found = bytearray()
    while len(found) < count and (more := read(count - len(found))):
        found += more
    return bytes(found)


def answered(contents: Contents) -> bytes:
    """Write the answer that carries what was read."""
    codes = [
        (code.page, code.position, code.text, code.kind, code.name, code.is_broken)
        for code in contents.codes
    ]
    texts = sorted(contents.texts.items())
    return json.dumps({"pages": contents.pages, "codes": codes, "texts": texts}).encode()


def refused(error: CertsvcError) -> bytes:
    """Write the answer that says why there is none."""
    return json.dumps({"refused": error.code, "reason": str(error)[:_MAX_REASON]}).encode()


def read_answer(answer: bytes) -> Contents:
    """Take the contents out of an answer.

    Raises:
        FileTooLarge, ImageUnreadable: the refusal that it carries, or it is no answer.
    """
    try:
        members = json.loads(answer)
        if "refused" not in members:
            return _contents(members)
        code, reason = members["refused"], members["reason"]
        _check(isinstance(reason, str) and len(reason) <= _MAX_REASON)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ImageUnreadable(_UNREADABLE) from error
    raise (FileTooLarge if code == FileTooLarge.code else ImageUnreadable)(reason)


def _contents(members: Any) -> Contents:  # noqa: ANN401 - not checked yet
    """Build what an answer's members say.

    Raises:
        ValueError, KeyError, TypeError: they are of another shape.
    """
    pages, texts = members["pages"], dict(members["texts"])
    _check(_is_page(pages) or pages == 0)
    _check(len(members["codes"]) <= MAX_CODES + MAX_ATTACHMENTS)
    _check(all(_is_page(page) and isinstance(text, str) for page, text in texts.items()))
    return Contents(
        pages, tuple(_code(*each) for each in members["codes"]), MappingProxyType(texts)
    )


def _code(page: Any, position: Any, text: Any, kind: Any, name: Any, is_broken: Any) -> Code:  # noqa: ANN401
    _check(page is None or _is_page(page))
    _check(isinstance(text, str) and kind in get_args(Kind) and isinstance(is_broken, bool))
    _check(name is None or isinstance(name, str))
    if position is not None:
        left, top, right, bottom = position
        position = (left, top, right, bottom)
        _check(all(type(edge) is int for edge in position))
    return Code(page, position, text, kind, name, is_broken)


def _is_page(page: object) -> bool:
    return type(page) is int and 1 <= page <= MAX_PAGES


def _check(is_right: bool) -> None:
    if not is_right:
        raise ValueError
