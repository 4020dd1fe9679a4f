"""The contract's components and the code's models say the same, both ways."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from certsvc.api import schemas as issuer
from certsvc_sdk.policy.collection import NAME
from certsvc_sdk.policy.rules import PRESENTED
from certsvc_sdk.policy.schema import policy_schema
from certsvc_sdk.verdict import CheckResult, Outcome, Unmet, Verdict
from verifier import schemas as verifier

Json = Any
Reduce = Callable[[Json], Json]
# Components that are not pydantic models, each with its own test.
OTHERS = {
    "FieldProblem",
    "Health",
    "LogEntry",
    "LogHistory",
    "NamedPolicy",
    "Policy",
    "Predicate",
    "Problem",
    "Readiness",
    "ReadinessReason",
    "StatusListAggregation",
    "TypeVersions",
    "UnmetRule",
    "Verdict",
    "VerdictCheck",
}
BASES = {issuer.Model, issuer.Answer, BaseModel}


def _models(module: object) -> dict[str, type[BaseModel]]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, BaseModel)
        and value not in BASES
        and not name.startswith("_")
    }


MODELS = _models(issuer) | _models(verifier)


def test_components_and_models_have_the_same_names(contract: dict[str, Json]) -> None:
    assert set(contract["components"]["schemas"]) == set(MODELS) | OTHERS


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_component_is_its_model(name: str, contract: dict[str, Json], reduced: Reduce) -> None:
    component = reduced(contract["components"]["schemas"][name])
    model = reduced(MODELS[name].model_json_schema())
    if name == "VerificationEntry":
        # The SDK makes the verdict; the component spells it out, the model hands it on.
        assert component["properties"].pop("verdict") == {"$ref": "Verdict"}
        assert model["properties"].pop("verdict") == {"type": "object"}
    if name == "VerificationRequest":
        # The SDK reads the policy; the component spells out what the model hands on.
        kinds = component["properties"].pop("policy")["anyOf"]
        assert [kind.get("$ref") for kind in kinds] == [None, "NamedPolicy", "Policy", None]
        handed_on = model["properties"].pop("policy")["anyOf"]
        assert [kind["type"] for kind in handed_on] == ["string", "object", "null"]
    assert component == model


def test_the_policy_components_have_the_members_of_the_shipped_schema(
    contract: dict[str, Json],
) -> None:
    components, shipped = contract["components"]["schemas"], policy_schema()
    for name, schema in (
        ("Policy", shipped),
        ("TypeVersions", shipped["$defs"]["type_versions"]),
        ("Predicate", shipped["$defs"]["predicate"]),
    ):
        assert set(components[name]["properties"]) == set(schema["properties"]), name
        assert components[name].get("required") == schema.get("required"), name
        for member, rule in schema["properties"].items():
            assert components[name]["properties"][member].get("enum") == rule.get("enum"), member
    named = components["NamedPolicy"]
    assert set(named["properties"]) == {NAME, *PRESENTED}
    for member in PRESENTED:
        assert (
            named["properties"][member]["type"]
            == (components["Policy"]["properties"][member]["type"])
        )


def test_the_verdict_component_has_the_verdicts_members(contract: dict[str, Json]) -> None:
    verdict = Verdict(
        outcome=Outcome.UNKNOWN,
        code="unreadable",
        acceptable=False,
        checked_at=0,
        judged_at=0,
        checks=(CheckResult(1, "frame", "unknown", "unreadable"),),
        policy={},
    ).to_json()
    component = contract["components"]["schemas"]["Verdict"]
    assert set(component["properties"]) == set(verdict)
    assert set(component["required"]) == set(verdict)
    assert component["properties"]["outcome"]["enum"] == [item.value for item in Outcome]
    unmet = contract["components"]["schemas"]["UnmetRule"]
    assert list(unmet["properties"]) == list(Unmet._fields) == unmet["required"]
    check = contract["components"]["schemas"]["VerdictCheck"]
    assert set(check["properties"]) == set(verdict["checks"][0])


def test_every_description_is_in_both_languages(contract: dict[str, Json]) -> None:
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            text = operation["summary"] + operation.get("description", "")
            where = f"{method} {path}"
            assert any("\u4e00" <= character <= "\u9fff" for character in text), where
            assert any("a" <= character <= "z" for character in text), where


def test_every_component_is_used(contract: dict[str, Json]) -> None:
    text = str(contract)
    for kind, entries in contract["components"].items():
        if kind != "securitySchemes":
            for name in entries:
                assert f"#/components/{kind}/{name}'" in text, f"{kind}/{name}"


_KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "contentMediaType", "default", "description", "enum",
    "example", "items", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern",
    "properties", "required", "type",
}  # fmt: skip


def _schemas(value: Json) -> list[dict[str, Json]]:
    found = [value]
    for inner in [*value.get("properties", {}).values(), *value.get("anyOf", [])]:
        found += _schemas(inner)
    for name in ("items", "additionalProperties"):
        if isinstance(value.get(name), dict):
            found += _schemas(value[name])
    return found


def test_components_use_known_keywords_only(contract: dict[str, Json]) -> None:
    for name, component in contract["components"]["schemas"].items():
        for schema in _schemas(component):
            assert set(schema) <= _KEYWORDS, name
            assert set(schema.get("required", [])) <= set(schema.get("properties", {})), name
