"""The window clerk's page: scan, paste or upload, and read the answer. Works without JavaScript."""

from flask import Blueprint, Response, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from certsvc.service.problems import BODY_TOO_LARGE, REQUEST_MALFORMED, Problem, ProblemKind
from certsvc_sdk.errors import CertsvcError, PolicyInvalid
from certsvc_sdk.policy import Policies
from verifier.cards import Card, problem_card
from verifier.checking import Checker, DecoderGate, check_all
from verifier.inputs import MATTER, read_desk_form
from verifier.labels import Labels, Words
from verifier.problems import POLICY_INVALID
from verifier.results import cards_of

# The page loads its own style sheet and nothing else; it runs no script and sends forms home only.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def desk_blueprint(
    checker: Checker, gate: DecoderGate, labels: Labels, policies: Policies
) -> Blueprint:
    """The clerk page and its style sheet."""
    blueprint = Blueprint(
        "desk",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    types = {name: entry.title for name, entry in labels.types.items()}
    matters = _matters(policies)

    def page(cards: list[Card], *, status: int = 200, chosen: str = "") -> Response:
        html = render_template(
            "desk.html", cards=cards, types=types, matters=matters, chosen=chosen
        )
        response = make_response(html, status)
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response

    @blueprint.get("/")
    def ask() -> Response:
        return page([])

    @blueprint.post("/")
    def answer() -> Response:
        try:
            submission = read_desk_form(policies)
            gathered = check_all(checker, submission, gate)
        except (Problem, CertsvcError, HTTPException) as error:
            kind = problem_kind(error)
            g.problem_code = kind.code
            return page([problem_card(kind)], status=kind.status, chosen=_chosen())
        return page(cards_of(submission, gathered, labels), chosen=_chosen())

    return blueprint


def _matters(policies: Policies) -> dict[str, Words]:
    """What the clerk may choose: matters that need nothing but the certificate."""
    return {
        MATTER + name: Words(**policy.title) if policy.title else Words(name, "")
        for name, policy in policies
        if not policy.require_holder_binding and all(one.given is None for one in policy.predicates)
    }


def _chosen() -> str:
    """The matter's type stays chosen: a failure must not loosen the rules for the next one."""
    try:
        return request.form.get("type", "")
    except HTTPException:
        return ""  # a form that was too large to read


def problem_kind(error: Exception) -> ProblemKind:
    """What went wrong before anything could be judged."""
    if isinstance(error, Problem):
        return error.kind
    if isinstance(error, PolicyInvalid):
        return POLICY_INVALID
    return BODY_TOO_LARGE if isinstance(error, RequestEntityTooLarge) else REQUEST_MALFORMED
