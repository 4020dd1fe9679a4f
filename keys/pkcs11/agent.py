"""The agent: the process in which a token's library runs, and the only one that sees the PIN.

Its socket is file descriptor 0; it ends when the other side closes. Started by `keys.pkcs11.link`.
"""

import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from keys.errors import KeysError, Pkcs11Missing
from keys.pkcs11 import frames
from keys.pkcs11.address import TokenAddress, read_address
from keys.signing.memory import keep_private

if TYPE_CHECKING:
    from keys.pkcs11.token import Token

#: Operations by name; each answers with a value that a frame can carry.
OPERATIONS = (
    "records",
    "create",
    "drop",
    "generate",
    "name",
    "unnamed",
    "erase",
    "sign",
    "seal",
    "open",
)


def serve(connection: socket.socket, open_token: "Callable[..., Token]") -> None:
    """Answers requests until the other side closes.

    The first frame names the token; each of the others an operation. An error is answered by its
    code; whatever is no `KeysError` ends the agent, and its store starts a new one.

    Args:
        connection: to the store.
        open_token: address and what it showed before to a `keys.pkcs11.token.Token`.
    """
    greeting = _next(connection)
    if greeting is None:
        return
    try:
        token = open_token(read_address(greeting["uri"]), seen=greeting["seen"])
    except KeysError as error:
        _tell(connection, {"code": error.code, "text": str(error)})
        return
    try:
        _tell(connection, {"ready": True})
        while (request := _next(connection)) is not None:
            _tell(connection, {"id": request["id"], **_answer(token, request)})
    finally:
        token.close()


def _next(connection: socket.socket) -> dict[str, Any] | None:
    try:
        return frames.receive(connection)
    except (EOFError, OSError):
        return None


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):  # gone in the meantime: `_next` will see it
        frames.send(connection, message)


def _answer(token: "Token", request: Mapping[str, Any]) -> dict[str, Any]:
    if request["do"] not in OPERATIONS:
        raise ValueError("no such operation")
    try:
        value = getattr(token, request["do"])(**request["with"])
    except KeysError as error:
        return {"code": error.code, "text": str(error), "seen": token.seen}
    return {"value": value, "seen": token.seen}


def open_token(address: TokenAddress, *, seen: Sequence[str | None]) -> "Token":
    """The token; loads PyKCS11.

    Raises:
        Pkcs11Missing: it is not installed.
    """
    try:
        from keys.pkcs11.token import Token
    except ImportError as error:
        raise Pkcs11Missing("PyKCS11 is missing: pip install 'certsvc[hsm]'") from error
    return Token(address, seen=seen)


def main() -> int:
    """Serves the socket that is file descriptor 0."""
    keep_private()
    # Ctrl-C at a terminal is for the service; the agent ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=0) as connection:
        serve(connection, open_token)
    return 0


if __name__ == "__main__":
    sys.exit(main())
