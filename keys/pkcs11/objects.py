"""Objects of a token: templates, attributes, and which handles the records have."""

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import PyKCS11

from keys.errors import StoreBusy
from keys.pkcs11.session import HANDLES_LOST

Session: TypeAlias = PyKCS11.Session
Handle: TypeAlias = PyKCS11.CK_OBJECT_HANDLE
#: Kinds of records, as CKA_APPLICATION writes them.
KINDS = ("certsvc key", "certsvc data")
# Handles are searched anew after so many seconds: a search takes as long as there are objects.
# What is known is read afresh each time, so that a change of state shows at once.
_SEARCH_SECONDS = 1.0
_READ_ATTEMPTS = 5


def template(**attributes: object) -> list[tuple[int, object]]:
    """Attributes by their names without `CKA_`."""
    spelt: list[tuple[int, object]] = []
    for name, value in attributes.items():
        if isinstance(value, bool):
            value = PyKCS11.CK_TRUE if value else PyKCS11.CK_FALSE
        spelt.append((getattr(PyKCS11, f"CKA_{name}"), value))
    return spelt


def values(session: Session, handle: Handle, *names: str) -> list[Any]:
    """Attributes of an object, in order."""
    asked = [getattr(PyKCS11, f"CKA_{name}") for name in names]
    found: list[Any] = session.getAttributeValue(handle, asked)
    return found


def search(session: Session, which: list[tuple[int, object]]) -> list[Handle]:
    """Objects with these attributes; a search without a login finds nothing and says no word.

    Raises:
        PyKCS11Error: somebody has logged us out.
    """
    found: list[Handle] = session.findObjects(which)
    if session.getSessionInfo().state != PyKCS11.CKS_RW_USER_FUNCTIONS:
        raise PyKCS11.PyKCS11Error(PyKCS11.CKR_USER_NOT_LOGGED_IN)
    return found


def private_keys(session: Session, **attributes: object) -> list[Handle]:
    """Private keys with these attributes."""
    return search(session, template(CLASS=PyKCS11.CKO_PRIVATE_KEY, **attributes))


class ObjectIndex:
    """Handles of the records by kind and label, for one session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._labels: dict[tuple[str, int], str] = {}
        self._handles: dict[tuple[str, int], Any] = {}
        self._searched: float | None = None

    def refresh(self, session: Session) -> None:
        """Searches all records.

        Raises:
            PyKCS11Error: all that was known is gone, so that the token must be looked at anew.
        """
        handles, labels = {}, {}
        for kind in KINDS:
            found = search(session, template(CLASS=PyKCS11.CKO_DATA, APPLICATION=kind))
            for handle in found:
                place = (kind, handle.value())
                handles[place] = handle
                known = self._labels.get(place)
                labels[place] = known or str(values(session, handle, "LABEL")[0])
        if self._handles and not handles:
            raise PyKCS11.PyKCS11Error(PyKCS11.CKR_TOKEN_NOT_RECOGNIZED)
        self._handles, self._labels = handles, labels
        self._searched = self._clock()

    def any(self, session: Session, kind: str | None = None) -> bool:
        """Whether there is a record, of the kind or of any."""
        self.refresh(session)
        return any(kind in (None, each) for each, _ in self._handles)

    def add(self, kind: str, label: str, handle: Handle) -> None:
        """A record that this session has made."""
        self._handles[kind, handle.value()] = handle
        self._labels[kind, handle.value()] = label

    def handles(self, session: Session, kind: str, label: str) -> list[tuple[Any, bytes]]:
        """Handle and value of each record under the label."""
        places = [each for each, name in self._labels.items() if (each[0], name) == (kind, label)]
        handles = [self._handles[each] for each in places]
        return [(each, bytes(values(session, each, "VALUE")[0] or b"")) for each in handles]

    def read(
        self, session: Session, kind: str, wanted: Callable[[str], bool]
    ) -> list[tuple[str, bytes]]:
        """Label and value of each record, read now; handles that are gone are searched anew.

        Raises:
            StoreBusy: records were replaced faster than they could be read.
        """
        if self._searched is None or self._clock() - self._searched > _SEARCH_SECONDS:
            self.refresh(session)
        for _ in range(_READ_ATTEMPTS):
            labels = {label for (each, _), label in self._labels.items() if each == kind}
            try:
                return [
                    (label, value)
                    for label in sorted(filter(wanted, labels))
                    for _, value in self.handles(session, kind, label)
                ]
            except PyKCS11.PyKCS11Error as error:
                if error.value not in HANDLES_LOST:
                    raise
                self.refresh(session)
        raise StoreBusy("records are being replaced too fast to be read")
