"""The agent: the process in which a token's library runs, and the only one that sees the PIN.

Its socket is file descriptor 0; it ends when the other side closes. Started by `keys.pkcs11.link`.
"""

import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from keys.errors import KeysError, Pkcs11Missing
from keys.pkcs11 import frames
from keys.pkcs11.address import TokenAddress, read_address

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
        open_token: address and known serial number to a `keys.pkcs11.token.Token`.
    """
    token: Token | None = None
    try:
        greeting = frames.receive(connection)
        try:
            token = open_token(read_address(greeting["uri"]), serial=greeting["serial"])
        except KeysError as error:
            frames.send(connection, {"code": error.code, "text": str(error)})
            return
        frames.send(connection, {"ready": True})
        while True:
            request = frames.receive(connection)
            frames.send(connection, {"id": request["id"], **_answer(token, request)})
    except (EOFError, OSError):
        return
    finally:
        if token is not None:
            token.close()


def _answer(token: "Token", request: Mapping[str, Any]) -> dict[str, Any]:
    if request["do"] not in OPERATIONS:
        raise ValueError("no such operation")
    try:
        value = getattr(token, request["do"])(**request["with"])
    except KeysError as error:
        return {"code": error.code, "text": str(error), "serial": token.serial}
    return {"value": value, "serial": token.serial}


def open_token(address: TokenAddress, *, serial: str | None) -> "Token":
    """The token; loads PyKCS11.

    Raises:
        Pkcs11Missing: it is not installed.
    """
    try:
        from keys.pkcs11.token import Token
    except ImportError as error:
        raise Pkcs11Missing("PyKCS11 is missing: pip install 'certsvc[hsm]'") from error
    return Token(address, serial=serial)


def main() -> int:
    """Serves the socket that is file descriptor 0."""
    # Ctrl-C at a terminal is for the service; the agent ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=0) as connection:
        serve(connection, open_token)
    return 0


if __name__ == "__main__":
    sys.exit(main())
