"""`POST /v1/verifications`: verdicts for other departments' systems."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
from flask import Blueprint, Response, request

from certsvc.service.direct import DirectRoute, NotDirect
from certsvc.service.http import JSON
from certsvc.service.problems import REQUEST_INVALID, FieldProblem, Problem
from certsvc_sdk.policy import Policies
from certsvc_sdk.typedcode import is_meant
from verifier.checking import (
    Checked,
    Checker,
    DecoderGate,
    FileRead,
    check_all,
    exactly_one,
    refuse_files,
)
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
        checked, refused, files = check_all(checker, submission, gate)
        refuse_files(refused, submission)
        wanted = exactly_one(checked, submission) if single else checked
        return Response(_answer(wanted, files, labels), content_type=JSON)

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
        submission = json_submission(body, policies)
        if any(map(is_meant, submission.texts)):
            # How many codes an address may ask for in vain, only the framework's request tells.
            raise NotDirect
        checked, _, files = check_all(checker, submission, gate)
        return _answer(checked, files, labels)

    return DirectRoute(path=PATH, max_body=JSON_BYTES, admit=admit, answer=answer)


def _single() -> bool:
    value = request.args.get("single", "false")
    if value not in ("true", "false"):
        field = FieldProblem("/single", "choice_invalid", "只能是 true 或 false", "true or false")
        raise Problem(REQUEST_INVALID, errors=[field])
    return value == "true"


def _answer(checked: Sequence[Checked], files: Sequence[FileRead], labels: Labels) -> bytes:
    """The body (component VerificationAnswer of the contract)."""
    return orjson.dumps(
        {
            "verifications": [_entry(one, labels) for one in checked],
            "files": [_file(one) for one in files],
        }
    )


def _entry(one: Checked, labels: Labels) -> dict[str, Any]:
    names = labels.of(one.verdict.vct).mapping
    found = one.finding
    if found is None:
        place: dict[str, Any] = dict(_TEXT)
    else:
        place = {
            "kind": found.kind,
            "page": found.page,
            "position": found.position,
            "name": found.name,
            "certificate": found.certificate,
            "notices": [notice.to_json(names) for notice in found.notices],
        }
    verdict = orjson.Fragment(one.verdict.to_json_bytes(names))
    return {"index": one.index, **place, "verdict": verdict}


# Where a text was sent there is no place to tell of.
_TEXT: Mapping[str, Any] = MappingProxyType(
    {
        "kind": "text",
        "page": None,
        "position": None,
        "name": None,
        "certificate": None,
        "notices": [],
    }
)


def _file(one: FileRead) -> dict[str, Any]:
    report = one.report
    return {
        "index": one.index,
        "pages": report.pages,
        "found": len(report.findings),
        "certificates": report.certificates,
        "pages_without": report.pages_without,
    }
