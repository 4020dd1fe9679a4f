"""Profiles: what they show, what can be withheld, and that the SD-JWT layer takes them."""

import hashlib
from datetime import date
from typing import Any

import pytest

from certsvc.catalogue import CertificateType, ProfileUnknown
from certsvc_sdk.sdjwt import Draft, draft

Claims = dict[str, Any]
_DAY = date(2026, 1, 15)


def _draft(one: CertificateType, claims: Claims, name: str | None) -> Draft:
    profile = one.profile(name)
    return draft(
        header={"alg": "ES256", "typ": "dc+sd-jwt", "kid": "x"},
        claims=profile.select(one.normalise(claims)),
        disclose=profile.disclose,
        salts=lambda index: hashlib.sha256(b"%d" % index).digest()[:16],
    )


def test_names_and_defaults(licence: CertificateType, household: CertificateType) -> None:
    assert (licence.profiles, licence.default_profile) == (("full", "core"), "full")
    assert household.profiles == ("standard", "core", "full")
    assert household.default_profile == "standard"
    assert licence.profile().name == "full"
    with pytest.raises(ProfileUnknown):
        licence.profile("standard")
    with pytest.raises(ProfileUnknown):
        licence.validate(licence.definition.example.claims, today=_DAY, profile="standard")


def test_a_licence_stands_in_the_clear(licence: CertificateType, licence_claims: Claims) -> None:
    assert licence.profile("full").disclose == frozenset()
    assert licence.select(licence_claims, "full") == licence_claims
    core = licence.select(licence_claims, "core")
    assert set(licence_claims) - set(core) == {"business_scope"}
    assert _draft(licence, licence_claims, "full").disclosures == ()


def test_the_household_default_leaves_sensitive_data_out(
    household: CertificateType, household_claims: Claims
) -> None:
    household_claims["members"][0] |= {
        "height": "175cm",
        "blood_type": "A",
        "military_service": "未服兵役",
    }
    assert household.validate(household_claims, today=_DAY) == []
    full = household.select(household.normalise(household_claims), "full")
    assert full == household.normalise(household_claims)
    shown = household.select(household_claims)
    left_out = set(household_claims["members"][0]) - set(shown["members"][0])
    assert left_out == {"religion", "height", "blood_type", "military_service"}
    for name in ("citizen_id", "ethnicity", "education", "marital_status", "employer"):
        assert name in shown["members"][0]


def test_the_household_core(household: CertificateType, household_claims: Claims) -> None:
    core = household.select(household_claims, household.profile("core"))
    assert set(core) == set(household_claims)
    for one in core["members"]:
        assert list(one) == ["name", "relationship_to_head", "relationship_code"]


def test_household_disclosures_are_nested(
    household: CertificateType, household_claims: Claims
) -> None:
    made = _draft(household, household_claims, "full")
    count = household.profile("full").disclosures(household.normalise(household_claims))
    fields = sum(len(one) - 3 for one in household_claims["members"])
    assert len(made.disclosures) == count == 6 + len(household_claims["members"]) + fields
    for secret in ("张示例", "999900199003070010", "示例路"):
        assert secret not in made.payload_json
    assert '"members":[{"...":' in made.payload_json


def test_core_discloses_whole_members(household: CertificateType, household_claims: Claims) -> None:
    assert len(_draft(household, household_claims, "core").disclosures) == 6 + 2


def test_every_profile_pointer_is_one_the_schema_has(
    licence: CertificateType, household: CertificateType
) -> None:
    for one in (licence, household):
        for name in one.profiles:
            profile = one.profile(name)
            assert set(profile.members) <= set(one.labels())
            assert profile.disclose <= set(one.labels())
    full = household.profile("full")
    leaves = {p for p in household.labels() if p not in ("/members", "/members/*")}
    assert set(full.members) == leaves
    clear = {f"/members/*/{n}" for n in ("name", "relationship_to_head", "relationship_code")}
    assert full.disclose == (leaves | {"/members/*"}) - clear


def test_validate_counts_only_when_asked(
    household: CertificateType, household_claims: Claims
) -> None:
    assert household.validate(household_claims, today=_DAY, profile="full") == []
