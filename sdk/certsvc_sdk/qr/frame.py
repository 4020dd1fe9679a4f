"""QR frame, version 1: an exact SD-JWT in as few bytes as it goes.

body = 0x01 | dictionary:1 | flags:1 | S | raw DEFLATE(stream, preset dictionary)
     | signature:64 | CRC-16:2

S is the 16-byte salt seed (flags 0), `n:1` and n salts of 16 bytes (bit 0), or empty (bit 1: no
disclosures). The stream is UTF-8 with LF between lines: header JSON, payload, disclosure lines
(`certsvc_sdk.qr.stream`). The CRC says "scan again"; only the signature says "forged".
"""

import binascii
import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, field

from certsvc_sdk.errors import (
    CertsvcError,
    DisclosureInvalid,
    FormatUnsupported,
    Malformed,
    Unreadable,
)
from certsvc_sdk.qr import dictionaries
from certsvc_sdk.qr.squeeze import squeeze
from certsvc_sdk.qr.stream import MAX_DISCLOSURES, SALT_BYTES, collapse, expand
from certsvc_sdk.strict import MAX_TOKEN, b64u_decode, b64u_encode

VERSION = 1
SEED_BYTES = 16
# What DEFLATE may yield: far above any symbol's content (T21, T37: no bombs).
MAX_STREAM = 64 * 1024

_FLAG_SALTS = 0b01
_FLAG_EMPTY = 0b10
_HEAD_BYTES = 3
# ES256, Ed25519 and SM2 alike; an ML-DSA signature does not fit a symbol anyway.
_SIGNATURE_BYTES = 64
_SIGNATURE_CHARACTERS = 86
_CRC_BYTES = 2
# The number of individual salts is one byte.
_MAX_SALTS = 255

# A symbol for paper holds 821 bytes of frame: what zlib makes longer than this will not fit.
_WORTH_A_SEARCH = 1024

_PART = r"[A-Za-z0-9_-]+"
_TOKEN = re.compile(rf"({_PART})\.({_PART})\.({_PART})~((?:{_PART}~)*)")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a frame holds.

    Attributes:
        token: the exact SD-JWT, `<header>.<payload>.<signature>~<disclosure>~…~`.
        seed: the 16-byte salt seed, or None where the frame carries salts or no disclosures.
        dictionary: id of the preset dictionary.
    """

    token: str = field(repr=False)
    seed: bytes | None = field(repr=False)
    dictionary: int


def crc16(data: bytes) -> bytes:
    """CRC-16/IBM-3740, big-endian: poly 1021, init FFFF, unreflected, no final xor."""
    return binascii.crc_hqx(data, 0xFFFF).to_bytes(_CRC_BYTES, "big")


def carries(token: str) -> bool:
    """Tell whether a token's signature has the length that a frame carries."""
    signature = token.partition("~")[0].rpartition(".")[2]
    return len(signature) == _SIGNATURE_CHARACTERS


def pack(
    token: str,
    seed: bytes | None,
    *,
    dictionary: int,
    later: dictionaries.Later | None = None,
) -> bytes:
    """Write a token as frame bytes.

    The seed reveals every salt, so it travels only where nothing is withheld; it is left out where
    there is nothing to salt.

    Args:
        token: SD-JWT without key binding, `<jws>~<disclosure>~…~`, disclosures in pre-order.
        seed: the 16-byte seed all salts come from, or None to carry the salts one by one.
        dictionary: id of the preset dictionary (`certsvc_sdk.qr.dictionaries`).
        later: gives dictionaries that are younger than this release; None: there are none.

    Returns:
        The frame; `unpack` gives back exactly this token.

    Raises:
        Malformed: the token breaks its grammar.
        DisclosureInvalid: a seed together with withheld claims, a seed the salts do not come from,
            or disclosures that do not fit the digests.
        FormatUnsupported: an unknown dictionary, a signature that is not 64 bytes, more than 255
            individual salts, or a text (order, white space) that the frame cannot give back
            exactly.
    """
    preset = dictionaries.find(dictionary, later)
    header, payload, signature, disclosures = _split(token)
    text = collapse(payload, disclosures)
    flags, salts = _salts(text.salts, seed, withheld=text.withheld)
    stream = "\n".join((header, text.payload, *text.lines)).encode("utf-8")
    # Disclosures make a text of many short pieces, where a search saves most: docs/adr/0034.
    packed = _deflate(stream, preset, search=bool(text.lines))
    body = bytes((VERSION, dictionary, flags)) + salts + packed + signature
    body += crc16(body)
    kept = None if flags else seed
    try:
        back = unpack(body, later=later)
    except CertsvcError as error:
        raise FormatUnsupported("a QR frame cannot carry this token") from error
    if back != Unpacked(token, kept, dictionary):
        raise FormatUnsupported("a QR frame would not give this token back exactly")
    return body


def unpack(body: bytes, *, later: dictionaries.Later | None = None) -> Unpacked:
    """Read frame bytes back into the exact token.

    Nothing is verified here but the frame: the token is as untrusted as any other.

    Args:
        body: the frame's bytes.
        later: gives dictionaries that are younger than this release; None: there are none.

    Raises:
        Unreadable: the CRC does not fit; scan again.
        FormatUnsupported: an unknown version, dictionary or flag.
        Malformed: anything else that `pack` would not have written.
    """
    content, crc = body[:-_CRC_BYTES], body[-_CRC_BYTES:]
    if len(content) < _HEAD_BYTES or crc16(content) != crc:
        raise Unreadable("the code was not read whole (CRC)")
    version, dictionary, flags = content[:_HEAD_BYTES]
    if version != VERSION:
        raise FormatUnsupported(f"QR frame version {version} is not known to this release")
    if flags not in (0, _FLAG_SALTS, _FLAG_EMPTY):
        raise FormatUnsupported(f"QR frame flags {flags:#04x} are not known to this release")
    preset = dictionaries.find(dictionary, later)
    carried, start = _salt_bytes(content, flags)
    end = len(content) - _SIGNATURE_BYTES
    if start >= end:
        raise Malformed("the frame ends before its signature")
    header, payload, *lines = _inflate(content[start:end], preset)
    if len(lines) > MAX_DISCLOSURES:
        raise Malformed(f"more than {MAX_DISCLOSURES} disclosures")
    if bool(lines) != (flags != _FLAG_EMPTY):
        raise Malformed("the frame's flags and its disclosures do not agree")
    if flags == 0:
        salts = [_salt(carried, index) for index in range(len(lines))]
    else:
        salts = [carried[at : at + SALT_BYTES] for at in range(0, len(carried), SALT_BYTES)]
        if len(salts) != len(lines):
            raise Malformed("the frame has another number of salts than of disclosures")
    text = expand(payload, lines, salts)
    if flags == 0 and text.withheld:
        raise Malformed("a salt seed travels with withheld claims")
    parts = (header.encode("utf-8"), text.payload.encode("utf-8"), content[end:])
    jws = ".".join(b64u_encode(part) for part in parts)
    token = "~".join((jws, *text.disclosures, ""))
    return Unpacked(token, carried if flags == 0 else None, dictionary)


def _split(token: str) -> tuple[str, str, bytes, list[str]]:
    """Split a token into header text, payload text, signature and encoded disclosures."""
    if len(token) > MAX_TOKEN:
        raise Malformed(f"the token is longer than {MAX_TOKEN} characters")
    parts = _TOKEN.fullmatch(token)
    if not parts:
        raise Malformed("a QR frame holds an SD-JWT without key binding")
    try:
        header = b64u_decode(parts[1], what="header").decode("utf-8")
        payload = b64u_decode(parts[2], what="payload").decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("header or payload is not UTF-8") from error
    signature = b64u_decode(parts[3], what="signature")
    if len(signature) != _SIGNATURE_BYTES:
        raise FormatUnsupported(
            f"a QR frame carries signatures of {_SIGNATURE_BYTES} bytes, not of {len(signature)}"
        )
    return header, payload, signature, parts[4].split("~")[:-1]


def _salt(seed: bytes, index: int) -> bytes:
    """Salt of line `index` (0-255): HMAC-SHA256(seed, "qr1-salt" ‖ index), first 16 bytes."""
    return hmac.digest(seed, b"qr1-salt" + bytes((index,)), hashlib.sha256)[:SALT_BYTES]


def _salts(salts: tuple[bytes, ...], seed: bytes | None, *, withheld: int) -> tuple[int, bytes]:
    """Return the flags and S; refuse a seed that would give withheld claims away."""
    if seed is not None and withheld:
        raise DisclosureInvalid("the salt seed never travels with withheld claims")
    if not salts:
        return _FLAG_EMPTY, b""
    if seed is None:
        if len(salts) > _MAX_SALTS:
            raise FormatUnsupported(f"a QR frame carries at most {_MAX_SALTS} individual salts")
        return _FLAG_SALTS, bytes((len(salts),)) + b"".join(salts)
    if len(seed) != SEED_BYTES:
        raise DisclosureInvalid(f"a salt seed has {SEED_BYTES} bytes")
    if any(salt != _salt(seed, index) for index, salt in enumerate(salts)):
        raise DisclosureInvalid("the salts do not come from this seed in pre-order")
    return 0, seed


def _salt_bytes(content: bytes, flags: int) -> tuple[bytes, int]:
    """Return S without its count, and where the DEFLATE data begin."""
    if flags == _FLAG_EMPTY:
        return b"", _HEAD_BYTES
    if flags == _FLAG_SALTS:
        start = _HEAD_BYTES + 1
        count = content[_HEAD_BYTES] if len(content) > _HEAD_BYTES else 0
        end = start + count * SALT_BYTES
    else:
        start = _HEAD_BYTES
        end = start + SEED_BYTES
    # A slice of a short body is short; the caller's end check refuses it.
    return content[start:end], end


def _deflate(stream: bytes, preset: bytes, *, search: bool = False) -> bytes:
    """Compress with the preset dictionary; the shortest of what was tried.

    Args:
        stream: at least one byte.
        preset: the dictionary.
        search: take some milliseconds to search for a shorter way.
    """
    tried = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED):
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy, preset)
        tried.append(packer.compress(stream) + packer.flush())
    if search and len(tried[0]) <= _WORTH_A_SEARCH:
        tried.append(squeeze(stream, preset))
    return min(tried, key=len)


def _inflate(data: bytes, preset: bytes) -> list[str]:
    """Inflate within bounds and split into lines; header and payload lines are there."""
    reader = zlib.decompressobj(-zlib.MAX_WBITS, preset)
    try:
        stream = reader.decompress(data[:-1], MAX_STREAM + 1)
        # Judged before the last byte: a length of 0 would mean no bound at all.
        if len(stream) > MAX_STREAM:
            raise Malformed(f"the frame inflates to more than {MAX_STREAM} bytes")
        before = reader.copy()
        end = reader.decompress(data[-1:], MAX_STREAM + 1 - len(stream))
    except zlib.error as error:
        raise Malformed("the frame's compressed data are broken") from error
    stream += end
    if len(stream) > MAX_STREAM:
        raise Malformed(f"the frame inflates to more than {MAX_STREAM} bytes")
    whole = reader.eof and not reader.unused_data and not reader.unconsumed_tail
    if not whole or _is_padded(before, data[-1], end):
        raise Malformed("the frame's compressed data do not end exactly")
    try:
        lines = stream.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed("the frame's text is not UTF-8") from error
    if len(lines) < 2 or not lines[0] or not lines[1]:
        raise Malformed("the frame has no header or no payload")
    return lines


def _is_padded(before: "zlib._Decompress", last: int, end: bytes) -> bool:
    """Tell whether a bit after the end is set: then it can be cleared and those above it set.

    Args:
        before: the reader as it was before the last byte.
        last: that byte.
        end: what it yielded.
    """
    highest = last.bit_length() - 1
    if highest < 0:
        return False
    # Clearing a needed bit may by chance name an equal copy of the same text; but then the end's
    # own code lies above it, and does not survive a change.
    others = [last ^ (1 << highest), *(last | 1 << above for above in range(highest + 1, 8))]
    return all(_yields(before.copy(), other, end) for other in others)


def _yields(reader: "zlib._Decompress", last: int, end: bytes) -> bool:
    try:
        return reader.decompress(bytes((last,)), len(end) + 1) == end and reader.eof
    except zlib.error:
        return False
