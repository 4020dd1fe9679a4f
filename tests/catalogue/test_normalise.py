"""The form that is signed: composed, trimmed, nothing empty, in the schema's order."""

import copy
from typing import Any

from certsvc.catalogue import CertificateType

Claims = dict[str, Any]


def test_order_is_the_schemas_at_every_level(
    household: CertificateType, household_claims: Claims
) -> None:
    shuffled = dict(reversed(household_claims.items()))
    shuffled["members"] = [dict(reversed(one.items())) for one in household_claims["members"]]
    normal = household.normalise(shuffled)
    schema = household.json_schema()["properties"]
    assert list(normal) == [name for name in schema if name in shuffled]
    members = normal["members"]
    assert isinstance(members, list)
    known = list(schema["members"]["items"]["properties"])
    for one in members:
        assert isinstance(one, dict)
        assert list(one) == [name for name in known if name in one]
    assert normal == household.normalise(household_claims)


def test_empty_cells_are_absent_and_texts_composed(
    household: CertificateType, household_claims: Claims
) -> None:
    household_claims["address"] = "\u3000 Cafe\u0301 路\u00a0\r\n"
    household_claims["household_number"] = None
    household_claims["members"][0] |= {"religion": "", "employer": "  ", "education": None}
    normal = household.normalise(household_claims)
    assert normal["address"] == "Café 路"
    assert "household_number" not in normal
    members = normal["members"]
    assert isinstance(members, list)
    assert isinstance(members[0], dict)
    assert not {"religion", "employer", "education"} & set(members[0])


def test_nothing_is_lost_silently(licence: CertificateType, licence_claims: Claims) -> None:
    licence_claims = {"unheard_of": " x ", **licence_claims, "name": ["甲", "", None, {"a": " b"}]}
    normal = licence.normalise(licence_claims)
    assert list(normal)[-1] == "unheard_of"
    assert normal["unheard_of"] == "x"
    # Empty elements keep their place, so that pointers to the others stay right.
    assert normal["name"] == ["甲", "", None, {"a": " b"}]


def test_the_input_is_left_alone_and_twice_is_once(
    household: CertificateType, household_claims: Claims
) -> None:
    before = copy.deepcopy(household_claims)
    normal = household.normalise(household_claims)
    assert household_claims == before
    assert household.normalise(normal) == normal
