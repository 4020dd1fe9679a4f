"""`/v1/approvals`: requests for types that nobody issues alone, and the second person's word."""

from flask import Blueprint, Response, jsonify

from certsvc.api import schemas
from certsvc.api.auth import Authorise
from certsvc.api.paths import approval_path, checked_id
from certsvc.issuing.errors import ApprovalNeeded
from certsvc.issuing.model import Waiting
from certsvc.issuing.second_person import SecondPerson

RETRY_SECONDS = "30"  # people read


def approvals_blueprint(second_person: SecondPerson, authorise: Authorise) -> Blueprint:
    """The routes of the second person.

    Args:
        second_person: keeps the requests.
        authorise: authenticates the request and checks a scope.
    """
    blueprint = Blueprint("approvals", __name__)

    @blueprint.get("/v1/approvals")
    def waiting() -> Response:
        principal = authorise("approve")
        found = [_detail(one) for one in second_person.waiting(principal)]
        return jsonify(schemas.ApprovalList(approvals=found).model_dump(mode="json"))

    @blueprint.get("/v1/approvals/<approval_id>")
    def get(approval_id: str) -> Response:
        principal = authorise("approve")
        return _answer(second_person.get(principal, checked_id(approval_id)))

    @blueprint.post("/v1/approvals/<approval_id>/approve")
    def approve(approval_id: str) -> Response:
        principal = authorise("approve")
        return _answer(second_person.decide(principal, checked_id(approval_id), agreed=True))

    @blueprint.post("/v1/approvals/<approval_id>/refuse")
    def refuse(approval_id: str) -> Response:
        principal = authorise("approve")
        return _answer(second_person.decide(principal, checked_id(approval_id), agreed=False))

    return blueprint


def accepted(error: ApprovalNeeded) -> Response:
    """202: the request waits; the same request, sent again, gets the certificate in its time."""
    path = approval_path(error.approval_id)
    waits = schemas.Approval(
        id=error.approval_id, state="waiting", created_at=error.created_at, link=path
    )
    response = jsonify(schemas.ApprovalNotice(approval=waits).model_dump(mode="json"))
    response.status_code = 202
    response.headers["Location"] = path
    response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _answer(one: Waiting) -> Response:
    return jsonify(_detail(one).model_dump(mode="json"))


def _detail(one: Waiting) -> schemas.ApprovalDetail:
    members = {
        "id": one.approval_id,
        "state": one.state,
        "created_at": one.created_at,
        "link": approval_path(one.approval_id),
        "client": one.client_id,
        "operation": one.operation,
        "request": dict(one.request),
        "decided_at": one.decided_at,
        "decided_by": one.decided_by,
    }
    return schemas.ApprovalDetail.model_validate(members)
