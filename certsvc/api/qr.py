"""QR codes of issued certificates: size in the answer, images on their own paths."""

import hashlib

from flask import Blueprint, request
from werkzeug.wrappers import Response

from certsvc.api.auth import Authorise
from certsvc.api.errors import PRINT_TOO_SMALL
from certsvc.api.face_errors import QR_TOO_LARGE
from certsvc.api.parameters import integer_parameter, size_parameter
from certsvc.api.paths import certificate_path, checked_id
from certsvc.api.schemas import QrCode
from certsvc.face.errors import PrintTooSmall, SymbolTooLarge
from certsvc.face.qr import PNG_SCALE, Symbol, png, qr_symbol, svg, symbol_size
from certsvc.issuing.service import IssuingService
from certsvc.service.principal import Principal
from certsvc.service.problems import FieldProblem, Problem

MAX_MODULE = 32  # a version-23 symbol of 117 modules gives 3,744 pixels, enough for a poster
_SVG = "image/svg+xml"
_PNG = "image/png"
_MARK = "#"  # the byte segment ends with it, the digits follow


def segments(qr_text: str) -> tuple[str, str]:
    """The two segments of a QR text: address and digits.

    Raises:
        SymbolTooLarge: the certificate fits into no code, so there is no text.
    """
    if not qr_text:
        raise SymbolTooLarge("the certificate does not fit into any QR code")
    address, mark, digits = qr_text.partition(_MARK)
    return address + mark, digits


def qr_answer(certificate_id: str, qr_text: str, profile: str) -> QrCode | None:
    """The member `qr` of an answer; None when no printable symbol holds the text."""
    try:
        version, ecc = symbol_size(*segments(qr_text))
    except SymbolTooLarge:
        return None
    path = f"{certificate_path(certificate_id)}/qr"
    return QrCode(
        text=qr_text,
        svg=f"{path}.svg",
        png=f"{path}.png",
        version=version,
        ecc=ecc,
        profile=profile,
    )


def qr_blueprint(service: IssuingService, authorise: Authorise) -> Blueprint:
    """`GET /v1/certificates/{id}/qr.svg` and `…/qr.png`."""
    blueprint = Blueprint("qr", __name__)

    def symbol_for(certificate_id: str, principal: Principal) -> Symbol:
        try:
            return qr_symbol(*segments(service.get(principal, checked_id(certificate_id)).qr_text))
        except SymbolTooLarge as error:
            raise Problem(QR_TOO_LARGE) from error

    @blueprint.get("/v1/certificates/<certificate_id>/qr.svg")
    def qr_svg(certificate_id: str) -> Response:
        principal = authorise("read")
        size_mm = size_parameter(request.args)
        symbol = symbol_for(certificate_id, principal)
        try:
            return _image(svg(symbol, size_mm=size_mm).encode(), _SVG)
        except PrintTooSmall as error:
            raise too_small(error) from error

    @blueprint.get("/v1/certificates/<certificate_id>/qr.png")
    def qr_png(certificate_id: str) -> Response:
        principal = authorise("read")
        module = integer_parameter(request.args, "module", least=1, most=MAX_MODULE)
        size_mm = size_parameter(request.args)
        symbol = symbol_for(certificate_id, principal)
        try:
            return _image(png(symbol, scale=module or PNG_SCALE, size_mm=size_mm), _PNG)
        except PrintTooSmall as error:
            raise too_small(error) from error

    return blueprint


def too_small(error: PrintTooSmall) -> Problem:
    """The problem of a size that nobody could scan, with the smallest one that works."""
    least = error.smallest_mm
    field = FieldProblem(
        "/size_mm",
        PRINT_TOO_SMALL.code,
        f"边长至少 {least:g} 毫米（含静区）",
        f"the side is at least {least:g} mm, quiet zone included",
        least=least,
    )
    return Problem(PRINT_TOO_SMALL, detail=f"at least {least:g} mm", errors=[field])


def _image(image: bytes, content_type: str) -> Response:
    response = Response(image, content_type=content_type)
    response.set_etag(hashlib.sha256(image).hexdigest()[:32])
    # The image is the certificate: kept by the caller's own cache only, asked for each time.
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)
