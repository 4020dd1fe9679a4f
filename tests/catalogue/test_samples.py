"""The sample records: good ones pass, each bad one fails for its own reason and no other."""

from collections.abc import Callable
from datetime import date
from typing import Any

from certsvc.catalogue import CertificateType

Rows = Callable[[str], list[dict[str, str]]]
Lines = Callable[[str], list[dict[str, Any]]]


def test_every_licence_of_the_csv_is_accepted(
    licence: CertificateType, rows: Rows, today: date
) -> None:
    records = rows("business-licences.csv")
    assert len(records) == 300
    for record in records:
        assert licence.validate(record, today=today, profile="full") == []


def test_csv_and_json_licences_come_out_the_same(
    licence: CertificateType, rows: Rows, lines: Lines, today: date
) -> None:
    from_json = lines("business-licences.jsonl")
    assert len(from_json) == 300
    for record, row in zip(from_json, rows("business-licences.csv"), strict=True):
        assert licence.validate(record, today=today) == []
        normal = licence.normalise(record)
        assert normal == licence.normalise(row)
        assert ("operating_to" in normal) == (record["operating_to"] is not None)


def test_every_household_is_accepted_in_every_profile(
    household: CertificateType, lines: Lines, today: date
) -> None:
    records = lines("households.jsonl")
    assert len(records) == 300
    for record in records:
        for profile in household.profiles:
            assert household.validate(record, today=today, profile=profile) == []
        assert len(household.holders(household.normalise(record))) == len(record["members"])


def test_bad_rows_get_exactly_their_code(licence: CertificateType, rows: Rows, today: date) -> None:
    records = rows("bad-business-licences.csv")
    assert len(records) == 10
    expected = [record.pop("expected_code") for record in records]
    found = [[error.code for error in licence.validate(record, today=today)] for record in records]
    assert found == [[code] for code in expected]


def test_sample_organisation_codes_warn_at_most(
    licence: CertificateType, lines: Lines, today: date
) -> None:
    records = lines("business-licences.jsonl")
    warned = [record for record in records if licence.warnings(record)]
    assert warned
    assert not any(licence.validate(record, today=today) for record in warned)
