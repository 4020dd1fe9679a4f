"""`GET /metrics`: for the collector beside the service, and for nobody else (T68)."""

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Response, request

from certsvc.service.metrics import MEDIA_TYPE, Metrics, Observe, render
from certsvc.service.networks import Networks, is_among
from certsvc.service.problems import NOT_FOUND, Problem

PATH: Final = "/metrics"
# A proxy on this machine has a loopback address, too: what it hands on comes from elsewhere.
_HANDED_ON: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")


def metrics_blueprint(
    metrics: Metrics, *, allowed: Networks, observe: Sequence[Observe] = ()
) -> Blueprint:
    """The route.

    Args:
        metrics: what was counted.
        allowed: who may ask; others get the answer of a route that is not there.
        observe: look up further numbers.
    """
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get(PATH)
    def page() -> Response:
        if not is_among(request.remote_addr, allowed) or any(
            name in request.headers for name in _HANDED_ON
        ):
            raise Problem(NOT_FOUND)
        return Response(render(metrics, observe), content_type=MEDIA_TYPE)

    return blueprint
