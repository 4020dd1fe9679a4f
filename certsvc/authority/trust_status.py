"""The trust tree as a picture for operators: roles, keys, expiry, and who is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tuf.api.metadata import Role, Root, Snapshot, Targets, Timestamp

from certsvc.authority.trust_publishing import Waiting, waiting_parts
from certsvc.authority.trust_staging import Staging
from certsvc.authority.world import Authority
from certsvc.publishing.delegations import key_role
from certsvc.publishing.edition import Edition
from certsvc.publishing.expiring import WARN_BEFORE
from certsvc.publishing.online import OnlineKeys
from certsvc.publishing.roles import (
    DAY,
    OFFLINE_LIFE,
    ROOT_LIFE,
    SNAPSHOT_LIFE,
    TARGETS_LIFE,
    TIMESTAMP_LIFE,
    seconds_left,
)
from certsvc_sdk.strict import Json

_BAR = 12
_TOP_LIVES = {Root.type: ROOT_LIFE, Snapshot.type: SNAPSHOT_LIFE, Timestamp.type: TIMESTAMP_LIFE}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleStatus:
    """One role.

    Attributes:
        name: its name.
        depth: 0 for the top level.
        version: as published.
        threshold: signatures it needs.
        keys: ids of its keys.
        online: whether the key store signs for it alone.
        issuers: targets that it lists, its bins' included.
        bins: hash bins its list is cut into; 0: none.
        left: seconds until it expires.
        life: seconds it had when it was signed at most.
    """

    name: str
    depth: int
    version: int
    threshold: int
    keys: tuple[str, ...]
    online: bool
    issuers: int
    bins: int
    left: int
    life: int

    @property
    def warns(self) -> bool:
        """Whether somebody should act: it runs out soon, and not by the heart-beat's own plan."""
        return self.left < min(WARN_BEFORE, self.life // 4)

    def to_json(self) -> dict[str, Json]:
        """For machines."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {**members, "keys": list(self.keys), "warns": self.warns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The tree and what waits."""

    roles: tuple[RoleStatus, ...]
    waiting: tuple[Waiting, ...]
    officers: Mapping[str, str]
    request: str

    def to_json(self) -> dict[str, Json]:
        """For machines."""
        return {
            "roles": [each.to_json() for each in self.roles],
            "waiting": [
                {
                    "role": each.role,
                    "version": each.version,
                    "threshold": each.threshold,
                    "signed": list(each.signed),
                    "missing": list(each.missing),
                }
                for each in self.waiting
            ],
            "request": self.request if self.waiting else None,
        }

    def lines(self) -> Iterator[str]:
        """The picture."""
        width = max((2 * each.depth + len(each.name) for each in self.roles), default=0) + 2
        for each in self.roles:
            name = ("  " * (each.depth - 1) + "└─ " if each.depth else "") + each.name
            keys = "在线 online" if each.online else " ".join(key[:8] for key in each.keys)
            size = f"  {each.issuers} 机关 issuers" if each.issuers else ""
            cut = f" / {each.bins} 分区 bins" if each.bins else ""
            mark = "  ⚠ 即将到期 expires soon" if each.warns else ""
            yield (
                f"{name:<{width + 1}} v{each.version:<4} {each.threshold}/{len(each.keys)}  "
                f"{_bar(each.left, each.life)} {_span(each.left):>5}  {keys}{size}{cut}{mark}"
            )
        for part in self.waiting:
            yield (
                f"待签 waiting: {part.role} v{part.version}  "
                f"{len(part.signed)}/{part.threshold}  "
                f"未签 missing: {', '.join(self._name(each) for each in part.missing) or '-'}"
            )
        if self.waiting:
            yield f"签字请求 signing request: {self.request}"

    def _name(self, keyid: str) -> str:
        name = self.officers.get(keyid)
        return keyid[:8] if name is None else f"{name} ({keyid[:8]})"


def trust_status(authority: Authority, *, now: int) -> Status:
    """Look at the tree.

    Args:
        authority: the installation.
        now: Unix seconds.

    Raises:
        TreeUnreadable: the repository is damaged.
        RequestMalformed: the staged request is damaged.
    """
    staging = Staging(authority.settings.home)
    roles: tuple[RoleStatus, ...] = ()
    if authority.trust.initialised:
        edition = Edition.load(authority.trust.files)
        roles = tuple(_roles(edition, authority.trust.online(), now))
    return Status(
        roles=roles,
        waiting=waiting_parts(authority),
        officers=staging.officers(),
        request=str(staging.path),
    )


def _roles(edition: Edition, online: OnlineKeys, now: int) -> Iterator[RoleStatus]:
    root = edition.root.signed
    if edition.timestamp is not None:
        for name, signed in (
            (Root.type, root),
            (Timestamp.type, edition.timestamp.signed),
            (Snapshot.type, edition.snapshot),
        ):
            yield _status(name, 0, signed, root.roles[name], online, now)
    targets = edition.role(Targets.type)
    if targets is not None:
        yield _status(Targets.type, 0, targets, root.roles[Targets.type], online, now)
    for depth, each in edition.walk():
        role = edition.role(each.name)
        if role is None or key_role(each.name) != each.name:
            continue
        bins = [edition.role(b.name) for _, b in edition.walk(each.name) if _is_bin(b.name)]
        listed = sum(len(b.targets) for b in bins if b is not None)
        status = _status(each.name, depth + 1, role, each.role, online, now)
        cut = role.delegations is not None and role.delegations.succinct_roles is not None
        if cut:
            left = min((seconds_left(b, now) for b in bins if b is not None), default=status.left)
            yield replace(status, issuers=listed, bins=len(bins), left=min(left, status.left))
        else:
            yield status


def _is_bin(name: str) -> bool:
    return key_role(name) != name


def _status(
    name: str,
    depth: int,
    signed: Root | Snapshot | Targets | Timestamp,
    role: Role,
    online: OnlineKeys,
    now: int,
) -> RoleStatus:
    here = online.holds(name, role)
    listed = signed.targets if isinstance(signed, Targets) else {}
    return RoleStatus(
        name=name,
        depth=depth,
        version=signed.version,
        threshold=role.threshold,
        keys=tuple(role.keyids),
        online=here,
        issuers=sum(path.startswith("issuers/") for path in listed),
        bins=0,
        left=seconds_left(signed, now),
        life=_TOP_LIVES.get(name, TARGETS_LIFE if here else OFFLINE_LIFE),
    )


def _bar(left: int, life: int) -> str:
    full = max(0, min(_BAR, round(_BAR * left / life)))
    return "█" * full + "░" * (_BAR - full)


def _span(seconds: int) -> str:
    return f"{seconds // DAY} d" if seconds >= 2 * DAY else f"{seconds // 3600} h"
