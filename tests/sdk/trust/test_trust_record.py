import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk.errors import Malformed, TrustInvalid
from certsvc_sdk.trust import (
    KeyState,
    KeyUse,
    division_within,
    issuer_target,
    parse_record,
    parse_url,
    under_prefix,
)

NOW = 1_800_000_000
RecordJson = Callable[..., dict[str, Any]]


def read(obj: object) -> Any:
    return parse_record(json.dumps(obj, ensure_ascii=False).encode())


def test_record_is_read_and_written_the_same(record_json: RecordJson) -> None:
    obj = record_json()
    record = read(obj)
    assert record.to_json() == obj
    assert parse_record(record.to_bytes()) == record
    assert list(json.loads(record.to_bytes())) == list(obj)


def test_full_record_is_read_and_written_the_same(record_json: RecordJson) -> None:
    obj = record_json(
        aliases=["https://old.example/i/119999000000000198"],
        mirrors=["https://mirror.example/certs/"],
        successor="https://certs.example/i/11999800000000019X",
        log_origin="certs.example/log/1",
        status_aggregation=None,
    )
    obj["keys"][0] |= {"state": "compromised", "compromised_at": NOW, "types": ["a", "b-2"]}
    obj["keys"][0] |= {"accept_before_log_index": 17, "not_after": NOW + 1}
    obj["rights"][0] |= {"to": NOW + 1, "max_validity": 60}
    record = read(obj)
    assert record.to_json() == obj
    assert record.keys[0].state is KeyState.COMPROMISED
    assert record.answers_to("https://old.example/i/119999000000000198")
    assert not record.answers_to("https://new.example/i/119999000000000198")
    assert not record.uses_loopback


def test_key_is_found_by_id_and_use(record_json: RecordJson) -> None:
    record = read(record_json())
    kid = record.keys[0].kid
    assert record.key(kid, "certificate") is record.keys[0]
    assert record.key(kid, KeyUse.CERTIFICATE) is record.keys[0]
    assert record.key(kid, "status") is None
    assert record.key("AAAAAAAAAAA", "certificate") is None


def test_key_verifies(record_json: RecordJson, make_signer: Callable[..., Any]) -> None:
    key = read(record_json()).keys[0]
    key.public.verify(b"data", make_signer("ES256", 11).sign(b"data"))


@pytest.mark.parametrize(
    ("vct", "at", "division", "found"),
    [
        ("https://certs.example/vct/business-licence/1", NOW, "999900", True),
        ("https://certs.example/vct/business-licence/12", NOW - 86_400, "999900", True),
        ("https://certs.example/vct/business-licence/1", NOW - 86_401, "999900", False),
        ("https://certs.example/vct/business-licence", NOW, "999900", False),
        ("https://certs.example/vct/household-register/1", NOW, "999900", False),
        ("https://evil.example/vct/business-licence/1", NOW, "999900", False),
        ("https://certs.example/vct/business-licence/1", NOW, "999800", False),
    ],
)
def test_right(record_json: RecordJson, vct: str, at: int, division: str, found: bool) -> None:
    right = read(record_json()).right(vct, at, division)
    assert (right is not None) is found


def test_right_ends_before_its_end(record_json: RecordJson) -> None:
    obj = record_json()
    obj["rights"][0]["to"] = NOW
    record = read(obj)
    vct = "https://certs.example/vct/business-licence/1"
    assert record.right(vct, NOW - 1, "999900") is not None
    assert record.right(vct, NOW, "999900") is None


@pytest.mark.parametrize(
    ("division", "area", "within"),
    [
        ("330106", "330106", True),
        ("330106", "330100", True),
        ("330106", "330000", True),
        ("330106", "100000", True),
        ("330106", "330200", False),
        ("330106", "340000", False),
        ("330100", "330106", False),
        ("330106", "000000", False),
        ("100000", "330000", False),
    ],
)
def test_division_within(division: str, area: str, within: bool) -> None:
    assert division_within(division, area) is within


def _set(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(obj: Any) -> None:
        for step in path[:-1]:
            obj = obj[step]
        obj[path[-1]] = value

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(obj: Any) -> None:
        for step in path[:-1]:
            obj = obj[step]
        del obj[path[-1]]

    return change


def _twice(obj: dict[str, Any]) -> None:
    obj["keys"].append(dict(obj["keys"][0]))


def _swapped_kids(obj: dict[str, Any]) -> None:
    one, two = obj["keys"]
    one["kid"], two["kid"] = two["kid"], one["kid"]


DEFECTS = {
    "version 2": _set("version", value=2),
    "version true": _set("version", value=True),
    "unknown member": _set("extra", value=1),
    "missing member": _drop("successor"),
    "iss other code": _set("iss", value="https://certs.example/i/119999000000000273"),
    "iss without code": _set("iss", value="https://certs.example/i/"),
    "iss with query": _set("iss", value="https://certs.example/i/119999000000000198?"),
    "iss plain http": _set("iss", value="http://certs.example/i/119999000000000198"),
    "iss number": _set("iss", value=1),
    "division other": _set("division", value="999800"),
    "level unknown": _set("level", value="village"),
    "names missing language": _drop("names", "en"),
    "names third language": _set("names", "fr", value="x"),
    "name empty": _set("names", "zh", value=""),
    "name with bidi control": _set("names", "zh", value="示例\u202e局"),
    "name with blank end": _set("names", "en", value="Office "),
    "name too long": _set("names", "en", value="x" * 201),
    "keys not a list": _set("keys", value={}),
    "key not an object": _set("keys", 0, value="key"),
    "key unknown member": _set("keys", 0, "note", value="x"),
    "key missing member": _drop("keys", 0, "types"),
    "key use unknown": _set("keys", 0, "use", value="everything"),
    "key state unknown": _set("keys", 0, "state", value="destroyed"),
    "key state generated": _set("keys", 0, "state", value="generated"),
    "key alg unknown": _set("keys", 0, "alg", value="HS256"),
    "key alg other": _set("keys", 0, "alg", value="Ed25519"),
    "key private": _set("keys", 0, "public", "d", value="AAAA"),
    "key with kid inside": _set("keys", 0, "public", "kid", value="AAAA"),
    "key off curve": _set("keys", 0, "public", "x", value="A" * 43),
    "kid chosen": _set("keys", 0, "kid", value="AAAAAAAAAAA"),
    "kids swapped": _swapped_kids,
    "kid twice": _twice,
    "not_before negative": _set("keys", 0, "not_before", value=-1),
    "not_before float": _set("keys", 0, "not_before", value=1.5),
    "not_before null": _set("keys", 0, "not_before", value=None),
    "not_after text": _set("keys", 0, "not_after", value="2030"),
    "window empty": _set("keys", 0, "not_after", value=NOW - 86_400),
    "types empty": _set("keys", 0, "types", value=[]),
    "types repeated": _set("keys", 0, "types", value=["a", "a"]),
    "types with slash": _set("keys", 0, "types", value=["a/b"]),
    "types number": _set("keys", 0, "types", value=[1]),
    "compromised without time": _set("keys", 0, "state", value="compromised"),
    "time without compromise": _set("keys", 0, "compromised_at", value=NOW),
    "log index without compromise": _set("keys", 0, "accept_before_log_index", value=1),
    "right unknown member": _set("rights", 0, "note", value=1),
    "right vct no address": _set("rights", 0, "vct", value="business-licence"),
    "right vct folder": _set("rights", 0, "vct", value="https://certs.example/vct/"),
    "right division short": _set("rights", 0, "division", value="9999"),
    "right division letters": _set("rights", 0, "division", value="9999AB"),
    "right ends first": _set("rights", 0, "to", value=1),
    "right max_validity zero": _set("rights", 0, "max_validity", value=0),
    "right max_validity true": _set("rights", 0, "max_validity", value=True),
    "prefix without slash": _set("status_prefix", value="https://certs.example/status/x"),
    "prefix http": _set("status_prefix", value="http://certs.example/status/x/"),
    "prefix userinfo": _set("status_prefix", value="https://u@certs.example/status/"),
    "prefix query": _set("status_prefix", value="https://certs.example/status/?a/"),
    "prefix fragment": _set("status_prefix", value="https://certs.example/status/#/"),
    "prefix percent": _set("status_prefix", value="https://certs.example/%73tatus/"),
    "prefix dots": _set("status_prefix", value="https://certs.example/a/../status/"),
    "prefix null": _set("status_prefix", value=None),
    "aggregation elsewhere": _set("status_aggregation", value="https://evil.example/lists.json"),
    "log origin with space": _set("log_origin", value="a b"),
    "log origin number": _set("log_origin", value=1),
    "alias no issuer": _set("aliases", value=["https://certs.example/"]),
    "mirror no folder": _set("mirrors", value=["https://certs.example/x"]),
    "successor no issuer": _set("successor", value="https://certs.example/x"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_is_refused(record_json: RecordJson, name: str) -> None:
    obj = json.loads(json.dumps(record_json()))
    DEFECTS[name](obj)
    with pytest.raises(TrustInvalid):
        read(obj)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"version":1,"version":1}', b"\xff"])
def test_no_record_at_all(data: bytes) -> None:
    with pytest.raises(TrustInvalid):
        parse_record(data)


def test_loopback_is_noticed(record_json: RecordJson) -> None:
    record = read(record_json(host="http://127.0.0.1:8000"))
    assert record.uses_loopback
    assert read(record_json(mirrors=["http://localhost:8000/"])).uses_loopback


def test_issuer_target() -> None:
    assert issuer_target("https://certs.example/i/119999000000000198") == (
        "issuers/999900/119999000000000198.json"
    )
    assert issuer_target("https://h.example:8443/a/b/i/11330106MB0143028R").startswith(
        "issuers/330106/"
    )


@pytest.mark.parametrize(
    "iss",
    [
        "",
        "https://certs.example/i/11999900000000019",
        "https://certs.example/i/1199990000000001988",
        "https://certs.example/i/119999000000000198/",
        "https://certs.example/i/119999000000000198#x",
        "https://certs.example/j/119999000000000198",
        "https://certs.example/i/11999900000000019a",
        "https://certs.example/i/11999900000000019O",
        "https://certs.example/i/11A999000000000198",
        "https://certs.example/i/../i/119999000000000198",
        "https://certs.example/i/119999000000000198\n",
        "https://user@certs.example/i/119999000000000198",
        "http://certs.example/i/119999000000000198",
        "https://certs.example/i/" + "1" * 3000,
    ],
)
def test_issuer_target_refuses(iss: str) -> None:
    with pytest.raises(Malformed):
        issuer_target(iss)


PREFIX = "https://certs.example/status/119999000000000198/"


@pytest.mark.parametrize("rest", ["1", "12/a", "lists.json", "a-b_c~d"])
def test_under_prefix(rest: str) -> None:
    assert under_prefix(PREFIX + rest, PREFIX)
    assert under_prefix("https://certs.example:443/status/119999000000000198/" + rest, PREFIX)


@pytest.mark.parametrize(
    "url",
    [
        PREFIX,
        PREFIX[:-1],
        PREFIX + "../1",
        PREFIX + "./1",
        PREFIX + "a//1",
        PREFIX + "..1",
        PREFIX + "1?x",
        PREFIX + "1#x",
        PREFIX + "%31",
        PREFIX + "1\\2",
        PREFIX + "1 2",
        PREFIX + "1\n",
        PREFIX + "１",
        "https://certs.example/status/119999000000000198",
        "https://certs.example/status/1199990000000001980/1",
        "https://certs.example/Status/119999000000000198/1",
        "https://certs.example.evil.example/status/119999000000000198/1",
        "https://certs.example@evil.example/status/119999000000000198/1",
        "https://user:pw@certs.example/status/119999000000000198/1",
        "https://certs.example:8443/status/119999000000000198/1",
        "https://certs.example:0443/status/119999000000000198/1",
        "https://certs.example:99999/status/119999000000000198/1",
        "https://CERTS.example/status/119999000000000198/1",
        "http://certs.example/status/119999000000000198/1",
        "file:///status/119999000000000198/1",
        "//certs.example/status/119999000000000198/1",
        "/status/119999000000000198/1",
        "https:certs.example/status/119999000000000198/1",
        "https://certs.example\\status/119999000000000198/1",
        "https://169.254.169.254/latest/meta-data/",
        "https://-certs.example/status/119999000000000198/1",
        PREFIX + "x" * 3000,
        "",
    ],
)
def test_not_under_prefix(url: str) -> None:
    assert not under_prefix(url, PREFIX)


def test_prefix_must_be_a_folder() -> None:
    assert not under_prefix("https://certs.example/status12", "https://certs.example/status")
    assert not under_prefix("https://certs.example/a/b", "https://certs.example/a/..")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_may_be_plain_http(host: str) -> None:
    url = parse_url(f"http://{host}:8000/status/")
    assert url is not None
    assert url.is_loopback_http
    assert url.origin == ("http", host, 8000)
    assert under_prefix(f"http://{host}:8000/status/1", f"http://{host}:8000/status/")


@pytest.mark.parametrize(
    ("uri", "now"),
    [
        (
            "https://certs.example/status/119999000000000198/7",
            "https://certs.example/status/119999000000000198/7",
        ),
        (
            "https://old.example/certs/status/119999000000000198/7",
            "https://certs.example/status/119999000000000198/7",
        ),
        ("https://old.example/certs/status/119999000000000273/7", None),
        ("https://old.example/certs/119999000000000198/7", None),
        ("https://old.example:443/certs/status/119999000000000198/7", None),
        ("https://old.example/certs/status/119999000000000198/", None),
        ("https://old.example/certs/status/119999000000000198/../7", None),
        ("https://older.example/certs/status/119999000000000198/7", None),
    ],
)
def test_lists_of_a_former_host_are_read_at_the_present_one(
    uri: str, now: str | None, record_json: RecordJson
) -> None:
    record = read(record_json(mirrors=["https://old.example/certs/"]))
    assert record.status_address(uri) == now
