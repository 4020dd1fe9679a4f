"""Finds and serves openapi.yaml, the contract of both services."""

from pathlib import Path

from flask import Blueprint, request
from werkzeug.wrappers import Response

FILE_NAME = "openapi.yaml"
MEDIA_TYPE = "application/yaml"  # RFC 9512


class ContractMissing(Exception):  # noqa: N818 - the name says what is wrong
    """openapi.yaml is in neither place."""

    code = "contract_missing"


def find_contract(package: Path | None = None) -> Path:
    """Path of openapi.yaml: inside the installed package, else at the repository's root.

    Args:
        package: folder of the package `certsvc`; this file's own by default.

    Raises:
        ContractMissing: the file is in neither place.
    """
    package = package or Path(__file__).resolve().parent.parent
    installed = package / FILE_NAME
    if installed.is_file():
        return installed
    editable = package.parent / FILE_NAME
    # pyproject.toml beside it tells a checkout from a stray file in site-packages.
    if editable.is_file() and (package.parent / "pyproject.toml").is_file():
        return editable
    raise ContractMissing(f"{FILE_NAME} was not found beside or inside {package.name}")


def contract_blueprint() -> Blueprint:
    """`GET /openapi.yaml`."""
    blueprint = Blueprint("contract", __name__)
    body = find_contract().read_bytes()

    @blueprint.get("/openapi.yaml")
    def openapi() -> Response:
        response = Response(body, content_type=MEDIA_TYPE)
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        return response.make_conditional(request)

    return blueprint
