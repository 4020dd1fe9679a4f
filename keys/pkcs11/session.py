"""One logged-in session of a token: opened on first use, and once more where it was lost.

Only the agent imports this module, and with it PyKCS11.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import PyKCS11

from keys import disk
from keys.errors import (
    KeysError,
    KeyUnknown,
    PinLocked,
    PinSourceInvalid,
    PinWrong,
    StoreUnavailable,
    TokenAmbiguous,
    TokenChanged,
    TokenFull,
    TokenUnknown,
)
from keys.pkcs11.address import TokenAddress

# SoftHSM writes the token's file anew at each login, and not all at once: for other processes the
# token is broken or gone for a moment.
_LOOKS = 5
_LOOK_PAUSE = 0.05
Answer = TypeVar("Answer")
#: Handles of objects that somebody removed, or that a logout has closed.
HANDLES_LOST = frozenset({PyKCS11.CKR_OBJECT_HANDLE_INVALID, PyKCS11.CKR_KEY_HANDLE_INVALID})
_SESSION_LOST = frozenset(
    {
        PyKCS11.CKR_USER_NOT_LOGGED_IN,
        PyKCS11.CKR_SESSION_HANDLE_INVALID,
        PyKCS11.CKR_SESSION_CLOSED,
        PyKCS11.CKR_CRYPTOKI_NOT_INITIALIZED,
        PyKCS11.CKR_TOKEN_NOT_PRESENT,
        PyKCS11.CKR_TOKEN_NOT_RECOGNIZED,
        PyKCS11.CKR_DEVICE_REMOVED,
        PyKCS11.CKR_DEVICE_ERROR,
        PyKCS11.CKR_GENERAL_ERROR,
        PyKCS11.CKR_FUNCTION_FAILED,
        PyKCS11.CKR_OPERATION_ACTIVE,
        PyKCS11.CKR_OPERATION_NOT_INITIALIZED,
    }
)
_FULL = frozenset({PyKCS11.CKR_DEVICE_MEMORY, PyKCS11.CKR_HOST_MEMORY})
_PIN_REFUSED = frozenset(
    {
        PyKCS11.CKR_PIN_INCORRECT,
        PyKCS11.CKR_PIN_INVALID,
        PyKCS11.CKR_PIN_LEN_RANGE,
        PyKCS11.CKR_PIN_EXPIRED,
    }
)


class TokenSession:
    """The session, and the one retry after a new login.

    Args:
        address: which token, and where its PIN stands.
        seen: serial number and identity that the token showed before; another one is refused.
    """

    def __init__(self, address: TokenAddress, *, seen: Sequence[str | None] = (None, None)) -> None:
        self._address = address
        self.seen = list(seen)
        self._library: Any = None
        self._slot = 0
        self._session: PyKCS11.Session = None

    def attempt(self, work: Callable[[Any], Answer]) -> Answer:
        """Does the work with a session; once more, in a new session, where the first was lost.

        Raises:
            KeysError: the token refuses, or is not there.
        """
        try:
            return work(self._opened())
        except PyKCS11.PyKCS11Error as error:
            if error.value not in HANDLES_LOST | _SESSION_LOST:
                raise _translated(error) from error
            self.close()
        try:
            return work(self._opened())
        except PyKCS11.PyKCS11Error as error:
            self.close()
            raise _translated(error) from error

    def mechanisms(self) -> frozenset[int]:
        """What the token offers."""
        return self.attempt(lambda _: frozenset(self._mechanisms()))

    def close(self) -> None:
        """Forgets the session and the library's state; whatever the token says to that."""
        session, library = self._session, self._library
        self._session = self._library = None
        for end in (session and session.closeSession, library and library.unload):
            try:
                if end:
                    end()
            except PyKCS11.PyKCS11Error:
                continue  # it is gone already

    def identity(self, session: PyKCS11.Session) -> str | None:
        """What only this token can say of itself; None before it holds anything."""
        raise NotImplementedError

    def forget(self) -> None:
        """What was learnt in the last session is void; called when a session opens."""

    def _mechanisms(self) -> list[int]:
        return [PyKCS11.CKM[name] for name in self._library.getMechanismList(self._slot)]

    def _opened(self) -> PyKCS11.Session:
        if self._session is not None:
            return self._session
        for look in range(1, _LOOKS + 1):
            self.forget()
            try:
                self._open()
                break
            except (KeysError, PyKCS11.PyKCS11Error) as error:
                self.close()
                if look == _LOOKS or not _passing(error):
                    raise
                time.sleep(look * _LOOK_PAUSE)
        return self._session

    def _open(self) -> None:
        self._load()
        self._slot, info = self._find()
        serial = info.serialNumber.rstrip(" \0")
        if self.seen[0] not in (None, serial):
            raise TokenChanged(f"the token has serial number {serial} now")
        if info.flags & (PyKCS11.CKF_USER_PIN_LOCKED | PyKCS11.CKF_USER_PIN_FINAL_TRY):
            raise PinLocked("the PIN is locked, or one wrong try away from it")
        session = self._library.openSession(self._slot, PyKCS11.CKF_RW_SESSION)
        self._login(session)
        self.seen[0] = serial
        self._remember(self.identity(session))
        self._session = session

    def _load(self) -> None:
        self._library = PyKCS11.PyKCS11Lib()
        try:
            self._library.load(str(self._address.module))
        except PyKCS11.PyKCS11Error as error:
            self._library = None
            if error.value < 0:
                raise TokenUnknown("the PKCS#11 module does not load") from error
            raise

    def _remember(self, identity: str | None) -> None:
        """Serial numbers and labels outlive an initialisation, keys do not."""
        if self.seen[1] not in (None, identity):
            raise TokenChanged("the token was initialised anew, or lost its keys")
        self.seen[1] = identity

    def _find(self) -> tuple[int, Any]:
        fitting = []
        for slot in self._library.getSlotList(tokenPresent=True):
            info = self._library.getTokenInfo(slot)
            says = {
                "token": info.label,
                "serial": info.serialNumber,
                "manufacturer": info.manufacturerID,
                "model": info.model,
            }
            wanted = self._address.wanted
            fits = all(says[name].rstrip(" \0") == value for name, value in wanted.items())
            if fits and info.flags & PyKCS11.CKF_TOKEN_INITIALIZED:
                fitting.append((slot, info))
        if not fitting:
            raise TokenUnknown("the PKCS#11 module has no such token")
        if len(fitting) > 1:
            raise TokenAmbiguous(f"{len(fitting)} tokens fit the URI: add serial=")
        return fitting[0]

    def _login(self, session: PyKCS11.Session) -> None:
        pin = read_pin(self._address)
        try:
            session.login(pin)
        except PyKCS11.PyKCS11Error as error:
            if error.value == PyKCS11.CKR_USER_ALREADY_LOGGED_IN:
                return
            if error.value == PyKCS11.CKR_PIN_LOCKED:
                raise PinLocked("the token has locked the PIN") from None
            if error.value in _PIN_REFUSED:
                raise PinWrong("the token refused the PIN") from None
            raise


def read_pin(address: TokenAddress) -> str:
    """The PIN, read at each login and kept nowhere.

    Raises:
        PinSourceInvalid: there is none, or it is empty.
        KeyFileError: the file is open to others, a link, or another user's.
    """
    try:
        if address.pin_file is not None:
            pin = disk.read(address.pin_file)[0].decode().rstrip("\r\n")
        else:
            pin = os.environ.get(address.pin_variable or "", "")
    except (KeyUnknown, UnicodeDecodeError) as error:
        raise PinSourceInvalid("the PIN's file is missing or no text") from error
    if not pin:
        raise PinSourceInvalid("the PIN's file or variable is empty or not set")
    return pin


def _passing(error: Exception) -> bool:
    """Whether a token that did not open may open a moment later; never after a refused PIN."""
    if isinstance(error, PyKCS11.PyKCS11Error):
        return error.value in _SESSION_LOST
    return isinstance(error, TokenUnknown)


def _translated(error: PyKCS11.PyKCS11Error) -> KeysError:
    if error.value in _FULL:
        return TokenFull(f"the token has no room: {error}")
    return StoreUnavailable(f"the token answered {error}")
