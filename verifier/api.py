"""`POST /v1/verifications`: verdicts for other departments' systems."""

from flask import Blueprint, Response, jsonify, request

from certsvc.service.problems import REQUEST_INVALID, FieldProblem, Problem
from verifier.checking import Checked, Checker, DecoderGate, check_all, exactly_one, refuse_files
from verifier.inputs import read_submission
from verifier.labels import Labels
from verifier.schemas import VerificationAnswer, VerificationEntry


def api_blueprint(checker: Checker, gate: DecoderGate, labels: Labels) -> Blueprint:
    """The verification API."""
    blueprint = Blueprint("api", __name__)

    @blueprint.post("/v1/verifications")
    def verifications() -> Response:
        single = _single()
        submission = read_submission()
        checked, refused = check_all(checker, submission, gate)
        refuse_files(refused, submission)
        return jsonify(_answer(exactly_one(checked, submission) if single else checked, labels))

    return blueprint


def _single() -> bool:
    value = request.args.get("single", "false")
    if value not in ("true", "false"):
        field = FieldProblem("/single", "choice_invalid", "只能是 true 或 false", "true or false")
        raise Problem(REQUEST_INVALID, errors=[field])
    return value == "true"


def _answer(checked: list[Checked], labels: Labels) -> dict[str, object]:
    entries = tuple(
        VerificationEntry(
            index=one.index,
            page=one.page,
            position=one.position,
            verdict=one.verdict.to_json(labels.of(one.verdict.vct).mapping()),
        )
        for one in checked
    )
    return VerificationAnswer(verifications=entries).model_dump(mode="json")
