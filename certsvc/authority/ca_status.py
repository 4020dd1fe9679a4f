"""What stands with the certificate authorities, for people and for monitoring."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from certsvc.publishing.ca_files import AuthorityFolder
from certsvc.publishing.ca_lists import is_due
from certsvc_sdk.errors import ChainInvalid
from certsvc_sdk.x509.chain import certified_key
from certsvc_sdk.x509.lists import read_own_list
from certsvc_sdk.x509.names import organisation_of
from certsvc_sdk.x509.path import period
from certsvc_sdk.x509.reading import read_certificate

_SIGNS = {"valid": "✔", "expired": "⌛", "revoked": "✘"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """One certificate: serial in hex, whose, its key, until when, and how it stands."""

    serial: str
    name: str
    kid: str
    until: int
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityStatus:
    """One authority, its list and its certificates. Times are Unix seconds.

    `list_state` is fresh, due, stale or broken; `unlisted` are revocations that wait for a list.
    """

    name: str
    title: str
    area: str
    online: bool
    until: int
    list_state: str
    list_number: int | None
    list_until: int | None
    unlisted: tuple[str, ...]
    certificates: tuple[CertificateStatus, ...]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        key = "密钥在线 / key online" if self.online else "密钥离线 / key offline"
        until = "—" if self.list_until is None else _day(self.list_until)
        found = [
            f"{self.name}  {self.title}  区划 area {self.area}  {key}  至 until {_day(self.until)}",
            f"  吊销列表 / list: {self.list_state}  编号 no. {self.list_number}  至 until {until}",
        ]
        if self.unlisted:
            found.append(f"  尚未列入 / not yet on it: {', '.join(self.unlisted)}")
        for each in self.certificates:
            mark, why = _SIGNS[each.state], f"  {each.reason}" if each.reason else ""
            text = f"{each.serial}  {each.name}  密钥 key {each.kid}  至 until {_day(each.until)}"
            found.append(f"  {mark} {text}{why}")
        return found


def status_of(folder: AuthorityFolder, *, now: int) -> list[AuthorityStatus]:
    """Every authority of a folder, the root first.

    Raises:
        AuthorityMissing, TreeUnreadable: a file is missing or damaged.
    """
    return [_one(folder, name, now) for name in folder.names()]


def _one(folder: AuthorityFolder, name: str, now: int) -> AuthorityStatus:
    facts, data = folder.facts(name), folder.certificate(name)
    certificate = read_certificate(data)
    try:
        listed = read_own_list(folder.list(name), data)
    except ChainInvalid:
        listed = None
    said = {one.serial: one.reason for one in folder.revoked(name)}
    known = {} if listed is None else {one.serial: one.reason for one in listed.entries.values()}
    if listed is None:
        state = "broken"
    elif now >= listed.end:
        state = "stale"
    else:
        state = "due" if is_due(listed, now) or said.keys() - known.keys() else "fresh"
    return AuthorityStatus(
        name=name,
        title=organisation_of(certificate),
        area=facts.area,
        online=facts.is_online,
        until=period(certificate)[1],
        list_state=state,
        list_number=None if listed is None else listed.number,
        list_until=None if listed is None else listed.end,
        unlisted=tuple(f"{serial:x}" for serial in sorted(said.keys() - known.keys())),
        certificates=tuple(
            _certificate(serial, each, {**said, **known}, now)
            for serial, each in folder.issued(name).items()
        ),
    )


def _certificate(serial: int, data: bytes, reasons: dict[int, str], now: int) -> CertificateStatus:
    certificate = read_certificate(data)
    until = period(certificate)[1]
    state = "revoked" if serial in reasons else "valid" if now <= until else "expired"
    return CertificateStatus(
        serial=f"{serial:x}",
        name=organisation_of(certificate),
        kid=certified_key(data).kid,
        until=until,
        state=state,
        reason=reasons.get(serial),
    )


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
