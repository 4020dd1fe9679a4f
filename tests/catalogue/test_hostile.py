"""Whatever comes in, validation answers with findings and never raises."""

from collections import OrderedDict
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certsvc.catalogue import CertificateType, ClaimsInvalid
from certsvc.catalogue.validation import MAX_FINDINGS

Claims = dict[str, Any]


def _deep(levels: int, *, lists: bool) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value] if lists else {"a": value}
    return value


def _loop() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize("claims", [None, [], "x", 5, True, b"{}", {1, 2}, object()])
def test_claims_that_are_no_object(licence: CertificateType, today: date, claims: object) -> None:
    (error,) = licence.validate(claims, today=today)
    assert (error.path, error.code) == ("", "type_invalid")
    with pytest.raises(ClaimsInvalid) as caught:
        licence.normalise(claims)
    assert caught.value.errors == (error,)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (_deep(100_000, lists=True), "nesting_too_deep"),
        (_deep(100_000, lists=False), "nesting_too_deep"),
        (_loop(), "nesting_too_deep"),
        (["x"] * 100_000, "too_many_values"),
        ({str(number): "x" for number in range(100_000)}, "too_many_values"),
        (10**6000, "number_invalid"),
        (-(2**53), "number_invalid"),
        (float("nan"), "number_invalid"),
        (float("inf"), "number_invalid"),
        (2**53 - 1, "type_invalid"),
        (0.5, "type_invalid"),
        (b"x", "type_invalid"),
        (date(2020, 1, 1), "type_invalid"),
        ({1: "x"}, "type_invalid"),
        ("x" * 5_000_000, "text_too_long"),
        (_deep(10, lists=False), "type_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_values_of_every_kind(
    licence: CertificateType, licence_claims: Claims, today: date, value: object, code: str
) -> None:
    licence_claims["name"] = value
    errors = licence.validate(licence_claims, today=today)
    assert [error.code for error in errors] == [code]
    assert all(len(error.zh) < 400 for error in errors)
    assert licence.validate({"unheard_of": value}, today=today)


def test_member_names_that_are_no_text(
    licence: CertificateType, licence_claims: Claims, today: date
) -> None:
    (error,) = licence.validate({**licence_claims, 5: "x"}, today=today)
    assert (error.path, error.code) == ("", "type_invalid")


def test_any_mapping_is_an_object(
    licence: CertificateType, licence_claims: Claims, today: date
) -> None:
    assert licence.validate(OrderedDict(licence_claims), today=today) == []


def test_the_number_of_findings_is_bounded(household: CertificateType, today: date) -> None:
    members = [{"x": "1", "y": "2"} for _ in range(50)]
    errors = household.validate({"members": members}, today=today)
    assert len(errors) == MAX_FINDINGS
    many = {f"unheard_of_{number}": "x" for number in range(5000)}
    assert len(household.validate(many, today=today)) == MAX_FINDINGS


_leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary()
)
_anything = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_random_values_in_known_fields(data: st.DataObject, household: CertificateType) -> None:
    claims = dict(household.definition.example.claims)
    member = dict(claims["members"][0])
    fields = st.sampled_from([*member, "religion", "height"])
    member |= data.draw(st.dictionaries(fields, _anything, max_size=3))
    claims["members"] = [member, *claims["members"][1:]]
    claims |= data.draw(st.dictionaries(st.sampled_from([*claims]), _anything, max_size=2))
    errors = household.validate(claims, today=date(2026, 11, 22))
    assert len({error.path for error in errors}) == len(errors)
    for error in errors:
        for text in (error.path, error.zh, error.en):
            text.encode()


@given(claims=_anything)
def test_random_claims(claims: object, licence: CertificateType) -> None:
    assert licence.validate(claims, today=date(2026, 11, 22))
