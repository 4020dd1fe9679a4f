"""Leaves of the log: one event of one certificate each, canonical JSON without personal data.

The leaf of an issue is computed from the token alone, so who holds a certificate can ask for its
place by the hash. Status events are chained: each names its predecessor's hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from certsvc_sdk import jws, strict
from certsvc_sdk.algorithms import is_kid
from certsvc_sdk.errors import LogLeafInvalid, Malformed
from certsvc_sdk.log import merkle
from certsvc_sdk.strict import Json

VERSION: Final = 1
# Addresses have 2,048 characters at most; an entry bundle could carry 65,535 bytes.
MAX_LEAF: Final = 8 * 1024
#: `event` of the leaf that stands for an issue.
ISSUED: Final = "issued"

_WHAT = "leaf"
_ISSUED_MEMBERS = frozenset(
    {"certificate_identifier", "event", "iat", "iss", "kid", "sha256", "v", "vct"}
)
_CHANGED_MEMBERS = frozenset({"at", "certificate_identifier", "event", "iss", "prev", "seq", "v"})


class Event(StrEnum):
    """What happens to a certificate after its issue."""

    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


#: After these nothing follows: what ended is not brought back.
FINAL_EVENTS: Final = frozenset({Event.REVOKED, Event.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate was issued.

    Attributes:
        certificate_identifier: 电子证照标识.
        iat: as in the token, Unix seconds.
        iss: issuer identifier, as in the token.
        kid: key that signed, as in the token's header.
        sha256: SHA-256 of the signing input `header.payload`, 32 bytes.
        vct: type with version, as in the token.
    """

    certificate_identifier: str
    iat: int
    iss: str
    kid: str
    sha256: bytes
    vct: str

    def to_bytes(self) -> bytes:
        """Return the exact bytes of the leaf.

        Raises:
            LogLeafInvalid: a member has no such form, or the leaf is too long.
        """
        return _written(
            {
                "certificate_identifier": self.certificate_identifier,
                "event": ISSUED,
                "iat": self.iat,
                "iss": self.iss,
                "kid": self.kid,
                "sha256": strict.b64u_encode(self.sha256),
                "v": VERSION,
                "vct": self.vct,
            }
        )

    @property
    def hash(self) -> bytes:
        """The leaf's hash, 32 bytes."""
        return merkle.leaf_hash(self.to_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A certificate's status changed.

    Attributes:
        at: when, Unix seconds.
        certificate_identifier: 电子证照标识.
        event: what happened.
        iss: issuer identifier.
        prev: hash of the certificate's leaf before, 32 bytes.
        seq: 1 for the first change, then one more each.
    """

    at: int
    certificate_identifier: str
    event: Event
    iss: str
    prev: bytes
    seq: int

    def to_bytes(self) -> bytes:
        """Return the exact bytes of the leaf.

        Raises:
            LogLeafInvalid: a member has no such form, or the leaf is too long.
        """
        return _written(
            {
                "at": self.at,
                "certificate_identifier": self.certificate_identifier,
                "event": self.event.value,
                "iss": self.iss,
                "prev": strict.b64u_encode(self.prev),
                "seq": self.seq,
                "v": VERSION,
            }
        )

    @property
    def hash(self) -> bytes:
        """The leaf's hash, 32 bytes."""
        return merkle.leaf_hash(self.to_bytes())


def issued_of(signing_input: bytes) -> Issued:
    """Return the leaf of a certificate's issue, computed from its token.

    Args:
        signing_input: ASCII `header.payload`.

    Raises:
        LogLeafInvalid: the token lacks what a leaf says.
    """
    what = "token"
    try:
        compact = jws.parse(signing_input + b".")
        payload = strict.loads_object(compact.payload, max_bytes=strict.MAX_TOKEN, what=what)
        return Issued(
            certificate_identifier=strict.text(payload, "certificate_identifier", what),
            iat=strict.integer(payload, "iat", what),
            iss=strict.text(payload, "iss", what),
            kid=strict.text(compact.header, "kid", what),
            sha256=sha256(compact.signing_input).digest(),
            vct=strict.text(payload, "vct", what),
        )
    except Malformed as error:
        raise LogLeafInvalid(f"no leaf can be made: {error}") from error


def read_leaf(data: bytes) -> Issued | Changed:
    """Read a leaf; only the bytes that its writer would write are one.

    Raises:
        LogLeafInvalid: anything unknown, missing or not canonical.
    """
    try:
        obj = strict.loads_object(data, max_bytes=MAX_LEAF, what=_WHAT)
        if strict.integer(obj, "v", _WHAT) != VERSION:
            raise Malformed("a leaf of another version")
        leaf = _read_issued(obj) if obj.get("event") == ISSUED else _read_changed(obj)
    except Malformed as error:
        raise LogLeafInvalid(str(error)) from error
    if leaf.to_bytes() != data:
        raise LogLeafInvalid("the leaf is not canonical")
    return leaf


def _read_issued(obj: Mapping[str, Json]) -> Issued:
    _only(obj, _ISSUED_MEMBERS)
    kid = strict.text(obj, "kid", _WHAT)
    if not is_kid(kid):
        raise Malformed("the leaf's kid breaks its grammar")
    return Issued(
        certificate_identifier=strict.text(obj, "certificate_identifier", _WHAT),
        iat=_from(obj, "iat", 0),
        iss=strict.text(obj, "iss", _WHAT),
        kid=kid,
        sha256=_hash(obj, "sha256"),
        vct=strict.text(obj, "vct", _WHAT),
    )


def _read_changed(obj: Mapping[str, Json]) -> Changed:
    _only(obj, _CHANGED_MEMBERS)
    event = strict.text(obj, "event", _WHAT)
    if event not in set(Event):
        raise Malformed("the leaf's event is unknown")
    return Changed(
        at=_from(obj, "at", 0),
        certificate_identifier=strict.text(obj, "certificate_identifier", _WHAT),
        event=Event(event),
        iss=strict.text(obj, "iss", _WHAT),
        prev=_hash(obj, "prev"),
        seq=_from(obj, "seq", 1),
    )


def _only(obj: Mapping[str, Json], names: frozenset[str]) -> None:
    if obj.keys() != names:
        raise Malformed("the leaf's members are not those of its event")


def _from(obj: Mapping[str, Json], name: str, least: int) -> int:
    value = strict.integer(obj, name, _WHAT)
    if value < least:
        raise Malformed(f"the leaf's {name} is too small")
    return value


def _hash(obj: Mapping[str, Json], name: str) -> bytes:
    value = strict.b64u_decode(strict.text(obj, name, _WHAT), what=name)
    if len(value) != merkle.HASH_BYTES:
        raise Malformed(f"the leaf's {name} is not a hash")
    return value


def _written(obj: Mapping[str, Json]) -> bytes:
    # Members are given in sorted order above.
    try:
        leaf = strict.dumps(obj)
    except Malformed as error:
        raise LogLeafInvalid(f"no leaf can be made: {error}") from error
    if len(leaf) > MAX_LEAF:
        raise LogLeafInvalid(f"a leaf has at most {MAX_LEAF} bytes")
    return leaf
