"""SD-JWT VC type metadata."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from certsvc.catalogue import Catalogue, CertificateType
from certsvc_sdk import sdjwt, strict, typemetadata

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


def test_the_sdk_reads_it_and_certificates_obey_it_in_every_profile(catalogue: Catalogue) -> None:
    for name in catalogue.names():
        kind = catalogue.get(name)
        vct = kind.vct(BASE)
        metadata = typemetadata.resolve(vct, kind.metadata_document)
        assert metadata.labels() | {"/certificate_identifier": {}} == {
            "/certificate_identifier": {},
            **{pointer: {"zh": one.zh, "en": one.en} for pointer, one in kind.labels().items()},
        }
        claims = kind.normalise(kind.definition.example.claims)
        for one in kind.profiles:
            profile = kind.profile(one)
            issued = {"vct": vct, "certificate_identifier": "1", **kind.select(claims, profile)}
            made = sdjwt.draft(
                header={"alg": "ES256"},
                claims=issued,
                disclose=profile.disclose,
                salts=sdjwt.salts_from_seed(bytes(16)),
            )
            token = made.finish(bytes(64))
            for keep in (profile.disclose, (), sorted(profile.disclose)[:1]):
                shown = sdjwt.parse(sdjwt.present(token, keep))
                assert typemetadata.check_claims(metadata, shown) == (), (name, one, keep)


def test_a_type_binds_its_certificates_to_its_metadata_only_where_it_says_so(
    licence: CertificateType,
) -> None:
    vct = licence.vct(BASE)
    assert licence.metadata_integrity(vct) is None
    bound = replace(
        licence, definition=licence.definition.model_copy(update={"metadata_integrity": True})
    )
    integrity = bound.metadata_integrity(vct)
    assert integrity is not None
    document = bound.metadata_document(vct)
    assert document == strict.dumps(licence.metadata(BASE))  # the option is no part of it
    assert typemetadata.resolve(vct, lambda _uri: document, integrity=integrity).vct == vct


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
