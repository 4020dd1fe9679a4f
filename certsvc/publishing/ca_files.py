"""The folder of the certificate authorities: what each is, what it issued and took back.

::

    <name>/authority.json   who it is, and where its key is
    <name>/authority.cer    its certificate
    <name>/list.crl         its newest list of revocations
    <name>/issued/*.cer     every certificate it made, by serial number
    <name>/revoked/*.json   every one it took back

No private key lies in it, so it can be carried to the machine that holds an authority's key, and
back. One file is written for one event, whole and durably: nothing is ever rewritten but the list.
"""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from certsvc.publishing.ca_errors import AuthorityExists, AuthorityMissing
from certsvc.publishing.errors import TreeUnreadable
from certsvc_sdk.durable import replace_file, sync_folder
from certsvc_sdk.errors import ChainMalformed
from certsvc_sdk.x509.limits import MAX_CERTIFICATE, MAX_LIST
from certsvc_sdk.x509.lists import Revocation
from certsvc_sdk.x509.reading import read_certificate

ROOT = "root"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SERIAL = re.compile(r"[0-9a-f]{2,40}")
_VERSION = 1
_MAX_JSON = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityFacts:
    """What does not change in an authority's life.

    Attributes:
        name: in commands and file names.
        parent: the authority that certified it; None: it is the root.
        area: six digits; offices of this division and within it may be certified.
        store: address of the key store that holds its key; None: the installation's own.
        kid: its key.
        base_url: address of the published tree, ends in `/`.
        list_days: life of its lists of revocations.
    """

    name: str
    parent: str | None
    area: str
    store: str | None
    kid: str
    base_url: str
    list_days: int

    @property
    def is_online(self) -> bool:
        """Whether the worker can sign its lists."""
        return self.store is None


class AuthorityFolder:
    """The folder; made with the first authority.

    Args:
        root: its path.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One operator at a time; ends with the block, or with the process.

        Raises:
            OSError: the folder cannot be written.
        """
        _make(self.root)
        with (self.root / ".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def names(self) -> tuple[str, ...]:
        """All authorities, the root first."""
        found = {path.parent.name for path in self.root.glob("*/authority.json")}
        return tuple(sorted(filter(NAME.fullmatch, found), key=lambda one: (one != ROOT, one)))

    def add(self, facts: AuthorityFacts, certificate: bytes, first_list: bytes) -> None:
        """Keep a new authority; the facts are written last and say that it is complete.

        Raises:
            AuthorityExists: one of this name stands there.
            OSError: it cannot be written.
        """
        place = self.place(facts.name)
        if (place / "authority.json").exists():
            raise AuthorityExists(f"there is an authority {facts.name!r} already")
        for folder in (place, place / "issued", place / "revoked"):
            _make(folder)
        replace_file(place / "authority.cer", certificate, mode=0o644)
        replace_file(place / "list.crl", first_list, mode=0o644)
        _write_json(place / "authority.json", {"version": _VERSION, **asdict(facts)})

    def facts(self, name: str) -> AuthorityFacts:
        """Who an authority is.

        Raises:
            AuthorityMissing: there is none of this name.
            TreeUnreadable: its file is damaged.
        """
        members = _read_json(self.place(name) / "authority.json")
        if members.pop("version", None) != _VERSION:
            raise TreeUnreadable(f"authority {name} is of an unknown version")
        try:
            facts = AuthorityFacts(**members)
        except TypeError as error:
            raise TreeUnreadable(f"the file of authority {name} is damaged") from error
        if facts.name != name:
            raise TreeUnreadable(f"the file of authority {name} belongs to another one")
        return facts

    def certificate(self, name: str) -> bytes:
        """An authority's certificate, DER.

        Raises:
            AuthorityMissing, TreeUnreadable: as `facts`.
        """
        return _read_certificate(self.place(name) / "authority.cer")

    def list(self, name: str) -> bytes:
        """An authority's newest list, DER.

        Raises:
            AuthorityMissing, TreeUnreadable: as `facts`.
        """
        return _read(self.place(name) / "list.crl", MAX_LIST)

    def put_list(self, name: str, data: bytes) -> None:
        """Replace an authority's list.

        Raises:
            OSError: it cannot be written; the old one stands.
        """
        replace_file(self.place(name) / "list.crl", data, mode=0o644)

    def issued(self, name: str) -> dict[int, bytes]:
        """All certificates that an authority made, DER by serial number.

        Raises:
            TreeUnreadable: one is damaged or misplaced.
        """
        paths = sorted((self.place(name) / "issued").glob("*.cer"))
        found = {_serial_of(path): _read_certificate(path) for path in paths}
        if any(read_certificate(data).serial_number != serial for serial, data in found.items()):
            raise TreeUnreadable(f"a certificate of authority {name} is misplaced")
        return found

    def put_issued(self, name: str, serial: int, data: bytes) -> None:
        """Keep a certificate, before anybody else gets it.

        Raises:
            AuthorityExists: the serial number was used before.
            OSError: it cannot be written.
        """
        path = self.place(name) / "issued" / f"{serial:x}.cer"
        if path.exists():
            raise AuthorityExists("the serial number was used before")
        replace_file(path, data, mode=0o644)

    def revoked(self, name: str) -> tuple[Revocation, ...]:
        """What operators took back, as they said it.

        Raises:
            TreeUnreadable: a file is damaged.
        """
        paths = sorted((self.place(name) / "revoked").glob("*.json"))
        try:
            return tuple(
                Revocation(**{**_read_json(path), "serial": _serial_of(path)}) for path in paths
            )
        except TypeError as error:
            raise TreeUnreadable(f"a revocation of authority {name} is damaged") from error

    def put_revoked(self, name: str, revocation: Revocation) -> None:
        """Keep a revocation; a later one for the same certificate replaces it.

        Raises:
            OSError: it cannot be written.
        """
        members = asdict(revocation)
        del members["serial"]
        _write_json(self.place(name) / "revoked" / f"{revocation.serial:x}.json", members)

    def place(self, name: str) -> Path:
        """The folder of one authority.

        Raises:
            AuthorityMissing: that cannot be a name.
        """
        if not NAME.fullmatch(name):
            raise AuthorityMissing(f"{name[:40]!r} is no name of an authority")
        return self.root / name


def _serial_of(path: Path) -> int:
    if not _SERIAL.fullmatch(path.stem):
        raise TreeUnreadable(f"{path.name[:60]!r} is not named for a serial number")
    return int(path.stem, 16)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise AuthorityMissing(f"there is no {path.parent.name}/{path.name}") from error
    except OSError as error:
        raise TreeUnreadable(f"{path.parent.name}/{path.name} cannot be read") from error
    if len(data) > limit:
        raise TreeUnreadable(f"{path.parent.name}/{path.name} is impossibly large")
    return data


def _read_certificate(path: Path) -> bytes:
    data = _read(path, MAX_CERTIFICATE)
    try:
        read_certificate(data)
    except ChainMalformed as error:
        raise TreeUnreadable(f"{path.parent.name}/{path.name} is damaged") from error
    return data


def _read_json(path: Path) -> dict[str, Any]:
    try:
        members = json.loads(_read(path, _MAX_JSON))
    except (ValueError, RecursionError) as error:
        raise TreeUnreadable(f"{path.parent.name}/{path.name} is damaged") from error
    if not isinstance(members, dict):
        raise TreeUnreadable(f"{path.parent.name}/{path.name} is damaged")
    return members


def _write_json(path: Path, members: dict[str, object]) -> None:
    text = json.dumps(members, ensure_ascii=False, indent=1, sort_keys=True)
    replace_file(path, text.encode() + b"\n", mode=0o644)
