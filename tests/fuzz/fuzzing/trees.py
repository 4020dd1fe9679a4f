"""JSON as a tree that can say what JSON libraries cannot: repeated members, odd literals."""

import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from fuzzing.draws import Draws

Tree: TypeAlias = Any
Place: TypeAlias = "tuple[list[Any], int]"

# Twice the depth that is allowed, and more elements than an array may have.
_DEEP = 34
_WIDE = 1100
# Above every cap of a token; more would only make the fuzzer slow.
_BULK = 256 * 1024


class Members(list[tuple[Any, Tree]]):
    """Members of an object, in order; names may repeat."""


class Raw(str):
    """JSON text that is written as it stands, in a value's or a name's place."""

    __slots__ = ()


_NUMBERS = tuple(
    Raw(text)
    for text in (
        "0", "-0", "1", "-1", "1.0", "1e0", "1E2", "0.1", "1e400", "-1e400", "1e-400", "01", "+1",
        ".5", "1.", "0x1", "NaN", "Infinity", "-Infinity", "9007199254740991", "9007199254740992",
        "-9007199254740992", "18446744073709551616", "1" * 60, "1." + "1" * 60, "true", "null",
    )
)  # fmt: skip
_TEXTS = (
    "", "\0", "\ud800", "\udfff\ud800", "٣", "０", "é", "e\u0301", "\u202e", "\u200b", "а",
    "Ａ", "\x7f", "\n", "\u2028", " ", "..", "%2e", "/", "?", "#", "@", "~", "'", '"', "\\", "🦄",
    "=", "+", "-", "_", "0", "9", "a", "A", "null", "A" * 43, "A" * 2000, "_sd", "...",
    '"_sd":[1]', '{"...":""}',
)  # fmt: skip
NAMES = (
    "_sd", "...", "_sd_alg", "iss", "exp", "nbf", "iat", "vct", "vct#integrity", "aka_vcts", "cnf",
    "jwk", "status", "status_list", "idx", "uri", "certificate_identifier", "alg", "typ", "kid",
    "crit", "b64", "zip", "jku", "x5u", "x5c", "sub", "ttl", "bits", "lst", "aud", "nonce",
    "sd_hash", "name", "members", "__proto__", "", "\0", "\ud800", "sha-256", "sm3", "none",
)  # fmt: skip
_LITERALS = (
    Raw("[]"), Raw("{}"), Raw("[[]]"), Raw("null"), Raw("false"), Raw('"'), Raw("]"), Raw("}"),
    Raw(""), Raw("[,]"), Raw("{,}"), Raw("'x'"), Raw('"\\ud800"'), Raw('"\\u0000"'),
    Raw('"\\x41"'), Raw("/**/1"), Raw("1 2"), Raw("[1,]"), Raw('{"a":1,"a":1}'),
    Raw('{"a":1,"\\u0061":2}'), Raw('{"...":"' + "A" * 43 + '"}'), Raw('{"_sd":[]}'),
    Raw('{"_sd":["' + "A" * 43 + '"]}'),
)  # fmt: skip


def parse(data: bytes | str) -> Tree:
    """Read plain JSON; objects become `Members`."""
    return json.loads(data, object_pairs_hook=Members)


def write(tree: Tree) -> str:
    """Write a tree as compact JSON text, or as what was made of it."""
    if isinstance(tree, Raw):
        return str(tree)
    if isinstance(tree, Members):
        return "{" + ",".join(f"{write(name)}:{write(value)}" for name, value in tree) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(write, tree)) + "]"
    return encode_basestring(tree) if type(tree) is str else json.dumps(tree)


def encode(tree: Tree) -> bytes:
    """Write a tree as bytes; lone surrogates become bytes that are not UTF-8."""
    return write(tree).encode("utf-8", "surrogatepass")


def replace_texts(tree: Tree, known: dict[str, str]) -> Tree:
    """Return a copy in which whole strings are replaced."""
    if isinstance(tree, Members):
        return Members((name, replace_texts(value, known)) for name, value in tree)
    if isinstance(tree, list):
        return [replace_texts(item, known) for item in tree]
    return known.get(tree, tree) if type(tree) is str else tree


def mutate(tree: Tree, draws: Draws) -> Tree:
    """Return a changed copy of a tree."""
    root = [_copy(tree)]
    for _ in range(1 + draws.below(3)):
        container, index = draws.pick(_places(root))
        draws.pick(_CHANGES)(draws, container, index, root)
    return root[0] if len(root) == 1 else root


def spoil(data: bytes, draws: Draws) -> bytes:
    """Return the bytes of a JSON text, sometimes spelled in another way or damaged."""
    if not draws.one_in(4):
        return data
    at = draws.place(data)
    return draws.pick(
        (
            lambda: b" " + data,
            lambda: data + b"\n",
            lambda: b"\xef\xbb\xbf" + data,
            lambda: data.decode("utf-8", "replace").encode("utf-16"),
            lambda: data + b"\0",
            lambda: data + data,
            lambda: data.replace(b":", b" :\t", 1),
            lambda: data[:at] + draws.blob(3) + data[at:],
            lambda: data[:at] + data[at + 1 :],
            lambda: data[:at] + bytes((draws.below(256),)) + data[at + 1 :],
            lambda: data[:at],
            lambda: b"",
            lambda: json.dumps(data.decode("utf-8", "replace")).encode(),
            lambda: data.replace(b"/", b"\\/").replace(b"a", b"\\u0061", 1),
            lambda: b"[" * (1 + draws.below(20_000)) + data,
        )
    )()


def _copy(tree: Tree) -> Tree:
    if isinstance(tree, Members):
        return Members((name, _copy(value)) for name, value in tree)
    return [_copy(item) for item in tree] if isinstance(tree, list) else tree


def _places(root: list[Tree]) -> list[Place]:
    """Every node, as its container and its index in it; the root first."""
    found: list[Place] = []
    pending: list[list[Any]] = [root]
    while pending:
        container = pending.pop()
        for index in range(len(container)):
            found.append((container, index))
            value = _get(container, index)
            if isinstance(value, list):
                pending.append(value)
        if len(found) > 3000:
            break
    return found or [(root, 0)]


def _get(container: list[Any], index: int) -> Tree:
    return container[index][1] if isinstance(container, Members) else container[index]


def _set(container: list[Any], index: int, value: Tree) -> None:
    container[index] = (container[index][0], value) if isinstance(container, Members) else value


def _replace(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    _set(container, index, draws.pick((*_NUMBERS, *_LITERALS, *_TEXTS, *NAMES)))


def _wrap(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    value = _get(container, index)
    for _ in range(1 + draws.below(3) * draws.below(_DEEP)):
        value = Members([(draws.pick(NAMES), value)]) if draws.below(2) else [value]
    _set(container, index, value)


def _retype(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    text = write(_get(container, index))
    _set(
        container,
        index,
        draws.pick((text, Raw(text + ".0"), Raw(text + "0"), [text], Raw(" " + text))),
    )


def _remove(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    if container is not root:
        del container[index]


def _double(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    """Stand twice: the same, with another value, or under a name that is spelled otherwise."""
    again = container[index]
    if isinstance(container, Members):
        name, value = again
        if draws.below(2) and isinstance(name, str) and name and name[0] != '"':
            name = Raw(f'"\\u{ord(name[0]) & 0xFFFF:04x}' + json.dumps(name[1:])[1:])
        again = (name, draws.pick((value, Raw("1"), "x", Raw("null"))))
    if container is not root:
        container.insert(draws.below(len(container) + 1), again)


def _rename(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    if isinstance(container, Members):
        container[index] = (draws.pick(NAMES), container[index][1])


def _insert(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    value: Tree = draws.pick((*_LITERALS, *_NUMBERS, *_TEXTS))
    here = _get(container, index)
    target = here if isinstance(here, list) else container
    if target is not root:
        at = draws.below(len(target) + 1)
        target.insert(at, (draws.pick(NAMES), value) if isinstance(target, Members) else value)


def _graft(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    """A copy of another part of the tree."""
    source, at = draws.pick(_places(root))
    _set(container, index, _copy(_get(source, at)))


def _swap(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    other = draws.below(len(container))
    container[index], container[other] = container[other], container[index]


def _widen(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    count = draws.pick((2, 255, 257, _WIDE))
    text = write(_get(container, index))
    if draws.below(2) and len(text) * count < _BULK:
        wide = "[" + ",".join([text] * count) + "]"
    else:
        wide = "{" + ",".join(f'"m{number}":0' for number in range(count)) + "}"
    _set(container, index, Raw(wide))


def _edit(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    """Another text or number, near the one that stood there."""
    value = _get(container, index)
    if isinstance(value, str) and not isinstance(value, Raw):
        at = draws.below(len(value) + 1)
        _set(container, index, value[:at] + draws.pick(_TEXTS) + value[at + draws.below(2) :])
    elif isinstance(value, int) and not isinstance(value, bool):
        steps = (-1, 1, -86_400, 86_400, 2**31, 2**53, -(2**40), 10**9)
        _set(container, index, value + draws.pick(steps))


def _respell(draws: Draws, container: list[Any], index: int, root: list[Any]) -> None:
    """The same value in other JSON: escapes, white space."""
    value = _get(container, index)
    if isinstance(value, str) and not isinstance(value, Raw):
        escaped = "".join(f"\\u{ord(char):04X}" if ord(char) < 0x10000 else char for char in value)
        _set(container, index, Raw(f'"{escaped}"'))
    else:
        _set(container, index, Raw(f"\n{write(value)}\t"))


_CHANGES: tuple[Callable[[Draws, list[Any], int, list[Any]], None], ...] = (
    _edit, _replace, _wrap, _retype, _remove, _double, _rename, _insert, _graft, _swap, _widen,
    _respell,
)  # fmt: skip
