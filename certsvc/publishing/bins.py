"""Cuts a role's long list into hash bins, so that a reader fetches a part of it (TUF TAP 15)."""

from collections.abc import Iterable

from tuf.api.metadata import TargetFile, Targets

from certsvc.publishing.delegations import (
    FIRST_BITS,
    FIRST_ISSUERS,
    OWN,
    Delegate,
    bits_for,
    cut,
    key_role,
)
from certsvc.publishing.edition import Edition
from certsvc.publishing.errors import RoleRefused

_ROLE_DIGITS = 6


def cut_where_full(edition: Edition, touched: Iterable[str], now: int) -> None:
    """Cut the lists among these roles that have grown too long; cut ones are cut finer.

    Args:
        edition: with the new targets listed.
        touched: roles whose lists have grown; bins among them.
        now: Unix seconds.

    Raises:
        RoleRefused: a role that delegates further has too long a list of its own.
    """
    for name in sorted({_longest(edition, each) for each in touched} - {""}):
        delegate = edition.delegate(name)
        role = edition.role(name)
        if delegate is None or role is None:
            continue
        listed = _gathered(edition, name, role)
        bits = bits_for(len(listed), _bits(role))
        if bits == _bits(role):
            continue
        if not (name.endswith(OWN) or len(name) == _ROLE_DIGITS):
            message = f"{name} lists too many issuers itself: delegate its parts, or {name}{OWN}"
            raise RoleRefused(message)
        _cut(edition, delegate, listed, bits, now)


def _longest(edition: Edition, name: str) -> str:
    """The role whose whole list must be counted because of this one; empty: none."""
    role = edition.role(name)
    if role is None:
        return ""
    if key_role(name) == name:
        return name if bits_for(len(role.targets), 0) else ""
    # Bins fill evenly; the first that is twice too full tells enough.
    return key_role(name) if len(role.targets) > 2 * FIRST_ISSUERS >> FIRST_BITS else ""


def _bits(role: Targets) -> int:
    bins = None if role.delegations is None else role.delegations.succinct_roles
    return 0 if bins is None else bins.bit_length


def _gathered(edition: Edition, name: str, role: Targets) -> list[TargetFile]:
    listed = list(role.targets.values())
    for _, each in edition.walk(name):
        below = edition.role(each.name)
        listed += [] if below is None else below.targets.values()
    return listed


def _cut(
    edition: Edition, delegate: Delegate, listed: list[TargetFile], bits: int, now: int
) -> None:
    name = delegate.name
    contents = edition.contents.setdefault(name, {})
    for _, each in edition.walk(name):
        contents.update(edition.contents.pop(each.name, {}))
    role = edition.edit(name, now)
    role.targets.clear()
    cut(role, name, delegate, bits)
    for _, each in list(edition.walk(name)):
        edition.edit(each.name, now).targets.clear()
    for target in listed:
        below = edition.edit(edition.owner_of(target.path), now)
        below.targets[target.path] = target
