"""`POST /v1/verifications`: verdicts for other departments' systems."""

from collections.abc import Callable, Sequence

import orjson
from flask import Blueprint, Response, request

from certsvc.service.direct import DirectRoute
from certsvc.service.http import JSON
from certsvc.service.problems import REQUEST_INVALID, FieldProblem, Problem
from certsvc_sdk.policy import Policies
from verifier.checking import Checked, Checker, DecoderGate, check_all, exactly_one, refuse_files
from verifier.inputs import JSON_BYTES, json_submission, read_submission
from verifier.labels import Labels

PATH = "/v1/verifications"


def api_blueprint(
    checker: Checker, gate: DecoderGate, labels: Labels, policies: Policies
) -> Blueprint:
    """The verification API."""
    blueprint = Blueprint("api", __name__)

    @blueprint.post(PATH)
    def verifications() -> Response:
        single = _single()
        submission = read_submission(policies)
        checked, refused = check_all(checker, submission, gate)
        refuse_files(refused, submission)
        wanted = exactly_one(checked, submission) if single else checked
        return Response(_answer(wanted, labels), content_type=JSON)

    return blueprint


def direct_route(
    checker: Checker,
    gate: DecoderGate,
    labels: Labels,
    policies: Policies,
    admit: Callable[[str], bool],
) -> DirectRoute:
    """The same for texts as JSON, which is what other departments' systems send all day.

    Args:
        checker: the SDK's verifier.
        gate: bound on concurrent decoding, unused by texts.
        labels: names for people.
        policies: what a request may name.
        admit: counts a request of a client's address.
    """

    def answer(body: bytes) -> bytes:
        checked, _ = check_all(checker, json_submission(body, policies), gate)
        return _answer(checked, labels)

    return DirectRoute(path=PATH, max_body=JSON_BYTES, admit=admit, answer=answer)


def _single() -> bool:
    value = request.args.get("single", "false")
    if value not in ("true", "false"):
        field = FieldProblem("/single", "choice_invalid", "只能是 true 或 false", "true or false")
        raise Problem(REQUEST_INVALID, errors=[field])
    return value == "true"


def _answer(checked: Sequence[Checked], labels: Labels) -> bytes:
    """The body (component VerificationAnswer of the contract)."""
    entries = [
        {
            "index": one.index,
            "page": one.page,
            "position": one.position,
            "verdict": one.verdict.to_json(labels.of(one.verdict.vct).mapping),
        }
        for one in checked
    ]
    return orjson.dumps({"verifications": entries})
