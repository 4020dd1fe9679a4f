"""A file becomes certificates: every good row once, every bad row named."""

import csv
import io

import pytest

from certsvc.issuing import errors
from certsvc.issuing.batch import issue_file
from certsvc.issuing.intake import read_rows
from certsvc.service.engine import writing

TYPE = "business-licence"


@pytest.fixture
def intake(world, samples):
    known = world.catalogue.get(TYPE).json_schema()["properties"]

    def read(name: str, *, rows: int | None = None, ignore: tuple[str, ...] = ()):
        data = (samples / name).read_bytes()
        if rows is not None:
            data = b"".join(data.splitlines(keepends=True)[: rows + name.endswith(".csv")])
        return read_rows(
            data, "csv" if name.endswith(".csv") else "jsonl", known=known, ignore=ignore
        )

    return read


def test_the_same_file_again_issues_nothing_twice(world, intake):
    rows = intake("business-licences.csv", rows=60)
    seen = []
    first = issue_file(world.service, world.caller(), rows, TYPE, seen.append)
    assert (first.issued, first.replayed, first.refused) == (60, 0, 0)
    assert seen == list(first.rows)
    again = issue_file(world.make(), world.caller(), rows, TYPE)
    assert (again.issued, again.replayed, again.refused) == (0, 60, 0)
    assert [row.certificate_identifier for row in again.rows] == [
        row.certificate_identifier for row in first.rows
    ]
    assert world.counts()["certificate"] == 60
    other = issue_file(world.service, world.caller(), rows, TYPE, profile="core")
    assert other.issued == 60


def test_every_sample_household_becomes_a_certificate(world, samples):
    rows = read_rows(
        (samples / "households.jsonl").read_bytes(),
        "jsonl",
        known=world.catalogue.get("household-register").json_schema()["properties"],
    )
    report = issue_file(
        world.service, world.caller("119999000000000273"), rows, "household-register"
    )
    assert (report.issued, report.refused) == (300, 0)


def test_bad_rows_are_named_and_stop_nothing(world, intake, samples):
    rows = intake("bad-business-licences.csv", ignore=("expected_code",))
    report = issue_file(world.service, world.caller(), rows, TYPE)
    text = (samples / "bad-business-licences.csv").read_text(encoding="utf-8-sig")
    expected = [row["expected_code"] for row in csv.DictReader(io.StringIO(text))]
    assert len(expected) == len(report.rows)
    for row, code in zip(report.rows, expected, strict=True):
        assert not row.ok
        assert code in {error.code for error in row.errors}
    assert report.issued == 0


def test_good_rows_between_bad_ones(world, samples):
    lines = (samples / "business-licences.jsonl").read_bytes().splitlines()[:3]
    data = b"\n".join([lines[0], b"{", lines[1], b'{"name":"A"}', lines[2]])
    rows = read_rows(data, "jsonl", known=())
    report = issue_file(world.service, world.caller(), rows, TYPE)
    assert [row.ok for row in report.rows] == [True, False, True, False, True]
    assert [row.line for row in report.rows] == [1, 2, 3, 4, 5]
    assert report.rows[1].errors[0].code == "row_malformed"


def test_a_crashed_run_is_taken_up_at_once(world, intake):
    class Crash(BaseException):
        pass

    def crash(step: int) -> None:
        if step == 5:
            raise Crash

    rows = intake("business-licences.csv", rows=5)
    with pytest.raises(Crash):
        issue_file(world.make(checkpoint=crash), world.caller(), rows, TYPE)
    assert world.rows("SELECT DISTINCT state FROM certificate") == [("planned",)]
    report = issue_file(world.service, world.caller(), rows, TYPE)
    assert (report.issued, report.refused) == (5, 0)
    assert world.counts()["certificate"] == 5


def test_what_hits_all_rows_is_raised(world, intake):
    rows = intake("business-licences.csv", rows=2)
    with pytest.raises(errors.ScopeMissing):
        issue_file(world.service, world.caller(scopes={"read"}), rows, TYPE)
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE status_list SET used = size")
    with pytest.raises(errors.StatusListUnpublished):
        issue_file(world.service, world.caller(), rows, TYPE)


def test_errors_that_are_no_findings_have_sentences_too(world, intake):
    rows = intake("business-licences.csv", rows=1)
    for arguments, code in (
        ({"type_name": "passport"}, "type_unknown"),
        ({"type_name": TYPE, "profile": "no-such"}, "profile_unknown"),
        ({"type_name": TYPE, "version": 9}, "type_unknown"),
    ):
        report = issue_file(world.service, world.caller(), rows, **arguments)
        (error,) = report.rows[0].errors
        assert error.code == code
        assert error.zh
        assert error.en
