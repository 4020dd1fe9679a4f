"""QR frames by hand."""

import binascii
import hashlib
import hmac
import zlib
from typing import Any

from signing import CERT, Key, b64u, js
from tokens import claims, digest

HOST = "check.example"
_DIGITS = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15, 7: 17}
SEED = bytes(range(16))


def n17(data: bytes) -> str:
    """Bytes as decimal digits, 7 bytes in 17."""
    groups = [data[at : at + 7] for at in range(0, len(data), 7)]
    return "".join(f"{int.from_bytes(group, 'big'):0{_DIGITS[len(group)]}d}" for group in groups)


def text_of(body: bytes, host: str = HOST) -> str:
    """The text of the code."""
    return f"https://{host}/v#{n17(body)}"


def crc(data: bytes) -> bytes:
    """CRC-16/IBM-3740, big-endian."""
    return binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")


def deflate(stream: bytes) -> bytes:
    """Raw DEFLATE."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(stream) + packer.flush()


def body(
    stream: bytes,
    signature: bytes,
    *,
    s: bytes = b"",
    flags: int = 2,
    version: int = 1,
    dictionary: int = 0,
    packed: bytes | None = None,
) -> bytes:
    """Frame bytes around any stream."""
    head = bytes((version, dictionary, flags))
    made = head + s + (deflate(stream) if packed is None else packed) + signature
    return made + crc(made)


def seeded(seed: bytes, index: int) -> bytes:
    """Salt of a line."""
    return hmac.digest(seed, b"qr1-salt" + bytes((index,)), hashlib.sha256)[:16]


def frame(
    header: bytes,
    payload: dict[str, Any],
    lines: list[str],
    *,
    seed: bytes | None = None,
    salts: list[bytes] | None = None,
    withheld: list[str] | None = None,
    carried: bytes | None = None,
    extra: str = "",
    key: Key = CERT,
) -> bytes:
    """A frame with the lines disclosed at the top level; signed for exactly these digests."""
    hidden = withheld or []
    own = [seeded(seed, at) for at in range(len(lines))] if seed is not None else list(salts or [])
    padded = own + [bytes(16)] * (len(lines) - len(own))
    disclosures = [
        b64u(f'["{b64u(salt)}",{line.replace(":", ",", 1)}]'.encode())
        for salt, line in zip(padded, lines, strict=False)
    ]
    start = js(payload).decode()[:-1] + extra
    digests = ",".join(f'"{one}"' for one in sorted([*map(digest, disclosures), *hidden]))
    signed = f'{start},"_sd":[{digests}]}}'
    data = f"{b64u(header)}.{b64u(signed.encode())}".encode()
    short = "".join(f',"{one}"' for one in hidden)
    stream = "\n".join((header.decode(), f'{start},"_sd":[{len(lines)}{short}]}}', *lines))
    if seed is not None:
        flags, s = 0, carried or seed
    else:
        flags, s = 1, bytes((len(own),)) + (carried or b"".join(own))
    return body(stream.encode(), key.sign(data), s=s, flags=flags)


def plain(payload: bytes | None = None, header: bytes | None = None, **how: Any) -> bytes:
    """A frame without disclosures."""
    head, text = header or js(CERT.header()), payload or js(claims())
    signature = CERT.sign(f"{b64u(head)}.{b64u(text)}".encode())
    return body(head + b"\n" + text, how.pop("signature", signature), **how)
