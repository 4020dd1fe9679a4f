"""`POST /v1/codes/resolve`: which certificate a typed code stands for, for verifiers."""

import logging

from flask import Blueprint, Response, jsonify, request

from certsvc.api.auth import Authorise
from certsvc.api.body import read_json
from certsvc.api.code_limits import CodeLimits
from certsvc.api.schemas import CodeAnswer, CodeRequest
from certsvc.issuing.codes import Codes
from certsvc.issuing.errors import CodeUnknown
from certsvc.service.metrics import Metrics
from certsvc.service.problems import REQUEST_INVALID, FieldProblem, Problem
from certsvc_sdk import typedcode
from certsvc_sdk.errors import CertsvcError

log = logging.getLogger("certsvc.codes")

_WRONG = FieldProblem(
    "/code",
    "code_check",
    "短码输入有误：长度、字符或校验位不符",
    "a typing error: length, signs or check of the code are wrong",
)


def codes_blueprint(
    codes: Codes, authorise: Authorise, limits: CodeLimits, metrics: Metrics
) -> Blueprint:
    """The route of typed codes.

    Args:
        codes: finds certificates.
        authorise: authenticates the request and checks a scope.
        limits: counts look-ups, and those in vain.
        metrics: counts results.
    """
    blueprint = Blueprint("codes", __name__)

    @blueprint.post("/v1/codes/resolve")
    def resolve() -> Response:
        principal = authorise("resolve")
        code = _read(read_json(CodeRequest).code, metrics)
        with limits.counting(principal.client_id, request.remote_addr or "") as found:
            try:
                resolved = codes.resolve(principal, code)
            except CodeUnknown:
                metrics.codes.add("unknown")
                raise
            found()
        metrics.codes.add("found")
        # Who was shown which certificate, and never the code.
        names = {"certificate_id": resolved.certificate_id, "issuer_id": resolved.issuer_id}
        log.info("typed code resolved", extra=names)
        return jsonify(CodeAnswer(token=resolved.token).model_dump(mode="json"))

    return blueprint


def _read(text: str, metrics: Metrics) -> str:
    """The code; a wrong check symbol costs no look-up and tells nothing that is not known."""
    try:
        return typedcode.read(text)
    except CertsvcError as error:
        metrics.codes.add("mistyped")
        raise Problem(REQUEST_INVALID, errors=[_WRONG]) from error
