"""`/v1/certificates`: issue, read, change status, supersede."""

from typing import cast

from flask import Blueprint, Response, jsonify

from certsvc.api.approvals import accepted
from certsvc.api.auth import Authorise
from certsvc.api.body import read_json
from certsvc.api.idempotency import idempotency_key, optional_idempotency_key
from certsvc.api.log_answers import LogAnswers, Place
from certsvc.api.paths import certificate_path, checked_id, type_path
from certsvc.api.qr import qr_answer
from certsvc.api.schemas import (
    Certificate,
    CertificateLinks,
    CertificateRequest,
    LogPlace,
    State,
    StatusChangeRequest,
    SupersedeRequest,
)
from certsvc.issuing import model
from certsvc.issuing.errors import ApprovalNeeded
from certsvc.issuing.service import IssuingService
from certsvc.service.principal import Principal
from certsvc_sdk.strict import b64u_encode

REPLAYED = "Idempotent-Replayed"


def certificates_blueprint(
    service: IssuingService, authorise: Authorise, log: LogAnswers
) -> Blueprint:
    """The routes of certificates.

    Args:
        service: issues and changes certificates.
        authorise: authenticates the request and checks a scope.
        log: finds certificates' places in the transparency log.
    """
    blueprint = Blueprint("certificates", __name__)

    @blueprint.post("/v1/certificates")
    def issue() -> Response:
        principal = authorise("issue")
        key = idempotency_key()
        body = read_json(CertificateRequest)
        request = model.IssueRequest(
            type=body.type, claims=body.claims, profile=body.profile, version=body.version
        )
        try:
            issued = service.issue(principal, request, key)
        except ApprovalNeeded as error:
            return accepted(error)
        return _created(log, principal, issued)

    @blueprint.get("/v1/certificates/<certificate_id>")
    def get(certificate_id: str) -> Response:
        principal = authorise("read")
        return _present(log, principal, service.get(principal, checked_id(certificate_id)))

    @blueprint.post("/v1/certificates/<certificate_id>/suspend")
    def suspend(certificate_id: str) -> Response:
        return change(certificate_id, "suspend")

    @blueprint.post("/v1/certificates/<certificate_id>/resume")
    def resume(certificate_id: str) -> Response:
        return change(certificate_id, "resume")

    @blueprint.post("/v1/certificates/<certificate_id>/revoke")
    def revoke(certificate_id: str) -> Response:
        return change(certificate_id, "revoke")

    def change(certificate_id: str, operation: str) -> Response:
        principal = authorise("status")
        key = optional_idempotency_key()
        body = read_json(StatusChangeRequest)
        view = service.change_status(
            principal,
            checked_id(certificate_id),
            operation,
            reason=body.reason,
            detail=body.detail,
            idempotency_key=key,
        )
        return _present(log, principal, view)

    @blueprint.post("/v1/certificates/<certificate_id>/supersede")
    def supersede(certificate_id: str) -> Response:
        principal = authorise("issue", "status")
        key = idempotency_key()
        body = read_json(SupersedeRequest)
        request = model.SupersedeRequest(
            claims=body.claims,
            reason=body.reason,
            detail=body.detail,
            profile=body.profile,
            version=body.version,
        )
        try:
            issued = service.supersede(principal, checked_id(certificate_id), request, key)
        except ApprovalNeeded as error:
            return accepted(error)
        return _created(log, principal, issued)

    return blueprint


def _created(log: LogAnswers, principal: Principal, issued: model.Issued) -> Response:
    place = log.soon(principal.issuer_id, issued.certificate_id, issued.leaf_hash)
    response = jsonify(_body(issued, place))
    response.status_code = 201
    response.headers["Location"] = certificate_path(issued.certificate_id)
    if issued.replayed:
        response.headers[REPLAYED] = "true"
    return response


def _present(log: LogAnswers, principal: Principal, view: model.CertificateView) -> Response:
    return jsonify(_body(view, log.now(principal.issuer_id, view.certificate_id)))


def _body(view: model.CertificateView, place: Place | None) -> dict[str, object]:
    qr = qr_answer(view.certificate_id, view.qr_text, view.qr_profile or view.profile)
    answer = Certificate(
        id=view.certificate_id,
        certificate_identifier=view.certificate_identifier,
        type=view.type,
        version=view.version,
        profile=view.profile,
        state=cast("State", view.state),
        status_reason=view.status_reason,
        status_changed_at=view.status_changed_at,
        issued_at=view.issued_at,
        not_before=view.not_before,
        expires_at=view.expires_at,
        token=view.token,
        typed_code=view.typed_code,
        qr=qr,
        qr_reason=None if qr is not None else "qr_too_large",
        log=None if place is None else _log(place),
        links=CertificateLinks(
            self=certificate_path(view.certificate_id),
            type=type_path(view.type),
            supersedes=_path_or_none(view.supersedes),
            superseded_by=_path_or_none(view.superseded_by),
        ),
    )
    return answer.model_dump(mode="json")


def _log(place: Place) -> LogPlace:
    return LogPlace(
        origin=place.origin,
        index=place.index,
        leaf_hash=b64u_encode(place.leaf_hash),
        proof=place.proof,
    )


def _path_or_none(certificate_id: str | None) -> str | None:
    return None if certificate_id is None else certificate_path(certificate_id)
