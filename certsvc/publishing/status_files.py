"""Where a status list stands: every version a file for ever the same, and a pointer to the newest.

::

    status/<uscc>/<list_no>                                  the pointer: a copy of the newest
    status/<uscc>/versions/<list_no>/<version>-<iat>-<hash>  each version as it was signed
    status/<uscc>/lists.json                                 the addresses of all lists

A version is written before the pointer moves, so a crash between them leaves a file that nobody
was told of.
"""

import hashlib
import logging
import re

from certsvc.publishing.errors import StatusRollback, TreeUnreadable
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk import statuslist
from certsvc_sdk.errors import StatusListInvalid
from certsvc_sdk.statuslist import StatusBits, StatusListToken
from certsvc_sdk.strict import dumps

log = logging.getLogger("certsvc.publishing")

AGGREGATION = "lists.json"
#: Versions that stay, the newest among them: a trace, and whole copies beside a damaged pointer.
KEPT_VERSIONS = 16
#: Seconds after which a version goes even so: it has expired, nobody may use it.
KEPT_SECONDS = 24 * 3600

_VERSION = re.compile(r"([0-9]{1,19})-([0-9]{1,19})-[0-9a-f]{16}")


class StatusFiles:
    """The files of one list; call it inside `PublishedTree.exclusive`.

    Args:
        tree: where they stand.
        base_url: the tree's own address, ends in `/`.
        uscc: the issuer's code in the address.
        list_no: number of the list.
    """

    def __init__(self, tree: PublishedTree, base_url: str, uscc: str, list_no: int) -> None:
        self._tree = tree
        self._base_url = base_url
        self._folder = f"status/{uscc}"
        self._versions = f"{self._folder}/versions/{list_no}"
        self.pointer = f"{self._folder}/{list_no}"
        self.uri = f"{base_url}{self.pointer}"

    def current(self) -> bytes | None:
        """What the pointer shows, or None.

        Raises:
            TreeUnreadable: it is there and cannot be read.
        """
        return self._tree.read(self.pointer)

    def published(self) -> StatusListToken | None:
        """What the pointer shows, taken apart.

        Raises:
            TreeUnreadable: it is no status list.
        """
        data = self.current()
        if data is None:
            return None
        try:
            return statuslist.read(data.decode("ascii"))
        except (UnicodeDecodeError, StatusListInvalid) as error:
            raise TreeUnreadable(f"{self.pointer} is damaged; restore or remove it") from error

    def refuse_rollback(self, bits: StatusBits, version: int) -> None:
        """Compare a whole list with the published one.

        Raises:
            StatusRollback: a higher version, or other bits of this version, are published, or
                the new list takes something back that is for ever.
            TreeUnreadable: what is published cannot be read, so nothing can be compared.
        """
        known = self.published()
        if known is None or known.version is None:
            return
        if known.version > version:
            raise StatusRollback(f"{self.pointer}: version {known.version} is out, not {version}")
        try:
            before = known.bits()
        except StatusListInvalid as error:
            raise TreeUnreadable(f"{self.pointer} is damaged; restore or remove it") from error
        if known.version == version and before != bits:
            raise StatusRollback(f"{self.pointer}: version {version} is published with other bits")
        if takes_back(before, bits):
            raise StatusRollback(f"{self.pointer}: version {version} would take a revocation back")

    def write_version(self, token: bytes, *, version: int, now: int) -> None:
        """Write a version; its name holds what it is, so that no two share one."""
        name = f"{version}-{now}-{hashlib.sha256(token).hexdigest()[:16]}"
        self._tree.write(f"{self._versions}/{name}", token)

    def move_pointer(self, token: bytes) -> None:
        """Let readers see a version."""
        self._tree.write(self.pointer, token)

    def prune(self, now: int) -> None:
        """Remove versions that are too many or too old; a disk that refuses stops nothing."""
        found = [_VERSION.fullmatch(name) for name in self._tree.names(self._versions)]
        dated = sorted(((int(m[1]), int(m[2]), m[0]) for m in found if m), reverse=True)
        for place, (_version, iat, name) in enumerate(dated):
            if place >= KEPT_VERSIONS or (place > 0 and iat <= now - KEPT_SECONDS):
                try:
                    self._tree.remove(f"{self._versions}/{name}")
                except OSError as error:
                    log.warning("an old status list cannot be removed: %s", error.strerror)

    def aggregate(self) -> None:
        """Write the addresses of all lists (Token Status List, section 9.2)."""
        numbers = sorted(int(name) for name in self._tree.names(self._folder) if name.isdecimal())
        uris = [f"{self._base_url}{self._folder}/{number}" for number in numbers]
        self._tree.write_if_changed(f"{self._folder}/{AGGREGATION}", dumps({"status_lists": uris}))


def takes_back(before: StatusBits, after: StatusBits) -> bool:
    """Whether a list of two bits lacks what an earlier one said for ever: revoked or superseded.

    All entries are compared at once, as one long number: the low bit tells what is for ever.
    """
    if len(after) < len(before) or (before.bits, after.bits) != (2, 2):
        return True
    old, new = (int.from_bytes(one.data, "little") for one in (before, after))
    final = old & int.from_bytes(b"\x55" * len(before.data), "little")
    return bool((old ^ new) & (final | final << 1))
