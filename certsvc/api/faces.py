"""Printed certificates: one face as PDF, and exports of many."""

import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response

from certsvc.api.auth import Authorise, limit
from certsvc.api.body import read_json
from certsvc.api.errors import PARAMETER_INVALID
from certsvc.api.face_errors import EXPORT_TOO_LARGE
from certsvc.api.paths import checked_id
from certsvc.api.schemas import ExportRequest
from certsvc.face.filenames import disposition
from certsvc.face.job import LANGUAGES, Language
from certsvc.issuing.service import IssuingService
from certsvc.printing.desk import PDF, PrintingDesk
from certsvc.printing.errors import PressBusy
from certsvc.printing.exporting import MEDIA_TYPES, Export, exported
from certsvc.service.limits import Limiter
from certsvc.service.problems import FieldProblem, Problem

#: Certificates of one export; the command line takes any number.
MAX_EXPORTED: Final = 1000
#: Exports that one process serves at once, and those of one client: each holds a thread.
MAX_EXPORTS: Final = 4
#: Seconds that an export may take: whoever reads more slowly shall not hold its thread for ever.
EXPORT_SECONDS: Final = 1800.0


class ExportSlots:
    """Room for exports. Safe for threads."""

    def __init__(self, most: int = MAX_EXPORTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._taken: set[str] = set()

    def take(self, client: str) -> Callable[[], None]:
        """Take a place; returns what gives it back.

        Raises:
            PressBusy: all are taken, or the client has one.
        """
        with self._lock:
            if client in self._taken or len(self._taken) >= self._most:
                raise PressBusy("an export is running")
            self._taken.add(client)
        return partial(self._leave, client)

    def _leave(self, client: str) -> None:
        with self._lock:
            self._taken.discard(client)


def faces_blueprint(
    service: IssuingService,
    desk: PrintingDesk,
    authorise: Authorise,
    limiter: Limiter,
    *,
    monotonic: Callable[[], float],
) -> Blueprint:
    """`GET /v1/certificates/{id}/face.pdf` and `POST /v1/exports`.

    Args:
        service: reads certificates.
        desk: prints.
        authorise: authenticates the request and checks a scope.
        limiter: counts each client's faces and exports.
        monotonic: seconds that never go back.
    """
    blueprint = Blueprint("faces", __name__)
    slots = ExportSlots()

    @blueprint.get("/v1/certificates/<certificate_id>/face.pdf")
    def face(certificate_id: str) -> Response:
        principal = authorise("read")
        language = _language(request.args.get("lang"))
        view = service.get(principal, checked_id(certificate_id))
        order = desk.order(principal, view, language)
        limit(limiter, f"face:{principal.client_id}")
        response = Response(content_type=PDF)
        # Two signatures over one face are not the same bytes.
        response.set_etag(order.tag, weak=order.signs)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Content-Disposition"] = disposition(order.name, plain=order.plain_name)
        if request.if_none_match.contains_weak(order.tag):
            # Whoever has the face need not have it printed again.
            response.status_code = 304
            return response
        response.set_data(desk.print(principal, order))
        return response

    @blueprint.post("/v1/exports")
    def export() -> Response:
        principal = authorise("read")
        body = read_json(ExportRequest)
        if len(body.ids) > MAX_EXPORTED:
            raise Problem(EXPORT_TOO_LARGE, detail=f"at most {MAX_EXPORTED} certificates")
        limit(limiter, f"face:{principal.client_id}")
        wanted = Export(
            ids=body.ids,
            format=body.format,
            language=body.lang,
            take=lambda ids: [(principal, each) for each in service.exports.take(principal, ids)],
        )
        stream = _Stream(
            exported(desk, wanted),
            done=slots.take(principal.client_id),
            until=monotonic() + EXPORT_SECONDS,
            monotonic=monotonic,
        )
        response = Response(stream, content_type=MEDIA_TYPES[body.format])
        name = f"certificates.{body.format}"
        response.headers["Content-Disposition"] = disposition(name, plain=name)
        return response

    return blueprint


class _Stream:
    """The bytes of an export, for a server that may close them early.

    The first ones are made at once: what is wrong by then is a problem document, afterwards only
    the end of the answer is missing.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        *,
        done: Callable[[], object],
        until: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._chunks = chunks
        # Once, however it ends: a server that never began to send forgets us without a word.
        self._done = weakref.finalize(self, done)
        self._until = until
        self._monotonic = monotonic
        try:
            self._first: bytes | None = next(chunks)
        except BaseException:
            self._done()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        if first is not None:
            return first
        try:
            if self._monotonic() > self._until:
                raise TimeoutError("the export took too long")
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the export, finished or not."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        self._done()


def _language(text: str | None) -> Language:
    if text is None:
        return LANGUAGES[0]
    if text not in LANGUAGES:
        zh, en = f"应为 {' 或 '.join(LANGUAGES)}", f"should be {' or '.join(LANGUAGES)}"
        field = FieldProblem("/lang", "choice_invalid", zh, en)
        raise Problem(PARAMETER_INVALID, detail=f"lang {en}", errors=[field])
    return text
