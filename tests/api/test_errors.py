"""Every way issuing says no has its row, and every row its kind."""

import pytest

from certsvc.api.errors import API_KINDS, problem_table
from certsvc.catalogue import FieldError
from certsvc.face import errors as face
from certsvc.issuing import errors
from certsvc.printing import errors as printing
from certsvc.service.engine import DatabaseUnavailable
from certsvc.service.problems import SERVICE_KINDS, Problem

FINDING = FieldError("/a", "required", "缺", "missing", 3)
ARGUMENTS = {
    errors.ClaimsInvalid: ([FINDING],),
    errors.ReasonInvalid: ([FINDING],),
    errors.RequestInProgress: (7,),
    errors.StateConflict: ("revoked", "resume"),
}
MADE = {
    face.CharacterUnprintable: face.CharacterUnprintable(where="/name", zh="控制符", en="control"),
    face.GlyphMissing: face.GlyphMissing(where="/name", character="𠮷"),
}
# The route that was given a size says so; a seal that is none is left away.
ELSEWHERE = {face.PrintTooSmall, face.SealImageInvalid}
# Reading files is the command line's; a tampered record is an internal error on purpose.
WITHOUT_ROW = {errors.RecordTampered, errors.IntakeError}


def _leaves(root: type[Exception]) -> set[type[Exception]]:
    below = set(root.__subclasses__())
    return below | {leaf for one in below for leaf in _leaves(one)}


def test_every_error_has_a_row() -> None:
    wanted = {
        one
        for root in (errors.IssuingError, face.FaceError, printing.PrintingError)
        for one in _leaves(root) - ELSEWHERE
        if not issubclass(one, tuple(WITHOUT_ROW)) and not one.__subclasses__()
    }
    assert set(problem_table()) == wanted | {DatabaseUnavailable}


@pytest.mark.parametrize("error", sorted(problem_table(), key=lambda one: one.__name__))
def test_rows_make_problems(error: type[Exception]) -> None:
    raised = MADE.get(error) or error(*ARGUMENTS.get(error, ("message with 张三",)))
    problem = problem_table()[error](raised)
    assert isinstance(problem, Problem)
    assert problem.kind in {*API_KINDS, *SERVICE_KINDS}
    document = problem.to_json("id")
    assert "张三" not in str(document)
    if problem.kind.status == 503:
        assert problem.headers["Retry-After"]


def test_findings_keep_their_places() -> None:
    problem = problem_table()[errors.ClaimsInvalid](errors.ClaimsInvalid([FINDING]))
    assert problem.to_json("")["errors"] == [
        {"path": "/claims/a", "code": "required", "zh": "缺", "en": "missing", "value_position": 3}
    ]
    progress = problem_table()[errors.RequestInProgress](errors.RequestInProgress(7))
    assert progress.headers["Retry-After"] == "7"
