"""SD-JWT VC type metadata."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from certsvc.catalogue import Catalogue, CertificateType

BASE = "https://certs.example/"


def _claims(metadata: dict[str, Any]) -> dict[tuple[str | None, ...], dict[str, Any]]:
    return {tuple(claim["path"]): claim for claim in metadata["claims"]}


def test_licence(licence: CertificateType) -> None:
    metadata = licence.metadata(BASE)
    assert list(metadata) == ["vct", "name", "description", "display", "claims"]
    assert metadata["vct"] == licence.vct(BASE)
    assert [(one["locale"], one["name"]) for one in metadata["display"]] == [
        ("zh-CN", "营业执照"),
        ("en", "Business licence"),
    ]
    claims = _claims(metadata)
    assert claims["certificate_identifier",]["sd"] == "never"
    assert {claim["sd"] for claim in claims.values()} == {"never"}
    assert claims["name",] == {
        "path": ["name"],
        "display": [
            {"locale": "zh-CN", "label": "名称"},
            {"locale": "en", "label": "Name"},
        ],
        "mandatory": True,
        "sd": "never",
    }


def test_a_claim_that_a_profile_leaves_out_is_not_mandatory(licence: CertificateType) -> None:
    claims = _claims(licence.metadata(BASE))
    assert "mandatory" not in claims["business_scope",]
    assert "mandatory" not in claims["operating_to",]


def test_household(household: CertificateType) -> None:
    claims = _claims(household.metadata(BASE))
    assert claims["members",]["sd"] == "never"
    assert claims["members", None]["sd"] == "always"
    assert claims["members", None, "name"]["sd"] == "never"
    assert claims["members", None, "religion"]["sd"] == "always"
    assert claims["address",]["sd"] == "always"
    assert claims["members", None, "citizen_id"]["display"][0]["label"] == "公民身份号码"


@pytest.mark.vectors
def test_it_is_plain_json_of_the_drafts_members(
    catalogue: Catalogue, vector_file: Callable[[str], Path]
) -> None:
    path = "src/main/resources/json-schemas/sdjwtvc/type_metadata.json"
    schema = json.loads(vector_file(f"openid-conformance-schemas/{path}").read_bytes())
    for name in catalogue.names():
        metadata = catalogue.get(name).metadata(BASE)
        assert json.loads(json.dumps(metadata)) == metadata
        Draft202012Validator(schema).validate(metadata)
