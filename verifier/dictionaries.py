"""`GET /v1/dictionaries/{number}`: preset dictionaries for readers of QR codes in a browser."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from certsvc.service.problems import NOT_FOUND, Problem
from certsvc_sdk.client import Verifier
from certsvc_sdk.errors import FormatUnsupported
from certsvc_sdk.holdings import HeldWorld
from certsvc_sdk.qr import dictionaries

# A year: a number stands for one file for ever.
_CACHING = "public, max-age=31536000, immutable"


def dictionaries_blueprint(verifier: Verifier) -> Blueprint:
    """The route; later dictionaries come from the verifier's own trust data."""
    blueprint = Blueprint("dictionaries", __name__)

    @blueprint.get("/v1/dictionaries/<int:number>")
    def dictionary(number: int) -> Response:
        held = HeldWorld(verifier.holdings, verifier.now, None, None)
        try:
            data = dictionaries.find(number, held.dictionary)
        except FormatUnsupported as error:
            raise Problem(NOT_FOUND) from error
        response = Response(data, content_type="application/octet-stream")
        response.headers["Cache-Control"] = _CACHING
        response.add_etag()
        return response.make_conditional(request)

    return blueprint
