"""`/v1/types`: the certificate types, for programs that build forms and for their authors."""

from flask import Blueprint, Response, jsonify, request

from certsvc.api.auth import Authorise
from certsvc.api.parameters import integer_parameter
from certsvc.api.paths import type_path
from certsvc.api.schemas import (
    Labels,
    TypeDetail,
    TypeList,
    TypeOperation,
    TypeProfile,
    TypeReason,
    TypeSummary,
)
from certsvc.catalogue.catalogue import Catalogue
from certsvc.catalogue.certificate_type import CertificateType
from certsvc.catalogue.errors import TypeUnknown
from certsvc.catalogue.schema import Label
from certsvc.catalogue.status import Operation
from certsvc.service.problems import NOT_FOUND, Problem

MAX_VERSION = 9999


def types_blueprint(catalogue: Catalogue, authorise: Authorise, *, public_url: str) -> Blueprint:
    """Both routes; any authenticated client may read them.

    Args:
        catalogue: the certificate types.
        authorise: authenticates the request.
        public_url: base address of type identifiers.
    """
    blueprint = Blueprint("types", __name__)

    @blueprint.get("/v1/types")
    def list_types() -> Response:
        authorise()
        found = [_summary(catalogue, name) for name in catalogue.names()]
        return jsonify(TypeList(types=found).model_dump(mode="json"))

    @blueprint.get("/v1/types/<name>")
    def get_type(name: str) -> Response:
        authorise()
        version = integer_parameter(request.args, "version", least=1, most=MAX_VERSION)
        try:
            found = catalogue.get(name, version)
        except TypeUnknown as error:
            raise Problem(NOT_FOUND) from error
        detail = _detail(found, list(catalogue.versions(name)), public_url)
        return jsonify(detail.model_dump(mode="json"))

    return blueprint


def _summary(catalogue: Catalogue, name: str) -> TypeSummary:
    return TypeSummary(
        name=name,
        versions=list(catalogue.versions(name)),
        titles=_labels(catalogue.get(name).titles),
        link=type_path(name),
    )


def _detail(found: CertificateType, versions: list[int], public_url: str) -> TypeDetail:
    profiles = [found.profile(name) for name in found.profiles]
    return TypeDetail(
        name=found.name,
        version=found.version,
        versions=versions,
        type_code=found.type_code,
        titles=_labels(found.titles),
        vct=found.vct(public_url),
        claims_schema=found.json_schema(),
        profiles=[
            TypeProfile(
                name=one.name,
                titles=_labels(one.titles),
                members=list(one.members),
                disclose=sorted(one.disclose),
            )
            for one in profiles
        ],
        default_profile=found.default_profile,
        operations=[_operation(one) for one in found.status.operations],
        example=dict(found.definition.example.claims),
    )


def _operation(operation: Operation) -> TypeOperation:
    return TypeOperation(
        name=operation.name,
        titles=_labels(operation.label),
        reasons=[
            TypeReason(
                code=reason.code,
                titles=_labels(reason.label),
                detail_required=reason.detail_required,
                note=None if reason.note is None else _labels(reason.note),
            )
            for reason in operation.reasons
        ],
    )


def _labels(label: Label) -> Labels:
    return Labels(zh=label.zh, en=label.en)
