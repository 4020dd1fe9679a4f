"""Asks an issuer which certificate a typed code stands for; nothing it answers is believed.

The answer must hash to the code (`typedcode.require`) and is verified like any other token. One
POST to a configured address, no redirects, a capped answer, a short end to the whole exchange; a
resolver that gave no answer is left alone for a while, and few may wait for one at a time.
"""

import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, Protocol

from certsvc_sdk import strict, typedcode
from certsvc_sdk.deadline import Deadline
from certsvc_sdk.errors import CertsvcError, CodeUnavailable, CodeUnknown, FetchFailed
from certsvc_sdk.sources import check_base
from certsvc_sdk.strict import MAX_TOKEN

#: Path below a resolver's base address.
PATH: Final = "v1/codes/resolve"
# A clerk waits one or two seconds; the QR code is there as well.
CONNECT_SECONDS: Final = 1.5
TOTAL_SECONDS: Final = 3.0
# A line that is down stays down for a while; asking each time would make every code slow.
PAUSE_SECONDS: Final = 5.0
# A resolver that hangs must not hold all threads of a service.
WAITING: Final = 4

# The token as a JSON string, and the member around it.
_MAX_ANSWER: Final = MAX_TOKEN + 1024
_CHUNK: Final = 64 * 1024
_OK: Final = 200
_NOT_FOUND: Final = 404


class Resolver(Protocol):
    """Where typed codes are looked up."""

    def resolve(self, code: str) -> str:
        """Return the token that a code stands for.

        Args:
            code: as `typedcode.read` returns it.

        Raises:
            CodeUnknown: nobody knows the code.
            CodeUnavailable: nobody can be asked now.
        """
        ...


def asking(resolver: Resolver | None) -> Callable[[str], str]:
    """Return what one verification asks by: each code once, and no foreign error comes out.

    Args:
        resolver: None: there is none.
    """

    @cache
    def ask(code: str) -> str:
        if resolver is None:
            raise CodeUnavailable("this verifier was given no resolver")
        try:
            return resolver.resolve(code)
        except CertsvcError:
            raise
        except Exception as error:  # one of the caller's own may raise anything
            raise CodeUnavailable("the resolver failed") from error

    return ask


def look_up(resolver: Resolver | None, text: str) -> str:
    """Return the token that a typed code stands for; not verified.

    Args:
        resolver: None: there is none.
        text: the code as it was typed, or the digits of its barcode.

    Raises:
        Unreadable, NotACertificate: it has a typing error, or is no code at all.
        CodeUnknown, CodeUnavailable: nobody knows it, or nobody can be asked.
    """
    code = typedcode.read(text)
    token = asking(resolver)(code)
    typedcode.require(token, code)
    return token


class HttpResolver:
    """One issuer service (`POST /v1/codes/resolve`). Safe for threads.

    Args:
        base: base address of the service, https: or http: to this machine; ends in /.
        client_id: name of this verifier's client there.
        secret: its secret.
        monotonic: seconds that never go back.

    Raises:
        FetchFailed: the address is of a kind that is not allowed.
    """

    def __init__(
        self,
        base: str,
        *,
        client_id: str,
        secret: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        check_base(base)
        if not base.startswith(("https:", "http:")) or not base.endswith("/"):
            raise FetchFailed("a resolver is an https: or loopback http: address that ends in /")
        self._url = base + PATH
        self._credentials = f"{client_id}:{secret}"
        self._monotonic = monotonic
        self._paused_until = float("-inf")
        self._places = threading.BoundedSemaphore(WAITING)

    def resolve(self, code: str) -> str:
        """Return the token that a code stands for.

        Raises:
            CodeUnknown: the issuer knows no such code.
            CodeUnavailable: no answer in time, a refusal, or another certificate.
        """
        if self._monotonic() < self._paused_until:
            raise CodeUnavailable("the resolver did not answer a moment ago")
        if not self._places.acquire(blocking=False):
            raise CodeUnavailable("too many wait for the resolver already")
        try:
            status, body = _post(self._url, self._credentials, code)
        except FetchFailed as error:
            self._paused_until = self._monotonic() + PAUSE_SECONDS
            raise CodeUnavailable("the resolver did not answer within its limits") from error
        finally:
            self._places.release()
        token = _token(status, body)
        typedcode.require(token, code)
        return token


class Resolvers:
    """Several resolvers, asked in their order until one knows the code.

    Args:
        each: the resolvers.
    """

    def __init__(self, each: Iterable[Resolver]) -> None:
        self._each = tuple(each)

    def resolve(self, code: str) -> str:
        """Return the token that a code stands for.

        Raises:
            CodeUnknown: every one of them answered, and none knows the code.
            CodeUnavailable: none knows it, and not all could be asked.
        """
        missing = not self._each
        for one in self._each:
            try:
                return one.resolve(code)
            except CodeUnknown:
                continue
            except CertsvcError:
                missing = True
        if missing:
            raise CodeUnavailable("not every resolver could be asked")
        raise CodeUnknown("no resolver knows the code")


def _token(status: int, body: bytes) -> str:
    try:
        # A token may be as long as a whole text may be elsewhere.
        answer = strict.loads_object(
            body, max_bytes=_MAX_ANSWER, what="answer", max_copied=_MAX_ANSWER
        )
    except CertsvcError as error:
        raise CodeUnavailable("the resolver's answer is not acceptable JSON") from error
    # Any server says 404 of an address that it does not have; ours says what is unknown.
    if status == _NOT_FOUND and answer.get("code") == CodeUnknown.code:
        raise CodeUnknown("the resolver knows no such code")
    token = answer.get("token")
    if status != _OK or not isinstance(token, str):
        raise CodeUnavailable(f"the resolver refused: HTTP status {status}")
    return token


def _post(url: str, credentials: str, code: str) -> tuple[int, bytes]:
    """Return status and body of an answer.

    Raises:
        FetchFailed: none within the limits.
    """
    # Imported here: nearly all verifications ask no resolver.
    from http.client import HTTPException
    from urllib.parse import urlsplit

    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
    from urllib3.exceptions import HTTPError
    from urllib3.util import make_headers

    parts = urlsplit(url)
    pool_class = HTTPSConnectionPool if parts.scheme == "https" else HTTPConnectionPool
    headers = make_headers(basic_auth=credentials) | {
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
    }
    deadline = Deadline(TOTAL_SECONDS)
    try:
        with deadline, pool_class(parts.hostname or "", port=parts.port, maxsize=1) as pool:
            deadline.watch(pool)
            response = pool.urlopen(
                "POST",
                parts.path,
                body=f'{{"code":"{code}"}}'.encode(),
                headers=headers,
                retries=False,
                redirect=False,
                timeout=Timeout(connect=CONNECT_SECONDS, read=TOTAL_SECONDS),
                preload_content=False,
                decode_content=False,
            )
            with response:
                body = bytearray()
                while chunk := response.read1(_CHUNK):
                    # A connection that ends with its answer is out of the deadline's reach.
                    deadline.check()
                    body += chunk
                    if len(body) > _MAX_ANSWER:
                        raise FetchFailed(f"the answer is longer than {_MAX_ANSWER} bytes")
                deadline.check()
                return response.status, bytes(body)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise FetchFailed("the resolver did not answer within its limits") from error
