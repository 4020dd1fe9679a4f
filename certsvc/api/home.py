"""`/`: a small page in two languages that says what this service is."""

from pathlib import Path

from flask import Blueprint, request
from werkzeug.wrappers import Response

PAGES = Path(__file__).parent / "pages"
# Nothing but our own style sheet: no script, no image, no form, no frame (T64).
POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
CACHE = "public, max-age=300"


def home_blueprint() -> Blueprint:
    """`GET /` and `GET /style.css`."""
    blueprint = Blueprint("home", __name__)
    page = (PAGES / "home.html").read_bytes()
    style = (PAGES / "style.css").read_bytes()

    @blueprint.get("/")
    def home() -> Response:
        return _static(page, "text/html; charset=utf-8")

    @blueprint.get("/style.css")
    def stylesheet() -> Response:
        return _static(style, "text/css; charset=utf-8")

    return blueprint


def _static(body: bytes, content_type: str) -> Response:
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = CACHE
    response.headers["Content-Security-Policy"] = POLICY
    response.add_etag()
    return response.make_conditional(request)
