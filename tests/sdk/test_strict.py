"""T13-T17: one spelling of everything, bounded work, only `Malformed`."""

import contextlib
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc_sdk import strict
from certsvc_sdk.errors import Malformed


def loads(text: str | bytes, max_bytes: int = strict.MAX_TOKEN) -> strict.Json:
    data = text.encode() if isinstance(text, str) else text
    return strict.loads(data, max_bytes=max_bytes, what="thing")


@given(st.binary(max_size=200))
def test_base64url_round_trips(data: bytes) -> None:
    text = strict.b64u_encode(data)
    assert strict.b64u_decode(text) == data


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_", max_size=12))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        data = strict.b64u_decode(text)
    except Malformed:
        return
    assert strict.b64u_encode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "QQ==", "QR", "Q", "QUI=", "QUJ", "QUE=\n", "QUFB\n", " QUFB", "Q+FB", "Q/FB", "QUFB=",
        "QUFBQ", "ＱＵ", "QU\x00B", "QU.B", "QUF~", "QUé",
    ],
)  # fmt: skip
def test_base64url_twins_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        strict.b64u_decode(text, what="twin")


@given(st.sampled_from([16, 32, 33, 1]), st.data())
def test_byte_strings_of_one_size_encode_as_one_by_one(size: int, data: st.DataObject) -> None:
    items = data.draw(st.lists(st.binary(min_size=size, max_size=size), max_size=5))
    assert strict.b64u_fixed(items, size) == [strict.b64u_encode(item) for item in items]


def _lines(encoded: list[bytes]) -> list[strict.Json]:
    return strict.loads_lines(strict.b64u_lines(encoded, what="line"), encoded, what="line")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(_VALUES, max_size=6), st.booleans())
def test_many_texts_are_read_as_one_by_one(values: list[strict.Json], spaced: bool) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    texts = [json.dumps(v, ensure_ascii=spaced, separators=separators) for v in values]
    encoded = [strict.b64u_encode(text.encode("utf-8", "replace")).encode() for text in texts]
    try:
        expected = [strict.loads(strict.b64u_bytes(e), max_bytes=9999, what="x") for e in encoded]
    except Malformed:
        with pytest.raises(Malformed):
            _lines(encoded)
    else:
        assert _lines(encoded) == expected


@pytest.mark.parametrize("bad", [b"", b"Q", b"QQ==", b"Q+FB", b"Q/FB", b"QU~FB", b"WzFd\n"])
def test_lines_that_are_not_base64url_are_refused(bad: bytes) -> None:
    for encoded in ([bad], [b"WzFd", bad], [bad, b"WzFd"]):
        with pytest.raises(Malformed):
            strict.b64u_lines(encoded, what="line")


# Texts that are JSON only together: an array that ends in the next text, and a text that is two.
_SPLIT = [b'["s",["x"]', b'["y"]]', b'["a",1],["b",2]']
_BAD_LINES = [
    [b'["s",{"a":1,"a":2}]'], [b'["s",NaN]'], [b'["s",1'], [b'["s"]\n'], [b'["s"],'], _SPLIT,
    _SPLIT[:2], _SPLIT[2:], [b'["s","n', b'",1]'], [b'["s",' + b"[" * 16 + b"]" * 16 + b"]"],
    [b'["s",9007199254740992]'], [b'["s","\\ud800"]'], [b'["s","\\u0000"]'], [b'["s","\xff"]'],
]  # fmt: skip


@pytest.mark.parametrize("texts", _BAD_LINES, ids=repr)
def test_lines_that_are_not_json_each_by_itself_are_refused(texts: list[bytes]) -> None:
    good = b'["salt","name","value"]'
    for lines in (texts, [good, *texts], [*texts, good]):
        encoded = [strict.b64u_encode(line).encode() for line in lines]
        if lines[-1:] == [b'["s"]\n'] or b'["s"]\n' in lines:
            assert _lines(encoded)[lines.index(b'["s"]\n')] == ["s"]  # white space is JSON
            continue
        with pytest.raises(Malformed):
            _lines(encoded)


def test_unused_bits_of_a_line_must_be_zero() -> None:
    # `["s"]` and `[1]x` in all three lengths modulo 4, last character moved by one.
    for text in (b'["s"]', b'["sa"]', b'["sab"]'):
        encoded = strict.b64u_encode(text).encode()
        assert _lines([encoded]) == [json.loads(text)]
        twin = encoded[:-1] + bytes([encoded[-1] + 1])
        with pytest.raises(Malformed):
            _lines([twin])


# The first of two texts ends in the second, alone or with a separator and one more value behind it.
_ENDS = [
    b'y"]',
    b'yy"]',
    b'yyy"]',
    *(b'y"]%b["t","n",1]' % one for one in (b"\n,", b"\n,\n", b"\n,\n\n")),
]


@pytest.mark.parametrize("first", [b'["s","x', b'["sa","x', b'["sal","x'])
@pytest.mark.parametrize("after", _ENDS, ids=repr)
def test_no_text_runs_on_into_the_next(first: bytes, after: bytes) -> None:
    # Unused bits in a last character could turn the line feed behind it into a letter.
    encoded = strict.b64u_encode(first)
    for last in string.ascii_letters + string.digits + "-_":
        with pytest.raises(Malformed):
            _lines([(encoded[:-1] + last).encode(), strict.b64u_encode(after).encode()])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' {"a": [1, 2.5, null, true, "中"]}\n', {"a": [1, 2.5, None, True, "中"]}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"[[[[[[[[[[[[[[[[[[[[{{{{{{{{"', "[[[[[[[[[[[[[[[[[[[[{{{{{{{{"),
        ('["\\"[[[[[[[[[[[[[[[[[[[", "\\\\", "]]]]"]', ['"[[[[[[[[[[[[[[[[[[[', "\\", "]]]]"]),
        (f'{{"a":{2**53 - 1},"b":{1 - 2**53}}}', {"a": 2**53 - 1, "b": 1 - 2**53}),
        ("[" * 16 + "]" * 16, [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]),
        ("[" + "{}," * 40 + "{}]", [{}] * 41),
        ("1e10", 1e10),
    ],
)
def test_good_json(text: str, value: strict.Json) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}', '{"a":{"b":1,"b":2}}', '{"a":1,"\\u0061":2}',
        "NaN", "[Infinity]", "-Infinity", "1e400", "-1e400",
        "[" + "1" * 5000 + "]", "1" * 17 + "." + "1" * 40,
        str(2**53), str(-(2**53)), "99999999999999999", "0123", "+1", "1.", ".5", "0x10", "1_000",
        "", " ", "nul", "'a'", "{a:1}", '{"a":1,}', "[1,]", "[1 2]", '{"a" 1}', "{} {}",
        "{}x", '"\t"',
        '"\\ud800"', '"\\udfff x"', '"\\u0000"', '{"\\u0000":1}', '{"a":["\\ud800"]}', '"\\x41"',
        "[" * 17 + "]" * 17, '{"a":' * 17 + "1" + "}" * 17, "[" * 100_000, '{"a":' * 10_000,
        "[" * 20, "]" * 20, '["' + "[" * 50, '"\\' * 500, "[" * 10 + "}" * 10,
    ],
)  # fmt: skip
def test_bad_json(text: str) -> None:
    with pytest.raises(Malformed):
        loads(text, max_bytes=2**20)


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        '{"a":1}'.encode("utf-32"),
        '{"a":1}'.encode("utf-32-be"),
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'"\xf5\x80\x80\x80"',
        b'"\xff"',
        b'"\x00"',
        b"\x00",
        b'{"a":1}\x00',
        "\ufeff{}".encode(),
    ],
)
def test_other_encodings_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        loads(data)


def test_width_and_length_limits() -> None:
    assert loads(json.dumps(list(range(1024)))) == list(range(1024))
    with pytest.raises(Malformed):
        loads(json.dumps([[0] * 1025]))
    assert loads(json.dumps([[0] * 600, [0] * 600])) == [[0] * 600, [0] * 600]
    wide = {str(number): number for number in range(256)}
    assert loads(json.dumps(wide)) == wide
    with pytest.raises(Malformed):
        loads(json.dumps({**wide, "more": 1}))
    assert loads(b"[1]", max_bytes=3) == [1]
    with pytest.raises(Malformed):
        loads(b"[1]", max_bytes=2)


@given(st.text(alphabet='[]{}",:\\1a u0', max_size=80))
def test_nothing_foreign_escapes(text: str) -> None:
    try:
        value = loads(text)
    except Malformed:
        return
    assert json.loads(text) == value


@given(st.binary(max_size=60))
def test_no_bytes_escape_the_error_tree(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        loads(data)


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    text = json.dumps({"a": "[" * 100, "b": ["\\", '"', "{" * 100, '\\"']})
    assert loads(text) == json.loads(text)
    # A closing quote behind a backslash is none: the brackets after it are still text.
    with pytest.raises(Malformed):
        loads('["\\\\",' + "[" * 20 + "]" * 20 + "]")


def test_objects_only() -> None:
    assert strict.loads_object(b'{"a":1}', max_bytes=9, what="x") == {"a": 1}
    with pytest.raises(Malformed, match="x is not a JSON object"):
        strict.loads_object(b"[1]", max_bytes=9, what="x")


def test_dumps_is_compact_and_keeps_order() -> None:
    assert (
        strict.dumps({"b": "中\n", "a": [1, None, True]})
        == '{"b":"中\\n","a":[1,null,true]}'.encode()
    )


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object(), b"x", {"a": {1, 2}}])
def test_dumps_refuses_what_is_not_json(value: object) -> None:
    with pytest.raises(Malformed):
        strict.dumps(value)


def test_dumps_refuses_endless_nesting() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(Malformed):
        strict.dumps(loop)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Malformed):
        strict.dumps(deep)


OBJ: dict[str, strict.Json] = {
    "text": "x", "number": 5, "true": True, "float": 1.0, "digits": "123",
    "null": None, "object": {"a": 1}, "array": [1],
}  # fmt: skip


def test_typed_access() -> None:
    assert strict.text(OBJ, "text", "t") == "x"
    assert strict.integer(OBJ, "number", "t") == 5
    assert strict.members(OBJ, "object", "t") == {"a": 1}
    assert strict.array(OBJ, "array", "t") == [1]
    assert strict.optional_text(OBJ, "text", "t") == "x"
    assert strict.optional_text(OBJ, "absent", "t") is None
    assert strict.optional_integer(OBJ, "number", "t") == 5
    assert strict.optional_integer(OBJ, "absent", "t") is None


@pytest.mark.parametrize(
    ("reader", "wrong"),
    [
        (strict.text, ["number", "null", "array", "absent"]),
        (strict.integer, ["true", "float", "digits", "null", "absent"]),
        (strict.members, ["array", "text", "null", "absent"]),
        (strict.array, ["object", "text", "null", "absent"]),
        (strict.optional_text, ["null", "number"]),
        (strict.optional_integer, ["null", "true", "float", "digits"]),
    ],
)
def test_typed_access_refuses_other_types(reader: object, wrong: list[str]) -> None:
    assert callable(reader)
    for name in wrong:
        with pytest.raises(Malformed, match=name):
            reader(OBJ, name, "t")
