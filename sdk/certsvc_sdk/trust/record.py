"""One issuer's record in the trust repository: who it is, its keys, what it may issue, and where.

Unknown members are refused: a reader that skipped a restriction would accept too much, so anything
new is a new version (docs/wire-formats.md, Trust record).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from certsvc_sdk.errors import AlgorithmNotAllowed, KeyFormatInvalid, Malformed, TrustInvalid
from certsvc_sdk.strict import Json, dumps, integer, loads_object, members, text
from certsvc_sdk.trust.fields import objects, only, text_or_null, texts
from certsvc_sdk.trust.keyrecord import KeyRecord, KeyState, KeyUse, read_key
from certsvc_sdk.trust.right import Right, division_within, read_right
from certsvc_sdk.trust.urls import parse_url, under_prefix

__all__ = [
    "IssuerRecord",
    "KeyRecord",
    "KeyState",
    "KeyUse",
    "Level",
    "Right",
    "division_within",
    "issuer_target",
    "parse_record",
    "split_iss",
    "under_prefix",
]

RECORD_VERSION = 1
# Some dozens of keys and rights of 300 bytes each; above this somebody is playing.
MAX_RECORD = 256 * 1024
# A name stands on one line of the clerk's page.
MAX_NAME = 200

_WHAT = "issuer record"
_MEMBERS = frozenset(
    {
        "version",
        "iss",
        "uscc",
        "division",
        "names",
        "level",
        "keys",
        "rights",
        "status_prefix",
        "status_aggregation",
        "log_origin",
        "aliases",
        "mirrors",
        "successor",
    }
)
# GB 32100: letters without I O S V Z; characters 3-8 are the division, digits only.
_ISS_PATH = re.compile(r"(?:/[^/]+)*/i/([0-9A-HJ-NP-RTUWXY]{2}([0-9]{6})[0-9A-HJ-NP-RTUWXY]{10})")
# A signed note's origin (C2SP): one line without spaces or plus signs.
_LOG_ORIGIN = re.compile(r"[A-Za-z0-9._/:-]{1,200}")


class Level(StrEnum):
    """Administrative level of an issuer."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRecord:
    """All that a verifier believes about an issuer.

    Attributes:
        iss: identifier, `https://<host>/i/<USCC>`.
        uscc: unified social credit code, 18 characters.
        division: characters 3-8 of the USCC; the place of issue.
        names: by language, `zh` and `en`; what a clerk sees.
        level: administrative level.
        keys: every key a living certificate may need, retired ones too.
        rights: what it may issue.
        status_prefix: every status list lies under it; ends in `/`.
        status_aggregation: address of the JSON list of its status lists, or None.
        log_origin: name of its transparency log, or None.
        aliases: former identifiers.
        mirrors: further base addresses of what it publishes, former hosts among them.
        successor: identifier of the office that took over, or None.
    """

    iss: str
    uscc: str
    division: str
    names: Mapping[str, str]
    level: Level
    keys: tuple[KeyRecord, ...]
    rights: tuple[Right, ...]
    status_prefix: str
    status_aggregation: str | None
    log_origin: str | None = None
    aliases: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    successor: str | None = None

    def answers_to(self, iss: str) -> bool:
        """Whether `iss` is this issuer's identifier, or a former one of it; exact text compare."""
        return iss == self.iss or iss in self.aliases

    def key(self, kid: str, use: str) -> KeyRecord | None:
        """The key of that id, if it serves that use; whether it may sign *then* is not asked."""
        for key in self.keys:
            if key.kid == kid and key.use == use:
                return key
        return None

    def right(self, vct: str, at: int, division: str) -> Right | None:
        """The right that allows a certificate.

        Args:
            vct: type of the certificate with its version, as in the token.
            at: Unix seconds to judge by.
            division: six digits, the place of issue.
        """
        unversioned = vct.rpartition("/")[0]
        for right in self.rights:
            if right.covers(vct=unversioned, at=at, division=division):
                return right
        return None

    def allows(self, vct: str, at: int, division: str, validity: int | None) -> bool:
        """Whether some right allows a certificate of that length; see `right`.

        Args:
            vct: type of the certificate with its version, as in the token.
            at: Unix seconds to judge by.
            division: six digits, the place of issue.
            validity: seconds from issue to end; None: without end.
        """
        unversioned = vct.rpartition("/")[0]
        for right in self.rights:
            if right.covers(vct=unversioned, at=at, division=division) and right.admits(validity):
                return True
        return False

    def status_address(self, uri: str) -> str | None:
        """Where a token's list is read now, also one of a former host; None: not this issuer's."""
        if under_prefix(uri, self.status_prefix):
            return uri
        folder = self.status_prefix.removeprefix(self.iss.removesuffix(f"i/{self.uscc}"))
        for former in (f"{mirror}{folder}" for mirror in self.mirrors):
            if under_prefix(uri, former) and uri.startswith(former):
                return self.status_prefix + uri.removeprefix(former)
        return None

    @property
    def uses_loopback(self) -> bool:
        """Some address is plain http to loopback: believed only where `env` is demo."""
        optional = (self.status_aggregation, self.successor)
        present = [address for address in optional if address is not None]
        addresses = (self.iss, self.status_prefix, *self.aliases, *self.mirrors, *present)
        parsed = (parse_url(address) for address in addresses)
        return any(url is not None and url.is_loopback_http for url in parsed)

    def to_json(self) -> dict[str, Json]:
        """The JSON object of the target, members in the documented order."""
        return {
            "version": RECORD_VERSION,
            "iss": self.iss,
            "uscc": self.uscc,
            "division": self.division,
            "names": dict(self.names),
            "level": self.level.value,
            "keys": [key.to_json() for key in self.keys],
            "rights": [right.to_json() for right in self.rights],
            "status_prefix": self.status_prefix,
            "status_aggregation": self.status_aggregation,
            "log_origin": self.log_origin,
            "aliases": list(self.aliases),
            "mirrors": list(self.mirrors),
            "successor": self.successor,
        }

    def to_bytes(self) -> bytes:
        """The target's bytes."""
        return dumps(self.to_json())


def issuer_target(iss: str) -> str:
    """Path of an issuer's record in the repository, found from `iss` alone.

    Args:
        iss: `https://<host>/i/<USCC>`.

    Returns:
        `issuers/<division>/<USCC>.json`, division being characters 3-8 of the USCC.

    Raises:
        Malformed: `iss` has another shape.
    """
    uscc, division = split_iss(iss)
    return f"issuers/{division}/{uscc}.json"


def split_iss(iss: str) -> tuple[str, str]:
    """USCC and division of an issuer identifier.

    Raises:
        Malformed: `iss` is not `https://<host>/i/<USCC>`.
    """
    url = parse_url(iss)
    match = None if url is None else _ISS_PATH.fullmatch(url.path)
    if match is None:
        raise Malformed("iss is not an issuer's address")
    return match[1], match[2]


def parse_record(data: bytes) -> IssuerRecord:
    """Read a record.

    Args:
        data: bytes of the target; their authenticity is the repository's matter.

    Raises:
        TrustInvalid: anything unknown, missing, contradictory or not canonical.
    """
    try:
        return _read(loads_object(data, max_bytes=MAX_RECORD, what=_WHAT))
    except (Malformed, AlgorithmNotAllowed, KeyFormatInvalid) as error:
        raise TrustInvalid(f"{_WHAT}: {error}") from error


def _read(obj: Mapping[str, Json]) -> IssuerRecord:
    only(obj, _MEMBERS, _WHAT)
    if integer(obj, "version", _WHAT) != RECORD_VERSION:
        raise Malformed("unknown version")
    level = text(obj, "level", _WHAT)
    if level not in set(Level):
        raise Malformed("unknown level")
    record = IssuerRecord(
        iss=text(obj, "iss", _WHAT),
        uscc=text(obj, "uscc", _WHAT),
        division=text(obj, "division", _WHAT),
        names=_names(members(obj, "names", _WHAT)),
        level=Level(level),
        keys=objects(obj, "keys", _WHAT, read_key),
        rights=objects(obj, "rights", _WHAT, read_right),
        status_prefix=text(obj, "status_prefix", _WHAT),
        status_aggregation=text_or_null(obj, "status_aggregation", _WHAT),
        log_origin=text_or_null(obj, "log_origin", _WHAT),
        aliases=texts(obj, "aliases", _WHAT, _is_iss),
        mirrors=texts(obj, "mirrors", _WHAT, _is_directory),
        successor=text_or_null(obj, "successor", _WHAT),
    )
    _check(record)
    return record


def _names(obj: Mapping[str, Json]) -> dict[str, str]:
    only(obj, frozenset({"zh", "en"}), "names")
    names = {language: text(obj, language, "names") for language in ("zh", "en")}
    for name in names.values():
        if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
            raise Malformed("a name is empty, too long, or holds control characters")
    return names


def _check(record: IssuerRecord) -> None:
    if split_iss(record.iss) != (record.uscc, record.division):
        raise Malformed("iss, uscc and division name different offices")
    kids = [key.kid for key in record.keys]
    if len(set(kids)) != len(kids):
        raise Malformed("two keys share a kid")
    if not _is_directory(record.status_prefix):
        raise Malformed("status_prefix must be an https address that ends in /")
    # Lists and revocations are remembered by their addresses: no office may name another's (T39).
    if not record.status_prefix.endswith(f"/{record.uscc}/"):
        raise Malformed("status_prefix must end in the office's own code")
    aggregation = record.status_aggregation
    if aggregation is not None and not under_prefix(aggregation, record.status_prefix):
        raise Malformed("status_aggregation lies outside status_prefix")
    if record.log_origin is not None and not _LOG_ORIGIN.fullmatch(record.log_origin):
        raise Malformed("log_origin breaks its form")
    if record.successor is not None and not _is_iss(record.successor):
        raise Malformed("successor is not an issuer's address")


def _is_iss(address: str) -> bool:
    try:
        split_iss(address)
    except Malformed:
        return False
    return True


def _is_directory(address: str) -> bool:
    url = parse_url(address)
    return url is not None and url.is_directory
