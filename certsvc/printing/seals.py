"""Asks a configured signing service for the image of a department's seal.

The product draws no seals. Where no service is configured, or it does not answer well, the face
has a line in the seal's place; no answer is kept, so none can reach another certificate.
"""

import hashlib
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from certsvc.face.errors import SealImageInvalid
from certsvc.face.seal import MAX_BYTES, SealImage
from certsvc.service.shared.breaker import Breaker, State
from certsvc_sdk.deadline import Deadline
from certsvc_sdk.errors import FetchFailed

# A face is waited for; a signing service that needs longer has its seal on the next one.
CONNECT_SECONDS: Final = 1.0
TOTAL_SECONDS: Final = 3.0
# A service that failed is left alone for so long.
PAUSE_SECONDS: Final = 15.0
_OK: Final = 200
_PNG: Final = "image/png"
_CHUNK: Final = 64 * 1024

log = logging.getLogger("certsvc.seals")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRequest:
    """What a signing service is told: which certificate, and nothing of what it says.

    Attributes:
        identifier: 电子证照标识.
        type: short name of the certificate type.
        issuer: unified social credit code of the department.
        token: the certificate; only its digest leaves.
    """

    identifier: str
    type: str
    issuer: str
    token: str

    def to_bytes(self) -> bytes:
        """The body of the request, JSON."""
        members = {
            "certificate_identifier": self.identifier,
            "type": self.type,
            "issuer": self.issuer,
            "certificate_sha256": hashlib.sha256(self.token.encode("ascii")).hexdigest(),
        }
        return json.dumps(members, separators=(",", ":")).encode()


class Seals(Protocol):
    """Where seals come from."""

    def seal(self, request: SealRequest) -> bytes | None:
        """PNG of the seal; None: there is none, and a line takes its place."""
        ...


class NoSeals:
    """No signing service is configured."""

    def seal(self, request: SealRequest) -> None:
        """None, for any certificate."""
        _ = request


class SealService:
    """A signing service behind an address. Safe for threads.

    Args:
        address: `https:`, or `http:` to this machine in a demo; it is sent a POST.
        monotonic: seconds that never go back.
        trust: certificates that the service's own is checked by; the system's by default.
    """

    def __init__(
        self,
        address: str,
        *,
        monotonic: Callable[[], float],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._address = urlsplit(address)
        query = f"?{self._address.query}" if self._address.query else ""
        self._path = (self._address.path or "/") + query
        self._trust = trust
        self._breaker = Breaker(monotonic=monotonic, pause=PAUSE_SECONDS)

    def seal(self, request: SealRequest) -> bytes | None:
        """PNG of the seal; None where the service failed or was left alone for that."""
        if self._breaker.state is not State.CLOSED and not self._breaker.take_probe():
            return None
        try:
            image = self._ask(request.to_bytes())
            SealImage(png=image)
        except (FetchFailed, SealImageInvalid) as error:
            self._breaker.failed()
            log.warning("no seal: %s", error.code, extra={"code": error.code})
            return None
        self._breaker.succeeded()
        return image

    def _ask(self, body: bytes) -> bytes:
        from http.client import HTTPException

        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
        from urllib3.exceptions import HTTPError

        host, port = self._address.hostname or "", self._address.port
        deadline = Deadline(TOTAL_SECONDS)
        try:
            pool = (
                HTTPSConnectionPool(host, port, maxsize=1, ssl_context=self._trust)
                if self._address.scheme == "https"
                else HTTPConnectionPool(host, port, maxsize=1)
            )
            with deadline, pool:
                deadline.watch(pool)
                response = pool.urlopen(
                    "POST",
                    self._path,
                    body=body,
                    headers={
                        "Accept": _PNG,
                        "Accept-Encoding": "identity",
                        "Cache-Control": "no-store",
                        "Content-Type": "application/json",
                    },
                    retries=False,
                    redirect=False,
                    timeout=Timeout(connect=CONNECT_SECONDS, read=TOTAL_SECONDS),
                    preload_content=False,
                    decode_content=False,
                )
                with response:
                    media_type = response.headers.get("content-type", "").partition(";")[0]
                    if response.status != _OK or media_type.strip().lower() != _PNG:
                        raise FetchFailed("the signing service returned no PNG")
                    image = bytearray()
                    while chunk := response.read1(_CHUNK):
                        deadline.check()
                        image += chunk
                        if len(image) > MAX_BYTES:
                            raise FetchFailed("the seal is too long")
                deadline.check()
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise FetchFailed("the signing service did not answer within its limits") from error
        return bytes(image)
