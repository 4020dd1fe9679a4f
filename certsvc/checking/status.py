"""Published status lists against their signatures, their names and the database."""

import hashlib
import re
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from certsvc.checking.finding import Finding
from certsvc.publishing.errors import PublishingError
from certsvc.publishing.status import PURPOSE
from certsvc.publishing.status_files import AGGREGATION
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.storage.issuers import Issuers
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.status_rows import ListInfo
from certsvc.storage.tables import certificate
from certsvc_sdk import jws, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.statuslist import StatusBits, StatusListToken
from certsvc_sdk.strict import dumps
from keys import KeyStore

FOLDER = "status"
_POINTER = re.compile(rf"{FOLDER}/([0-9A-Z]+)/([0-9]+)")
_VERSION = re.compile(rf"{FOLDER}/([0-9A-Z]+)/versions/([0-9]+)/([0-9]+)-([0-9]+)-([0-9a-f]{{16}})")
_LISTS = re.compile(rf"{FOLDER}/([0-9A-Z]+)/{re.escape(AGGREGATION)}")


class StatusCheck:
    """Checks every file of every list.

    Args:
        engine: the issuer's database.
        tree: the published tree.
        keys: know who signs lists.
        base_url: the published tree's own address, ends in `/`.
    """

    def __init__(
        self, engine: Engine, tree: PublishedTree, keys: KeyStore, *, base_url: str
    ) -> None:
        self._engine = engine
        self._tree = tree
        self._keys = keys
        self._base_url = base_url
        with reading(engine) as connection:
            self._issuers = {one.uscc: one.issuer_id for one in Issuers(connection).all()}

    def missing(self) -> Iterator[Finding]:
        """Lists that the database takes for published and that are not there."""
        for uscc, issuer_id in self._issuers.items():
            for info in self._lists(issuer_id).values():
                path = f"{FOLDER}/{uscc}/{info.list_no}"
                if info.published_version and not self._tree.exists(path):
                    yield Finding("list_invalid", path)

    def file(self, path: str) -> Iterator[Finding]:
        """Check one file."""
        pointer, version = _POINTER.fullmatch(path), _VERSION.fullmatch(path)
        listed = _LISTS.fullmatch(path)
        uscc = next((found[1] for found in (pointer, version, listed) if found), "")
        issuer_id = self._issuers.get(uscc)
        if issuer_id is None:
            yield Finding("file_unexpected", path)
        elif listed:
            if self._tree.read(path) != self._aggregation(uscc):
                yield Finding("list_invalid", path)
        elif pointer:
            yield from self._pointer(path, issuer_id, int(pointer[2]))
        elif version:
            token = self._token(path, issuer_id, f"{FOLDER}/{uscc}/{version[2]}")
            data = self._tree.read(path) or b""
            named = int(version[3]), int(version[4]), version[5]
            digest = hashlib.sha256(data).hexdigest()[:16]
            if token is None or (token.version, token.iat, digest) != named:
                yield Finding("list_invalid", path)

    def _pointer(self, path: str, issuer_id: str, list_no: int) -> Iterator[Finding]:
        token = self._token(path, issuer_id, path)
        info = self._lists(issuer_id).get(list_no)
        if token is None or info is None or token.version is None:
            yield Finding("list_invalid", path)
            return
        # Between the publisher's last two steps the tree is one version ahead of its mark.
        if not info.published_version <= token.version <= info.version:
            yield Finding("list_invalid", f"{path} ({token.version})")
            return
        with reading(self._engine) as connection:
            bits, _version = StatusLists(connection).snapshot(issuer_id, list_no)
        if places := self._wrong(issuer_id, list_no, bits, token):
            yield Finding("list_bits", f"{path} [{', '.join(map(str, places[:5]))}]")

    def _wrong(
        self, issuer_id: str, list_no: int, bits: StatusBits, token: StatusListToken
    ) -> list[int]:
        """Places whose published bits differ from those the version must show."""
        shown = token.bits()
        if len(shown) != len(bits) or shown.bits != bits.bits:
            return [0]
        differ = [
            place
            for start, (one, other) in enumerate(zip(shown.data, bits.data, strict=True))
            if one != other
            for place in range(start * 8 // bits.bits, (start + 1) * 8 // bits.bits)
            if shown.get(place) != bits.get(place)
        ]
        query = sa.select(certificate.c.list_index, certificate.c.list_version).where(
            certificate.c.issuer_id == issuer_id,
            certificate.c.list_no == list_no,
            certificate.c.list_version > (token.version or 0),
        )
        with reading(self._engine) as connection:
            later = {row.list_index for row in connection.execute(query)}
        return [place for place in differ if place not in later]

    def _token(self, path: str, issuer_id: str, pointer: str) -> StatusListToken | None:
        """A list that some status key of the issuer signed for this address; else None."""
        try:
            token = statuslist.read((self._tree.read(path) or b"").decode("ascii"))
            keys = {k.kid: k for k in self._keys.list(issuer_id) if k.purpose == PURPOSE}
            key = keys[str(token.header.get("kid"))]
            jws.require_header(token.header, typ=statuslist.TYP, alg=key.alg)
            public = PublicKey.from_jwk(dict(key.public_jwk), key.alg)
            public.verify(token.compact.signing_input, token.compact.signature)
            token.bits()
        except (CertsvcError, PublishingError, UnicodeDecodeError, KeyError):
            return None
        return token if token.sub == f"{self._base_url}{pointer}" else None

    def _aggregation(self, uscc: str) -> bytes:
        names = self._tree.names(f"{FOLDER}/{uscc}")
        numbers = sorted(int(name) for name in names if name.isdecimal())
        uris = [f"{self._base_url}{FOLDER}/{uscc}/{number}" for number in numbers]
        return dumps({"status_lists": uris})

    def _lists(self, issuer_id: str) -> dict[int, ListInfo]:
        with reading(self._engine) as connection:
            return {info.list_no: info for info in StatusLists(connection).all(issuer_id)}
