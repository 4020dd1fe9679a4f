"""An agent whose token misbehaves: the first argument says how. Real token, real library."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import PyKCS11

from keys.pkcs11.address import TokenAddress
from keys.pkcs11.agent import serve
from keys.pkcs11.token import Token

#: Requests between two forced logouts.
LOGOUT_EACH = 7


class Logout(Token):
    """Somebody logs everybody out now and then, as a token does that was unplugged for a moment."""

    requests = 0

    def attempt(self, work):  # type: ignore[no-untyped-def]
        self.requests += 1
        if self._session is not None and self.requests % LOGOUT_EACH == 0:
            self._session.logout()
        return super().attempt(work)


class Garbage(Token):
    """One bit of each signature is wrong, as after a fault in the chip."""

    def sign(self, *arguments, **more):  # type: ignore[no-untyped-def]
        signature = super().sign(*arguments, **more)
        return signature and signature[:-1] + bytes([signature[-1] ^ 1])


class Foreign(Token):
    """Signs something else than it was asked for."""

    def sign(self, *, data, **more):  # type: ignore[no-untyped-def]
        return super().sign(data=bytes(len(data)), **more)


class Hang(Token):
    """Signing never ends."""

    def sign(self, **_):  # type: ignore[no-untyped-def]
        threading.Event().wait()


class Crash(Token):
    """The library takes its process along."""

    def sign(self, **_):  # type: ignore[no-untyped-def]
        os.kill(os.getpid(), signal.SIGSEGV)


class Errors(Token):
    """Each call fails, whatever the session."""

    def attempt(self, work):  # type: ignore[no-untyped-def]
        def broken(session):  # type: ignore[no-untyped-def]
            raise PyKCS11.PyKCS11Error(PyKCS11.CKR_DEVICE_ERROR)

        return super().attempt(broken)


class Full(Token):
    """No room for another object."""

    def create(self, **_):  # type: ignore[no-untyped-def]
        def broken(session):  # type: ignore[no-untyped-def]
            raise PyKCS11.PyKCS11Error(PyKCS11.CKR_DEVICE_MEMORY)

        self.attempt(broken)


class Nonsense(Token):
    """Answers what no frame can carry."""

    def sign(self, **_):  # type: ignore[no-untyped-def]
        return {1, 2}


class LowTries(Token):
    """Says that one more wrong PIN locks it; writes down each login."""

    def _find(self):  # type: ignore[no-untyped-def]
        slot, info = super()._find()
        info.flags |= PyKCS11.CKF_USER_PIN_FINAL_TRY
        return slot, info


class Counting(Token):
    """Writes one byte for each login into the file of the second argument."""

    def _login(self, session):  # type: ignore[no-untyped-def]
        with Path(sys.argv[2]).open("a") as file:
            file.write("1")
        super()._login(session)


KINDS = {
    kind.__name__.lower(): kind
    for kind in (
        Logout,
        Garbage,
        Foreign,
        Hang,
        Crash,
        Errors,
        Full,
        Nonsense,
        LowTries,
        Counting,
    )
}


def open_token(address: TokenAddress, *, seen: list[str | None]) -> Token:
    return KINDS[sys.argv[1]](address, seen=seen)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=0) as connection:
        serve(connection, open_token)
