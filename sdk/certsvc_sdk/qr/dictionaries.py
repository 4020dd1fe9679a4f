"""Preset DEFLATE dictionaries: immutable files, one byte id, SHA-256 pinned.

A published dictionary never changes: codes printed with it must be read for ever. A better one
gets a new id, and reaches older releases as a target of the trust repository. Sources and builder:
`sdk/dictionaries/` in the repository.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from certsvc_sdk.errors import FormatUnsupported

DICTIONARY_NONE: Final = 0
DICTIONARY_LICENCE: Final = 1
DICTIONARY_HOUSEHOLD: Final = 2


#: Dictionaries by number that come from verified trust data; None: none of that number.
Later = Callable[[int], bytes | None]
# RFC 1951 section 2: nothing further back can be referred to.
MAX_DICTIONARY: Final = 32 * 1024


class _Pinned(NamedTuple):
    file: str
    sha256: str


_BUILT_IN: Final = {
    DICTIONARY_LICENCE: _Pinned(
        "1-business-licence.bin",
        "508ef034ac5398ac0d44428fee4761b5253ed6f4018c2017830bf4244049bc9d",
    ),
    DICTIONARY_HOUSEHOLD: _Pinned(
        "2-household-register.bin",
        "a8b5aae17809684fc58adb892c829cc28a7e0bf1cedb96dba691e2027e516fcc",
    ),
}


def numbers() -> tuple[int, ...]:
    """Return the numbers of the built-in dictionaries, the empty one left out."""
    return tuple(_BUILT_IN)


# Not state: the files are immutable and their hashes are checked here.
@cache
def load(number: int) -> bytes:
    """Return a built-in dictionary.

    Args:
        number: 0 (empty), 1 (business licence) or 2 (household register extract).

    Raises:
        FormatUnsupported: this release has no such dictionary, or its file was altered.
    """
    if number == DICTIONARY_NONE:
        return b""
    pinned = _BUILT_IN.get(number)
    if pinned is None:
        raise FormatUnsupported(f"QR dictionary {number} is not known to this release")
    # Imported where it is used: a cold process that only imports the SDK saves 9 ms.
    from importlib import resources

    data = (resources.files("certsvc_sdk.qr") / "dictionaries" / pinned.file).read_bytes()
    if hashlib.sha256(data).hexdigest() != pinned.sha256:
        raise FormatUnsupported(f"QR dictionary {number} was altered on this machine")
    return data


def find(number: int, later: Later | None) -> bytes:
    """Return a built-in dictionary, or a later one.

    Args:
        number: one byte; a built-in one is never replaced.
        later: gives the others.

    Raises:
        FormatUnsupported: nobody knows it, or it is too long to be one.
    """
    if number == DICTIONARY_NONE or number in _BUILT_IN or later is None:
        return load(number)
    data = later(number)
    if data is None or len(data) > MAX_DICTIONARY:
        return load(number)
    return data
