"""Options that several commands of `certsvc trust` share, and how they are read."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click

from certsvc.authority.officers import read_officer_key
from certsvc.authority.trust_errors import ChangeRefused, TrustWorkError
from certsvc.authority.trust_publishing import PUBLIC_DELAY
from certsvc.authority.trust_work import Change, Holders
from certsvc.authority.world import Authority, open_authority
from certsvc.catalogue import Catalogue
from certsvc.cli.trust_refusals import SENTENCES
from certsvc.home import HomeInUse
from certsvc.service.settings import Settings
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.trust.record import Right

# Minutes between reading the clock and publishing must not spoil a default.
_SLACK = 600
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Refused(click.ClickException):
    """A change was refused; nothing was changed."""

    def __init__(self, error: TrustWorkError | CertsvcError) -> None:
        lines = (f"{error.code}", *SENTENCES.get(error.code, ()), f"({error})")
        super().__init__("\n  ".join(lines))

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to standard error."""
        click.echo(f"拒绝 / refused: {self.message}", file=file, err=True)


@contextmanager
def saying() -> Iterator[None]:
    """Say refusals in a line."""
    try:
        yield
    except (TrustWorkError, CertsvcError) as error:
        raise Refused(error) from error
    except HomeInUse as error:
        raise click.ClickException(
            "数据目录正在被建立或清除 / the data folder is in use"
        ) from error


@contextmanager
def installation(*, writes: bool = True) -> Iterator[Authority]:
    """The installation that the settings name."""
    settings = Settings.from_env(os.environ)
    with (
        saying(),
        open_authority(
            settings, clock_ns=time.time_ns, rng=secrets.token_bytes, writes=writes
        ) as authority,
    ):
        yield authority


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def holders(keys: tuple[Path, ...], threshold: int) -> Holders:
    """Officers by their public key files; none: the key store signs."""
    return Holders(keys=tuple(read_officer_key(each) for each in keys), threshold=threshold)


def moment(text: str | None, *, default: int | None) -> int | None:
    """Unix seconds of a date, of a date with time and zone, or of digits.

    Raises:
        ChangeRefused: it cannot be read.
    """
    if text is None:
        return default
    if text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ChangeRefused(f"{text!r} 不是时间 / is no date: 2027-01-31[T08:00+08:00]") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def right_of(
    settings: Settings,
    type_name: str,
    division: str,
    *,
    begins: str | None,
    ends: str | None,
    max_days: int | None,
    at_once: bool,
) -> Right:
    """A right as options say it; by default it begins after the public delay.

    Raises:
        ChangeRefused: no such type, or a time that cannot be read.
    """
    if "/" not in type_name and type_name not in Catalogue.builtin().names():
        raise ChangeRefused(f"没有证照类型 / no certificate type {type_name}")
    start = now() if at_once else now() + PUBLIC_DELAY + _SLACK
    vct = type_name if "/" in type_name else f"{settings.public_url}vct/{type_name}"
    first = moment(begins, default=start)
    return Right(
        vct=vct,
        division=division,
        not_before=start if first is None else first,
        not_after=moment(ends, default=None),
        max_validity=None if max_days is None else int(timedelta(days=max_days).total_seconds()),
    )


def tell(authority: Authority, change: Change) -> None:
    """Say what became of a change."""
    tell_outcome(authority, staged=bool(change.roles), roles=change.roles)
    tell_former(change.retired, change.kept)


def tell_former(retired: tuple[str, ...], kept: tuple[str, ...]) -> None:
    """Say which online keys officers have taken over from, and what is left to be done."""
    for kid in retired:
        click.echo(f"原在线密钥已停用 / the former online key is retired: {kid}")
    for kid in kept:
        click.echo(
            f"⚠ 原在线密钥仍可签名，请在密钥库所在的机器上再执行 / the former online key {kid} "
            "is still active; run where the key store is: certsvc trust publish"
        )


def tell_outcome(
    authority: Authority, *, staged: bool, roles: tuple[str, ...], changed: bool = True
) -> None:
    """Say what became of a change."""
    if not staged:
        click.echo("已发布 / published" if changed else "没有变化 / nothing changed")
        return
    path = authority.settings.home / "trust-staging" / "request.json"
    click.echo(f"等待签字 / waits for signatures: {', '.join(roles)}")
    click.echo(f"签字请求 / signing request: {path}")
    click.echo("带到离线机器 / on the offline machine: certsvc trust sign REQUEST --store …")
    click.echo("带回之后 / afterwards: certsvc trust publish SIGNED …")
