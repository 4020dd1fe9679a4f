"""`POST /v1/nonces`: a nonce for one presentation by a holder's device."""

from collections.abc import Callable

import orjson
from flask import Blueprint, Response

from certsvc.service.http import JSON, read_body, require_media_type
from certsvc_sdk import strict
from verifier.nonces import LIFE, IssuedNonces
from verifier.schemas import NonceAnswer, NonceRequest, read_model

PATH = "/v1/nonces"
# An audience of the longest kind, each character escaped.
BODY_BYTES = 8 * 1024


def nonces_blueprint(nonces: IssuedNonces, clock: Callable[[], float]) -> Blueprint:
    """The route; `clock` gives Unix seconds."""
    blueprint = Blueprint("nonces", __name__)

    @blueprint.post(PATH)
    def give() -> Response:
        require_media_type({JSON})
        body = strict.loads_object(read_body(BODY_BYTES), max_bytes=BODY_BYTES, what="body")
        audience = read_model(NonceRequest, body).audience
        now = int(clock())
        nonce = nonces.give(audience, now=now)
        answer = NonceAnswer(nonce=nonce, audience=audience, expires_at=now + LIFE)
        return Response(orjson.dumps(answer.model_dump()), status=201, content_type=JSON)

    return blueprint
