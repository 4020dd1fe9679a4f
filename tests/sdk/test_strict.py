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
    assert strict.is_b64u(text)


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


def test_base64url_alphabet_check() -> None:
    assert strict.is_b64u("")
    assert not strict.is_b64u("a=")
    assert not strict.is_b64u("é")


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
