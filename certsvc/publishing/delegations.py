"""Delegation by administrative division: names of roles, their paths, their order, hash bins.

::

    targets ─┬─ 33 ─┬─ 33-own ─ bins 33-own-00 … 33-own-1f     issuers/330000/*
             │      └─ 3301 ─┬─ 3301-own                       issuers/330100/*
             │               └─ 330106                         issuers/330106/*
             └─ 999900  (a division straight under the top)    issuers/999900/*

A role with digits speaks for every office whose division begins with them; `-own` for the
authority's own offices, because one role cannot have both sub-delegations and hash bins.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Role, SuccinctRoles, TargetFile, Targets

OWN = "-own"
#: Above so many issuers in one role its list is cut into bins (architecture.md, Trust).
PLAIN_ISSUERS = 1000
#: Bins of the first cut and of the second, as bits of the path's hash, and what the first holds.
FIRST_BITS, SECOND_BITS = 5, 8
FIRST_ISSUERS = 16_000

# Two, four or six digits; what ends in 00 is a division's code and no prefix of one.
_AREA = re.compile(r"[0-9]{6}|(?:[0-9]{2})?(?!00)[0-9]{2}")
_BIN = re.compile(r"(.+)-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Delegate:
    """A role as its delegating role states it."""

    name: str
    parent: str
    role: Role
    keys: tuple[Key, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Path patterns; none for bins, which take what hashes to them."""
        return tuple(self.role.paths or ()) if isinstance(self.role, DelegatedRole) else ()


def is_role_name(name: str) -> bool:
    """Whether an operator may delegate to a role of that name."""
    area = name.removesuffix(OWN)
    return _AREA.fullmatch(area) is not None and not (name.endswith(OWN) and len(area) == 6)


def paths_of(name: str) -> list[str]:
    """Path patterns of a role by its name (TUF: `*` does not match `/`)."""
    area = name.removesuffix(OWN)
    whole = name.endswith(OWN) or len(area) == 6
    return [f"issuers/{area:0<6}/*" if whole else f"issuers/{area}*/*"]


def parents_of(name: str) -> tuple[str, ...]:
    """Roles that may delegate to this one, the nearest first."""
    if name.endswith(OWN):
        return (name.removesuffix(OWN),)
    bins = _BIN.fullmatch(name)
    if bins is not None:
        return (bins[1],)
    prefixes = [name[:length] for length in (4, 2) if length < len(name)]
    return (*(each for each in prefixes if is_role_name(each)), Targets.type)


def key_role(name: str) -> str:
    """The role whose keys sign: bins are signed by the keys of the role that is cut into them."""
    bins = _BIN.fullmatch(name)
    return bins[1] if bins is not None else name


def delegates(parent: str, targets: Targets) -> Iterator[Delegate]:
    """The roles that a role delegates to, in the order in which readers ask them."""
    delegations = targets.delegations
    if delegations is None:
        return
    bins = delegations.succinct_roles
    if bins is not None:
        keys = _keys(delegations, bins)
        yield from (Delegate(name, parent, bins, keys) for name in bins.get_roles())
    for name, role in (delegations.roles or {}).items():
        yield Delegate(name, parent, role, _keys(delegations, role))


def in_order(targets: Targets) -> bool:
    """Whether special roles stand before general ones, and no role before another's namesake."""
    delegations = targets.delegations
    roles = {} if delegations is None else delegations.roles or {}
    lengths = [_special_first(item)[0] for item in roles.items()]
    same = [(tuple(role.paths or ()), name) for name, role in roles.items()]
    grouped = sorted(same, key=lambda item: item[0])
    return lengths == sorted(lengths) and grouped == sorted(grouped)


def delegate_of(parent: str, targets: Targets, name: str) -> Delegate | None:
    """One delegated role, or None."""
    delegations = targets.delegations
    try:
        role = targets.get_delegated_role(name)
    except ValueError:
        return None
    return None if delegations is None else Delegate(name, parent, role, _keys(delegations, role))


def add(targets: Targets, name: str, keys: Sequence[Key], threshold: int) -> None:
    """Delegate to a role, or give a delegated one other keys.

    Args:
        targets: the delegating role.
        name: see `is_role_name`.
        keys: of the delegated role.
        threshold: signatures it needs.
    """
    if targets.delegations is None:
        targets.delegations = Delegations(keys={}, roles={})
    roles = dict(targets.delegations.roles or {})
    # Terminating: no role further down the list may speak for the same offices.
    keyids = [key.keyid for key in keys]
    roles[name] = DelegatedRole(name, keyids, threshold, terminating=True, paths=paths_of(name))
    targets.delegations.roles = dict(sorted(roles.items(), key=_special_first))
    targets.delegations.keys.update({key.keyid: key for key in keys})
    _forget_keys(targets.delegations)


def remove(targets: Targets, name: str) -> None:
    """Take a delegation back."""
    if targets.delegations is not None and targets.delegations.roles is not None:
        targets.delegations.roles.pop(name, None)
        _forget_keys(targets.delegations)


def cut(targets: Targets, name: str, delegate: Delegate, bits: int) -> None:
    """Let a role delegate to hash bins with its own keys (TUF TAP 15)."""
    keyids = list(delegate.role.keyids)
    bins = SuccinctRoles(keyids, delegate.role.threshold, bits, name)
    targets.delegations = Delegations({key.keyid: key for key in delegate.keys}, None, bins)


def bits_for(count: int, now: int) -> int:
    """Bits of the bins for so many issuers; a list once cut is never joined again.

    Args:
        count: issuers.
        now: bits at present, 0 for a plain list.
    """
    wanted = 0 if count <= PLAIN_ISSUERS else FIRST_BITS
    return max(now, SECOND_BITS if count > FIRST_ISSUERS else wanted)


def matching(targets: Iterable[TargetFile], name: str) -> list[TargetFile]:
    """The targets that lie under a role's paths."""
    role = DelegatedRole(name, [], 1, terminating=True, paths=paths_of(name))
    return [target for target in targets if role.is_delegated_path(target.path)]


def _keys(delegations: Delegations, role: Role) -> tuple[Key, ...]:
    return tuple(delegations.keys[each] for each in role.keyids if each in delegations.keys)


def _special_first(item: tuple[str, DelegatedRole]) -> tuple[int, str]:
    """A city comes before its province, or the province would answer for it."""
    return -len((item[1].paths or [""])[0].partition("*")[0]), item[0]


def _forget_keys(delegations: Delegations) -> None:
    used = {keyid for role in (delegations.roles or {}).values() for keyid in role.keyids}
    for keyid in delegations.keys.keys() - used:
        del delegations.keys[keyid]
