"""The worst that fits: tokens, codes, status lists and records at their caps."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Any

from fuzzing import frames, world
from fuzzing.tokens import Jws, Token
from fuzzing.world import ISSUER, STATUS, b64u

from certsvc_sdk import strict
from certsvc_sdk.statuslist import MAX_LIST_TOKEN

# A token as the project promises it, a little below the reader's cap.
TOKEN_BYTES = 60 * 1024
LIST_BYTES = 2 * 1024 * 1024
RECORD_BYTES = 256 * 1024
# base64url writes 3 bytes as 4 characters; the rest is for header and signature.
_PAYLOAD = TOKEN_BYTES * 3 // 4 - 400
_SALT = "c2FsdHNhbHRzYWx0c2FsdA"

# Repeated, each makes a reader pay in its own way: objects, strings, depth, copies, numbers.
UNITS: dict[str, bytes] = {
    "open brackets": b"[",
    "open objects": b'{"a":',
    "empty arrays": b"[],",
    "empty objects": b"{},",
    "small objects": b'{"a":0},',
    "objects in objects": b'{"a":{}},',
    "nested arrays": b"[[[[[[]]]]]],",
    "empty strings": b'"",',
    "short strings": b'"a",',
    "escapes": b'"\\u4e00",',
    "floats": b"1.5,",
    "integers": b"999,",
    "nulls": b"null,",
    "white space": b" \n",
    "digest slots": b'{"...":"' + b"A" * 43 + b'"},',
}
TEXTS: dict[str, bytes] = {
    "brackets in a string": b"[",
    "escaped quotes": b'\\"',
    "escapes in a string": b"\\u4e00",
    "surrogate pairs in a string": b"\\ud83d\\ude00",
    "Chinese": "证".encode(),
    "backslashes": b"\\\\",
    "ASCII": b"A",
}


def fill(unit: bytes, size: int, before: bytes = b'{"x":[', after: bytes = b"0]}") -> bytes:
    """So many units as fit into `size` bytes, between two ends."""
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def documents(size: int) -> dict[str, bytes]:
    """JSON texts of a size, good and bad."""
    made = {name: fill(unit, size) for name, unit in UNITS.items()}
    made |= {name: fill(unit, size, b'{"x":"', b'"}') for name, unit in TEXTS.items()}
    for start in (b"9", b"0", b"1.", b"1e9", b"-"):
        made[f"a number of {start.decode()}"] = fill(start[-1:], size, b'{"x":' + start, b"}")
    made["one wide character"] = fill(b"A", size, b'{"x":"' + "😀".encode(), b'"}')
    made["an endless string"] = fill(b"A", size, b'{"x":"', b"")
    made["brackets, then quotes"] = fill(b'""', size, b"[" * 20, b"}")
    made["many members"] = _members(size)
    return made


def _members(size: int) -> bytes:
    text = ",".join(f'"{number:x}":0' for number in range(size // 9))
    return b"{" + text[: size - 20].rpartition(",")[0].encode() + b"}"


def tokens() -> dict[str, str]:
    """Hostile tokens of at most 60 KiB, signed by the right key so that every step sees them."""
    good = Token.of(world.tokens()["licence"])
    made: dict[str, str] = {}
    for name, text in documents(_PAYLOAD).items():
        jws = Jws(good.jws.header, text, b"").signed(ISSUER)
        made[f"payload: {name}"] = Token(jws, ()).text()
        claims = good.jws.payload[:-1] + b',"more":' + text[:-800] + text[-3:] + b"}"
        made[f"claim: {name}"] = Token(Jws(good.jws.header, claims, b"").signed(ISSUER), ()).text()
        disclosure = b'["' + _SALT.encode() + b'","x",' + text[: _PAYLOAD - 700] + text[-3:] + b"]"
        made[f"disclosure: {name}"] = Token(good.jws, (*good.disclosures, disclosure)).text()
        header = Jws(text[:6000] + text[-3:], b"{}", bytes(64))
        made[f"header: {name}"] = Token(header, ()).text()
        binding = Jws(good.jws.header, text[: _PAYLOAD - 800], bytes(64)).text()
        made[f"key binding: {name}"] = Token(good.jws, good.disclosures, binding).text()
    for mark in ("~", ".", "A", "~A", "~eyJ", "."):
        made[f"all {mark}"] = f"eyJ.eyJ.A~{mark * (50_000 // len(mark))}"
    return made | _disclosed()


def _disclosed() -> dict[str, str]:
    """Tokens whose disclosures fit, as many, as deep and as wide as they may be."""
    return {
        "a thousand digests": _with({"_sd": [_digest(str(n).encode()) for n in range(900)]}, []),
        "a chain of disclosures": _with(*_chain(16)),
        "a chain too deep": _with(*_chain(200)),
        "a tree of disclosures": _with(*_tree(3, 6)),
        "the most disclosures": _with(*_flat(256)),
        "one disclosure too many": _with(*_flat(257)),
        "elements disclosed": _with(*_elements(256)),
        "the same digest for ever": _with({"_sd": [_digest(b"x")] * 900}, []),
    }


def _with(more: dict[str, Any], disclosures: list[bytes]) -> str:
    jws = Jws(world.compact(ISSUER.header("dc+sd-jwt")), b"", b"")
    payload = world.compact({**world.claims("business-licence"), **more})
    return Token(Jws(jws.header, payload, b"").signed(ISSUER), tuple(disclosures)).text()


def _digest(disclosure: bytes) -> str:
    return b64u(hashlib.sha256(b64u(disclosure).encode()).digest())


def _chain(depth: int) -> tuple[dict[str, Any], list[bytes]]:
    inner: Any = 1
    made: list[bytes] = []
    for level in range(depth):
        made.append(world.compact([_SALT, f"d{level}", inner]))
        inner = {"_sd": [_digest(made[-1])]}
    return inner, made


def _tree(width: int, depth: int) -> tuple[dict[str, Any], list[bytes]]:
    made: list[bytes] = []

    def node(level: int) -> Any:
        if level == depth or len(made) > 200:
            return [1]
        digests = []
        for place in range(width):
            text = world.compact([_SALT, f"n{place}", node(level + 1)])
            made.append(text)
            digests.append(_digest(text))
        return {"_sd": digests}

    return node(0), made


def _flat(count: int) -> tuple[dict[str, Any], list[bytes]]:
    made = [world.compact([_SALT, f"f{number}", [[[[[[[[number]]]]]]]]]) for number in range(count)]
    return {"_sd": [_digest(text) for text in made]}, made


def _elements(count: int) -> tuple[dict[str, Any], list[bytes]]:
    made = [world.compact([_SALT, {"n": number}]) for number in range(count)]
    return {"list": [{"...": _digest(text)} for text in made]}, made


def codes() -> dict[str, str]:
    """Hostile QR texts: the longest, and frames that inflate to their cap and far beyond."""
    cap = frames.STREAM_CAP
    prefix, good = frames.take_apart(world.codes()["household"])
    head = b'{"alg":"ES256"}\n'
    streams = {name: head + fill(unit, cap - 20) for name, unit in UNITS.items()}
    streams |= {
        "line feeds": head + b"\n" * (cap - len(head)),
        "zeros": bytes(cap),
        "one byte too many": bytes(cap + 1),
        "a bomb": bytes(64 * 1024 * 1024),
        "slots": head + b'{"x":[' + b'{"...":""},' * 256 + b"0]}" + b"\n1" * 256,
        "many slots": head + b'{"x":[' + b'{"...":""},' * 5000 + b"0]}",
        "counts": head + b'{"_sd":[256]}' + b'\n"a":1' * 256,
        "nested counts": head + b'{"_sd":[1]}' + b'\n"a":{"_sd":[1]}' * 255 + b'\n"a":1',
        "nested slots": head + b'{"x":[{"...":""}]}' + b'\n[{"...":""}]' * 255 + b"\n1",
        "long lines": head + b'{"_sd":[2]}' + b'\n"a":"%s"\n"b":"%s"' % ((b"x" * 30_000,) * 2),
        "withheld": head + b'{"_sd":[0' + b"".join(
            b',"%043d"' % number for number in range(1300)) + b"]}",
    }  # fmt: skip
    salts = {0: (0, bytes(16)), 1: (1, b"\x40" + bytes(64 * 16)), 2: (2, b"")}
    made = {
        f"{name}, flags {flags}": frames.Frame(
            bytes((1, 0, flags)), carried, tuple(stream.split(b"\n")), good.signature, b""
        ).body()
        for name, stream in streams.items()
        for flags, carried in salts.values()
    }
    texts = {name: prefix + frames.digits_of(body) for name, body in made.items()}
    texts["nines"] = prefix + "9" * 8000
    texts["zeros as digits"] = "0" * 7089
    texts["a long host"] = "https://" + "a-" * 30_000 + "/v#1"
    return texts


def lists(size: int = MAX_LIST_TOKEN) -> dict[str, str]:
    """Hostile status list tokens of a size, signed by the right key.

    An incompressible list of 2 MiB is a token of 3.6 MiB, so the reader's own cap is the measure.
    """
    room = size * 3 // 4 - 300
    made = {name: _list(text) for name, text in documents(room).items()}
    inner = room * 3 // 4 - 300
    packs: dict[str, Callable[[], bytes]] = {
        "noise": lambda: zlib.compress(hashlib.shake_128(b"noise").digest(inner - 1000), 1),
        "zeros to the cap": lambda: zlib.compress(bytes(LIST_BYTES), 9),
        "one byte too many": lambda: zlib.compress(bytes(LIST_BYTES + 1), 9),
        "a bomb": lambda: zlib.compress(bytes(200 * 1024 * 1024), 9),
        "stored": lambda: zlib.compress(bytes(min(inner, LIST_BYTES) - 1000), 0),
        "trailing bytes": lambda: zlib.compress(bytes(1000)) + bytes(inner - 1000),
        "no zlib": lambda: b"A" * inner,
        "a list in a list": lambda: zlib.compress(b64u(zlib.compress(bytes(10**6))).encode()),
        "base64 in base64": lambda: b64u(b"A" * (inner * 3 // 4)).encode(),
    }
    for name, pack in packs.items():
        payload = world.list_payload()
        payload["status_list"]["lst"] = b64u(pack())
        made[f"lst: {name}"] = _list(world.compact(payload))
    payload = world.list_payload() | {"note": "😀"}
    payload["status_list"]["lst"] = "A" * (room - 500)
    made["lst beside a wide character"] = _list(world.compact(payload))
    payload["status_list"]["lst"] += "😀"
    made["lst with a wide character"] = _list(world.compact(payload))
    made["all dots"] = "." * size
    made["all header"] = "A" * size
    return {name: text for name, text in made.items() if len(text) <= MAX_LIST_TOKEN}


def _list(payload: bytes) -> str:
    header = world.compact(STATUS.header("statuslist+jwt"))
    return Jws(header, payload, b"").signed(STATUS).text()


def records() -> dict[str, bytes]:
    """Hostile trust records at their cap."""
    made = documents(RECORD_BYTES)
    stated = world.record_json()
    aliases = [f"{world.BASE}{number}/i/{world.USCC}" for number in range(strict.MAX_ARRAY)]
    made["aliases"] = world.compact(stated | {"aliases": aliases})
    made["the same keys"] = world.compact(stated | {"keys": stated["keys"][:1] * 600})
    made["rights"] = world.compact(stated | {"rights": stated["rights"][:1] * strict.MAX_ARRAY})
    made["a long name"] = world.compact(stated | {"names": {"zh": "证" * 80_000, "en": "x"}})
    return made
