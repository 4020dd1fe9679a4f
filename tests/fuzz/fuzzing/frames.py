"""A QR frame in its parts, changed in its parts, and put together again."""

import binascii
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from fuzzing import trees
from fuzzing.draws import Draws
from fuzzing.tokens import mutate_json, mutate_signature, spoil_text

from certsvc_sdk.qr import dictionaries

_SALT = 16
_TAILS = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15, 7: 17}
_SIZES = {digits: count for count, digits in _TAILS.items()}
# The reader's cap on a frame's text, from the wire format.
STREAM_CAP = 64 * 1024


@dataclass(frozen=True)
class Frame:
    """Version, dictionary, flags, S, the lines of the stream, the signature."""

    head: bytes
    salts: bytes
    lines: tuple[bytes, ...]
    signature: bytes
    preset: bytes

    def body(self, *, deflated: bytes | None = None) -> bytes:
        """The frame's bytes with a CRC that fits."""
        stream = deflate(b"\n".join(self.lines), self.preset) if deflated is None else deflated
        content = self.head + self.salts + stream + self.signature
        return content + binascii.crc_hqx(content, 0xFFFF).to_bytes(2, "big")


def deflate(stream: bytes, preset: bytes, level: int = 9) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, preset)
    return packer.compress(stream) + packer.flush()


def digits_of(body: bytes) -> str:
    groups = (body[start : start + 7] for start in range(0, len(body), 7))
    return "".join(f"{int.from_bytes(group, 'big'):0{_TAILS[len(group)]}d}" for group in groups)


def bytes_of(digits: str) -> bytes:
    groups = (digits[start : start + 17] for start in range(0, len(digits), 17))
    return b"".join(int(group).to_bytes(_SIZES[len(group)], "big") for group in groups)


def take_apart(code: str) -> tuple[str, Frame]:
    """Prefix and frame of a QR text that is in order."""
    prefix, _, digits = code.partition("#")
    content = bytes_of(digits)[:-2]
    head, rest, signature = content[:3], content[3:-64], content[-64:]
    size = {0: _SALT, 1: 1 + rest[0] * _SALT, 2: 0}[head[2]]
    preset = dictionaries.load(head[1])
    stream = zlib.decompressobj(-15, preset).decompress(rest[size:])
    return prefix + "#", Frame(head, rest[:size], tuple(stream.split(b"\n")), signature, preset)


def mutate_frame(frame: Frame, draws: Draws) -> Frame:
    """Change some parts of a frame."""
    for _ in range(1 + draws.below(3)):
        frame = draws.pick(_CHANGES)(frame, draws)
    return frame


def wrap(frame: Frame, draws: Draws) -> bytes:
    """The frame's bytes: in order, or with compressed data or a CRC of another kind."""
    if draws.below(3):
        return frame.body()
    stream = b"\n".join(frame.lines)
    packed = deflate(stream, frame.preset)
    at = draws.place(packed)
    body = frame.body(
        deflated=draws.pick(
            (
                deflate(stream, frame.preset, 0),
                packed[:at] + bytes((packed[at] ^ 1 << draws.below(8),)) + packed[at + 1 :],
                packed[:at],
                packed + draws.blob(4),
                packed + packed,
                zlib.compress(stream),
                deflate(stream, b""),
                deflate(stream + bytes(STREAM_CAP), frame.preset),
                deflate(
                    stream + b"\n" * (STREAM_CAP - len(stream) + draws.below(3) - 1), frame.preset
                ),
                b"",
            )
        )
    )
    at = draws.place(body)
    flipped = body[:at] + bytes((body[at] ^ 1 << draws.below(8),)) + body[at + 1 :]
    return draws.pick((body, body, body, flipped, body[:at], body[:at] + body[-2:]))


def spell(prefix: str, body: bytes, draws: Draws) -> str:
    """The text of the code, sometimes spelled in another way or damaged."""
    digits = digits_of(body)
    kind = draws.below(8)
    if kind < 4:
        return prefix + digits
    if kind == 4:
        return prefix + spoil_text(digits, draws)
    return draws.pick(
        (
            digits,
            prefix.upper() + digits,
            " " + prefix + digits + "\r\n",
            prefix + digits + "0",
            prefix + digits.replace("1", "١", 1),
            prefix.replace("https", "http") + digits,
            prefix.replace("/v#", "/p#") + digits,
            "https://user@evil.example:99999/v#" + digits,
            prefix + "9" * 17 + digits,
            prefix,
        )
    )


def _change_head(frame: Frame, draws: Draws) -> Frame:
    at = draws.below(3)
    value = draws.pick((0, 1, 2, 3, 4, 128, 255))
    return replace(frame, head=frame.head[:at] + bytes((value,)) + frame.head[at + 1 :])


def _change_salts(frame: Frame, draws: Draws) -> Frame:
    salts = frame.salts
    at = draws.place(salts)
    changed: tuple[Callable[[], bytes], ...] = (
        lambda: salts[:at] + bytes((draws.below(256),)) + salts[at + 1 :],
        lambda: salts[:-_SALT],
        lambda: salts + bytes(_SALT),
        lambda: b"",
        lambda: bytes((len(salts) // _SALT & 0xFF,)) + salts,
        lambda: b"\xff" + bytes(255 * _SALT),
    )
    return replace(frame, salts=draws.pick(changed)())


def _move_lines(frame: Frame, draws: Draws) -> Frame:
    lines = list(frame.lines)
    at, other = draws.place(lines), draws.place(lines)
    new = (
        b"",
        b'"x":1',
        b'"_sd":[1]',
        b'"added":{"_sd":[1]}',
        b"1",
        b'"more":[{"...":""}]',
        b'"iss":"x"',
    )
    kind = draws.below(6)
    if kind == 0:
        lines.insert(at, draws.pick(new))
    elif kind == 1 and lines:
        del lines[at]
    elif kind == 2 and lines:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3 and lines:
        lines.insert(other, lines[at])
    elif kind == 4:
        lines += [draws.pick(new)] * draws.pick((1, 2, 254, 255, 256, 300))
    elif lines:
        lines[at] += draws.pick((b"\r", b"\n", b" ", b",", b"\0", b"\xff", b"\xed\xa0\x80"))
    return replace(frame, lines=tuple(lines))


def _change_line(frame: Frame, draws: Draws) -> Frame:
    """Change a line as JSON; the line of a named disclosure is the inside of an object."""
    if not frame.lines:
        return frame
    at = draws.below(len(frame.lines))
    line = frame.lines[at]
    try:
        trees.parse(line)
        changed = mutate_json(line, draws)
    except (ValueError, RecursionError):
        changed = mutate_json(b"{" + line + b"}", draws)[1:-1]
    return replace(frame, lines=(*frame.lines[:at], changed, *frame.lines[at + 1 :]))


def _change_count(frame: Frame, draws: Draws) -> Frame:
    """Another number of disclosed entries, or other withheld digests."""
    at = draws.place(frame.lines)
    short = draws.pick(
        (b'"_sd":[0]', b'"_sd":[2]', b'"_sd":[257]', b'"_sd":[1,"' + b"A" * 43 + b'"]',
         b'"_sd":[-1]',
         b'"_sd":[01]', b'"_sd":[]', b'"_sd": [1]', b'"_sd":["' + b"A" * 43 + b'"]', b'"_sd":[1,1]')
    )  # fmt: skip
    lines = tuple(
        line.replace(b'"_sd":[1', short[:-1], 1) if index == at else line
        for index, line in enumerate(frame.lines)
    )
    return replace(frame, lines=lines)


def _nest(frame: Frame, draws: Draws) -> Frame:
    """Slots within slots, deeper than claims may nest."""
    depth = 1 + draws.below(40)
    slot = draws.pick((b'{"_sd":[1]}', b'[{"...":""}]'))
    line = slot if slot.startswith(b"[") else b'"n":' + slot
    last = b"1" if slot.startswith(b"[") else b'"n":1'
    if not frame.lines or not frame.lines[1:]:
        return frame
    payload = frame.lines[1][:-1] + b',"deep":' + slot + b"}"
    return replace(frame, lines=(frame.lines[0], payload, *frame.lines[2:], *[line] * depth, last))


def _change_signature(frame: Frame, draws: Draws) -> Frame:
    return replace(frame, signature=mutate_signature(frame.signature, draws))


_CHANGES: tuple[Callable[[Frame, Draws], Frame], ...] = (
    _change_line,
    _change_head,
    _change_salts,
    _move_lines,
    _change_count,
    _nest,
    _change_signature,
)
