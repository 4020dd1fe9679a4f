"""A type file that contradicts itself is refused at load; a sound new one needs no code."""

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from certsvc.catalogue import Catalogue, TypeFileInvalid
from certsvc.catalogue.code_list import builtin_code_lists, read_code_list

Claims = dict[str, Any]
Damage = Callable[[Claims], object]


def _load(document: Claims) -> Catalogue:
    return Catalogue.load([json.dumps(document).encode()])


def _properties(document: Claims) -> Claims:
    properties: Claims = document["schema"]["properties"]
    return properties


def test_the_dumped_file_loads_again(licence_file: Claims) -> None:
    assert _load(licence_file).names() == ("business-licence",)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: d.update(colour="red"), "colour: Extra inputs"),
        (lambda d: d.pop("titles"), "titles: Field required"),
        (lambda d: d.update(version="1"), "version: Input should be a valid integer"),
        (lambda d: d.update(version=0), "version"),
        (lambda d: d.update(name="Business Licence"), "name: String should match"),
        (lambda d: d.update(type_code="11100000MB0143028Q001"), "check character 18"),
        (lambda d: d.update(type_code="11100000MB0143028R"), "3 digits"),
        (lambda d: d["titles"].pop("en"), "titles/en: Field required"),
        (lambda d: d["titles"].update(en=""), "titles/en"),
        (lambda d: d["schema"].pop("$schema"), "names https://json-schema.org"),
        (lambda d: _properties(d)["name"].pop("x-label"), "no x-label: ['/name']"),
        (lambda d: _properties(d)["name"].pop("maxLength"), "maxLength, format or enum"),
        (lambda d: _properties(d)["name"].update(items={}), "schema/properties/name"),
        (lambda d: _properties(d)["name"].update(minItems=1), "min_items does not belong"),
        (lambda d: _properties(d)["name"].update({"$ref": "http://x/"}), "$ref: Extra inputs"),
        (lambda d: _properties(d)["name"].update(format="email"), "format"),
        (lambda d: _properties(d)["name"].update(pattern="^a$"), "explained by x-hint"),
        (lambda d: _properties(d)["name"].update(_hinted("a")), "anchored by ^ and $"),
        (lambda d: _properties(d)["name"].update(_hinted("^($")), "pattern:"),
        (lambda d: _properties(d).update(iss=_properties(d)["name"]), "reserved claim names"),
        (
            lambda d: _properties(d).update({"*": _properties(d)["name"]}),
            "lower case with underscores",
        ),
        (lambda d: d["schema"].update(required=["x"]), "required but not described: ['x']"),
        (lambda d: d["schema"].pop("additionalProperties"), "additionalProperties: false"),
        (lambda d: d["schema"].update(additionalProperties=True), "additionalProperties"),
        (lambda d: _properties(d).update(x=_array(items=None)), "an array needs items"),
        (lambda d: _properties(d).update(x=_array(maxItems=None)), "an array needs items"),
        (lambda d: d["rules"].append({"rule": "guess"}), "rules/4"),
        (lambda d: d["rules"].append({"rule": "unique", "claim": "/x"}), "/x is no text claim"),
        (lambda d: d["rules"].append({"rule": "unique", "claim": "/x/y/z"}), "/x/y/z is no text"),
        (lambda d: d["holder"].update(code="/x"), "holder: /x is no text claim"),
        (lambda d: d["holder"].update(kind="1"), "holder/kind"),
        (lambda d: d["validity"].update(claim="/name"), "/name is not one date"),
        (lambda d: d["validity"].update(claim="/issued_on"), "needs a rule not_before_today"),
        (lambda d: d["validity"].pop("claim"), "claim goes with ends: claim"),
        (lambda d: d["profiles"].append(d["profiles"][0]), "profile names are unique"),
        (lambda d: d.update(default_profile="standard"), "default_profile is one of them"),
        (lambda d: d["profiles"][0]["members"].append("/x"), "profile full: /x is no text claim"),
        (lambda d: d["profiles"][0]["disclose"].append("/x"), "/x discloses nothing"),
        (lambda d: d["profiles"][1]["disclose"].append("/business_scope"), "discloses nothing"),
        (lambda d: _properties(d)["name"].update({"x-sensitive": True}), "shows sensitive claims"),
        (lambda d: d["qr"].update(dictionary=256), "qr/dictionary"),
        (lambda d: d["status"]["words"].append(d["status"]["words"][0]), "stands twice"),
        (lambda d: d["status"]["words"].pop(3), "no status word 04"),
        (lambda d: _reasons(d)[0].update(word="01"), "word 01 is not revoke"),
        (lambda d: _reasons(d).append(_reasons(d)[0]), "each with a code of its own"),
        (lambda d: d["example"].update(today="2050-01-01"), "the example does not pass"),
        (lambda d: d["example"].update(today="soon"), "example/today"),
        (lambda d: d["example"]["claims"].pop("name"), "/name: “Name” is required"),
    ],
)
def test_damaged_files_are_refused(licence_file: Claims, damage: Damage, words: str) -> None:
    damage(licence_file)
    with pytest.raises(TypeFileInvalid) as caught:
        _load(licence_file)
    assert words in str(caught.value)


def _hinted(pattern: str) -> Claims:
    return {"pattern": pattern, "x-hint": {"zh": "提示", "en": "hint"}}


def _array(**changes: object) -> Claims:
    node = {
        "type": "array",
        "x-label": {"zh": "列表", "en": "List"},
        "maxItems": 3,
        "items": {"type": "string", "maxLength": 5, "x-label": {"zh": "项", "en": "Element"}},
    }
    return {name: value for name, value in {**node, **changes}.items() if value is not None}


def _reasons(document: Claims) -> list[Claims]:
    operations = {one["name"]: one for one in document["status"]["operations"]}
    reasons: list[Claims] = operations["revoke"]["reasons"]
    return reasons


def test_a_code_list_must_exist(household_file: Claims) -> None:
    for rule in household_file["rules"]:
        if rule["rule"] == "code_agrees":
            rule["code_list"] = "gbt-2261"
    with pytest.raises(TypeFileInvalid, match="no code list gbt-2261"):
        _load(household_file)


def test_a_type_stands_once(licence_file: Claims) -> None:
    data = json.dumps(licence_file).encode()
    with pytest.raises(TypeFileInvalid, match="stands twice"):
        Catalogue.load([data, data])


def test_versions_live_side_by_side(licence_file: Claims) -> None:
    second = {**copy.deepcopy(licence_file), "version": 2}
    catalogue = Catalogue.load(json.dumps(one).encode() for one in (second, licence_file))
    assert catalogue.versions("business-licence") == (1, 2)
    assert catalogue.get("business-licence").version == 2
    assert catalogue.get("business-licence", 1).version == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"null"])
def test_what_is_no_file_at_all(data: bytes) -> None:
    with pytest.raises(TypeFileInvalid):
        Catalogue.load([data])


def test_a_new_type_is_data_alone(licence_file: Claims, today: date) -> None:
    """A food business licence: other labels, a list of texts, its own validity claim."""
    label = {"zh": "主体业态", "en": "Kind of business"}
    claims = {
        "licence_number": {
            "type": "string",
            "x-label": {"zh": "许可证编号", "en": "Licence number"},
            "maxLength": 20,
            **_hinted("^JY[0-9]{14}$"),
        },
        "operator": {"type": "string", "x-label": label, "maxLength": 100},
        "holder_code": {"type": "string", "x-label": label, "format": "uscc"},
        "items": _array(),
        "valid_to": {"type": "string", "x-label": label, "format": "date"},
    }
    del licence_file["face"]
    licence_file |= {
        "name": "food-business-licence",
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": claims,
            "required": ["licence_number", "holder_code"],
            "additionalProperties": False,
        },
        "rules": [{"rule": "not_before_today", "claim": "/valid_to"}],
        "profiles": [
            {
                "name": "full",
                "titles": label,
                "members": ["/licence_number", "/operator", "/holder_code", "/items/*"],
                "disclose": ["/operator"],
            },
            {
                "name": "open",
                "titles": label,
                "members": ["/licence_number", "/operator", "/items/*"],
                "disclose": [],
            },
        ],
        "validity": {"ends": "claim", "claim": "/valid_to"},
        "holder": {"kind": "001", "code": "/holder_code", "name": "/operator"},
        "example": {
            "today": "2026-01-15",
            "claims": {
                "licence_number": "JY13205820000001",
                "operator": "示例食品店",
                "holder_code": "91999900MA0000007U",
                "items": ["热食", "冷食"],
                "valid_to": "2030-01-01",
            },
        },
    }
    one = _load(licence_file).get("food-business-licence")
    claims = licence_file["example"]["claims"]
    assert one.validate(claims, today=today) == []
    assert list(one.select(claims)) == ["licence_number", "operator", "holder_code", "items"]
    claims |= {"licence_number": "JY1", "items": ["热食", "", "甲\u202e"], "valid_to": "2026-11-21"}
    assert [(error.path, error.code) for error in one.validate(claims, today=today)] == [
        ("/licence_number", "format_invalid"),
        ("/items/2", "text_control_character"),
        ("/valid_to", "already_expired"),
    ]
    (error, *_) = one.validate(claims, today=today)
    assert error.zh == "“JY1”：提示"
    disclosable = {tuple(c["path"]): c["sd"] for c in one.metadata("https://x/")["claims"]}
    assert disclosable["operator",] == "allowed"


def test_code_lists() -> None:
    (codes,) = builtin_code_lists().values()
    assert codes.name == "gbt-4761"
    for code, zh in (
        ("01", "本人"),
        ("02", "户主"),
        ("10", "配偶"),
        ("51", "父亲"),
        ("97", "其他亲属"),
    ):
        label = codes.label(code)
        assert label is not None
        assert label.zh == zh
        assert codes.codes_for(zh)
    assert codes.label("88") is None
    assert codes.codes_for("表舅") == ()
    for entry in codes.entries:
        assert entry.label.zh in entry.words


def test_a_damaged_code_list() -> None:
    entry = '{"code":"01","label":{"zh":"本人","en":"Self"},"words":[]}'
    text = f'{{"name":"x","titles":{{"zh":"甲","en":"A"}},"entries":[{entry},{entry}]}}'
    with pytest.raises(TypeFileInvalid, match="unique and ascending"):
        read_code_list(text.encode())


@pytest.mark.parametrize("name", ["business-licence", "household-register"])
def test_moving_away_is_not_reported_as_moving_in(name: str) -> None:
    """08 is 转入, which the receiving office reports; the word 06 办理转出 says the rest."""
    reason = Catalogue.builtin().get(name).reason("supersede", "transferred_out")
    assert (reason.word, reason.operation_code) == ("06", "07")
