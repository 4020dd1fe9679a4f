"""T50: records that this release cannot accept."""

from typing import Any

from signing import CERT, STATUS
from tokens import (
    BASE,
    DAY,
    LICENCE,
    NOW,
    POLICE_ISS,
    USCC,
    usual,
)
from vector import Row
from worlds import PATH, key_record, raw, record, right, with_key, with_right

REFUSED = ("trust_unavailable", "issuer")
_WRONG: dict[str, dict[str, Any]] = {
    "version-two": {"version": 2},
    "version-zero": {"version": 0},
    "version-string": {"version": "1"},
    "version-true": {"version": True},
    "version-missing": {"version": ...},
    "unknown-member": {"restrictions": ["none"]},
    "member-missing": {"successor": ...},
    "iss-missing": {"iss": ...},
    "iss-number": {"iss": 1},
    "iss-null": {"iss": None},
    "level-unknown": {"level": "village"},
    "level-number": {"level": 1},
    "names-null": {"names": None},
    "names-list": {"names": ["示例"]},
    "name-number": {"names": {"zh": 1, "en": "x"}},
    "name-empty": {"names": {"zh": "示例", "en": ""}},
    "keys-null": {"keys": None},
    "keys-object": {"keys": {}},
    "keys-of-text": {"keys": ["x"]},
    "keys-of-null": {"keys": [None]},
    "rights-null": {"rights": None},
    "rights-of-text": {"rights": [LICENCE]},
    "status-prefix-null": {"status_prefix": None},
    "status-aggregation-number": {"status_aggregation": 1},
    "log-origin-number": {"log_origin": 1},
    "log-origin-empty": {"log_origin": ""},
    "log-origin-with-space": {"log_origin": "log example"},
    "log-origin-with-newline": {"log_origin": "log\nexample"},
    "log-origin-too-long": {"log_origin": "l" * 201},
    "aliases-null": {"aliases": None},
    "alias-no-issuer": {"aliases": ["https://certs.example/"]},
    "alias-number": {"aliases": [1]},
    "alias-twice": {"aliases": [f"{BASE}old/i/{USCC}"] * 2},
    "mirror-without-slash": {"mirrors": ["https://mirror.example"]},
    "mirror-with-query": {"mirrors": ["https://mirror.example/?x/"]},
    "mirror-twice": {"mirrors": ["https://mirror.example/"] * 2},
    "mirror-plain-http": {"mirrors": ["http://mirror.example/"]},
    "mirror-port-too-large": {"mirrors": ["https://mirror.example:65979/"]},
    "mirrors-object": {"mirrors": {}},
    "successor-no-issuer": {"successor": "https://certs.example/"},
    "successor-number": {"successor": 1},
    "uscc-number": {"uscc": 119999000000000},
    "division-number": {"division": 999900},
}
_WRONG_KEY: dict[str, dict[str, Any]] = {
    "use-unknown": {"use": "everything"},
    "use-upper-case": {"use": "Certificate"},
    "use-number": {"use": 1},
    "state-unknown": {"state": "fine"},
    "state-null": {"state": None},
    "alg-null": {"alg": None},
    "kid-null": {"kid": None},
    "public-null": {"public": None},
    "public-text": {"public": "key"},
    "not-before-missing": {"not_before": None},
    "types-text": {"types": "business-licence"},
    "types-empty": {"types": []},
    "types-number": {"types": [1]},
    "types-twice": {"types": ["business-licence"] * 2},
    "types-with-slash": {"types": ["vct/business-licence"]},
    "types-upper-case": {"types": ["Business-Licence"]},
    "compromised-without-moment": {"state": "compromised"},
    "moment-without-compromise": {"compromised_at": NOW - DAY},
    "index-without-compromise": {"accept_before_log_index": 5},
    "index-negative": {"state": "compromised", "compromised_at": 1, "accept_before_log_index": -1},
    "unknown-member": {"comment": "x"},
}
_WRONG_RIGHT: dict[str, dict[str, Any]] = {
    "vct-no-address": {"vct": "business-licence"},
    "vct-number": {"vct": 1},
    "vct-directory": {"vct": f"{LICENCE}/"},
    "vct-plain-http": {"vct": LICENCE.replace("https", "http")},
    "vct-with-query": {"vct": f"{LICENCE}?x"},
    "division-five-digits": {"division": "99990"},
    "division-seven-digits": {"division": "9999000"},
    "division-letters": {"division": "9999OO"},
    "division-full-width": {"division": "９９９９００"},
    "division-number": {"division": 999900},
    "from-null": {"from": None},
    "unknown-member": {"except": "x"},
}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_records()]


def _records() -> Row:
    row = Row("T50", "threats.md T50; architecture.md, Trust; wire-formats.md, Trust record")
    row.good("record", "记录合格", "A record in order", usual(), records={PATH: _full()})
    local = record(mirrors=["https://localhost/m/", "https://mirror.example:65535/"])
    row.good(
        "mirror-on-this-machine-by-https",
        "本机 https 镜像",
        "A mirror on this machine, by https",
        usual(),
        records={PATH: local},
    )
    title_of = "记录不合格：{}"
    for name, changes in _WRONG.items():
        title = (title_of.format(name), f"A record this release cannot accept: {name}")
        row.bad(f"record-{name}", *title, usual(), *REFUSED, records={PATH: record(**changes)})
    for name, changes in _WRONG_KEY.items():
        title = (title_of.format(f"密钥 {name}"), f"A key record it cannot accept: {name}")
        row.bad(
            f"key-record-{name}", *title, usual(), *REFUSED, records={PATH: with_key(**changes)}
        )
    short = key_record(CERT)
    del short["types"]
    cut = record(keys=[short, key_record(STATUS, "status")])
    row.bad(
        "key-record-member-missing",
        "密钥记录缺成员",
        "A key record lacks a member",
        usual(),
        *REFUSED,
        records={PATH: cut},
    )
    for name, changes in _WRONG_RIGHT.items():
        title = (title_of.format(f"权限 {name}"), f"A right it cannot accept: {name}")
        row.bad(f"right-{name}", *title, usual(), *REFUSED, records={PATH: with_right(**changes)})
    for name, text in {
        "empty": "",
        "not-json": "{",
        "list": "[]",
        "null": "null",
        "cut": raw(record())[:-1],
        "trailing": raw(record()) + "x",
        "byte-order-mark": "\ufeff" + raw(record()),
        "deep": raw(record()).replace('"keys":[', '"keys":' + "[" * 20, 1),
    }.items():
        title = (title_of.format(name), f"A record's text is wrong: {name}")
        row.bad(f"record-text-{name}", *title, usual(), *REFUSED, records={PATH: text})
    return row


def _full() -> dict[str, Any]:
    """A record that uses every member."""
    return record(
        status_aggregation=f"{BASE}status/{USCC}/lists.json",
        log_origin="certs.example/log/1",
        aliases=[f"{BASE}old/i/{USCC}"],
        mirrors=["https://mirror.example/a/"],
        successor=POLICE_ISS,
        rights=[right(), right(f"{BASE}vct/food-permit", max_validity=5 * 365 * DAY, to=NOW + DAY)],
        names={"zh": "市" * 200, "en": "Example"},
        level="national",
    )
