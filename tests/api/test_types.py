from typing import Any

import pytest
from jsonschema import Draft202012Validator


def test_types_are_listed(licence: Any) -> None:
    found = licence.get("/v1/types").get_json()["types"]
    names = {one["name"]: one for one in found}
    assert {"business-licence", "household-register"} <= set(names)
    assert names["business-licence"]["titles"]["zh"] == "营业执照"
    for one in found:
        assert licence.get(one["link"]).status_code == 200


def test_a_type_says_all_that_a_form_needs(licence: Any) -> None:
    found = licence.get("/v1/types/household-register").get_json()
    Draft202012Validator.check_schema(found["claims_schema"])
    Draft202012Validator(found["claims_schema"]).validate(found["example"])
    assert found["vct"] == "https://certs.example/vct/household-register/1"
    profiles = {one["name"]: one for one in found["profiles"]}
    assert {"core", "full"} <= set(profiles)
    assert found["default_profile"] in profiles
    operations = {one["name"]: one for one in found["operations"]}
    assert set(operations) == {"suspend", "resume", "revoke", "supersede"}
    assert all(one["reasons"] for one in operations.values())


def test_versions(licence: Any) -> None:
    found = licence.get("/v1/types/business-licence?version=1").get_json()
    assert found["version"] == 1
    assert 1 in found["versions"]
    assert licence.get("/v1/types/business-licence?version=99").status_code == 404
    answer = licence.get("/v1/types/business-licence?version=x")
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (400, "parameter_invalid")
    assert [error["path"] for error in document["errors"]] == ["/version"]


@pytest.mark.parametrize("name", ["no-such", "..%2f..", "Business-Licence"])
def test_unknown_types(licence: Any, name: str) -> None:
    answer = licence.get(f"/v1/types/{name}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
