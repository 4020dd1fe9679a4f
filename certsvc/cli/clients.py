"""`certsvc clients`: departments' systems, what they may do, and how much of it a day."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.engine import Connection

from certsvc.authority.world import open_authority
from certsvc.service.engine import reading, writing
from certsvc.service.principal import SCOPES, operator
from certsvc.service.settings import Settings
from certsvc.storage.allowances import Allowances, day_of
from certsvc.storage.approvals import Approvals
from certsvc.storage.audit import Audit
from certsvc.storage.clients import Client, Clients

_SCOPES = tuple(sorted(SCOPES))


@click.group()
def clients() -> None:
    """部门系统的凭据、权限与限量 · Departments' systems and what they may do."""


@clients.command("list")
@click.argument("issuer")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")
def list_clients(issuer: str, *, as_json: bool) -> None:
    """列出发证机关 ISSUER 的客户端 · List an issuer's clients."""
    now = int(time.time())
    with _open(writes=False) as connection:
        found = Clients(connection).all(issuer)
        today = {
            one.client_id: Allowances(connection).used(issuer, one.client_id, day=day_of(now))
            for one in found
        }
    if as_json:
        rows = [_members(one, today[one.client_id]) for one in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("没有客户端 / no clients")
    for one in found:
        click.echo(f"{one.client_id}  {one.name}{'  已停用 / disabled' if one.disabled_at else ''}")
        click.echo(f"  权限 / scopes: {', '.join(sorted(one.scopes)) or '—'}")
        types = "全部 / all" if one.types is None else ", ".join(sorted(one.types)) or "—"
        click.echo(f"  类型 / types: {types}")
        if one.daily_limit is None:
            click.echo("  每日数量 / a day: 不限 / no limit")
        else:
            click.echo(f"  今日 / today: {today[one.client_id]} / {one.daily_limit}")


@clients.command()
@click.argument("issuer")
@click.argument("client_id")
@click.option("--name", required=True, help="名称 / what people call it")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(_SCOPES),
    help="权限，可多次给出 / scope; give it again for more",
)  # fmt: skip
def add(issuer: str, client_id: str, *, name: str, scopes: tuple[str, ...]) -> None:
    """登记客户端，密钥只显示一次 · Register a client; its secret is shown once."""
    now = int(time.time())
    with _open() as connection:
        secret = Clients(connection).add(issuer, client_id, name=name, scopes=set(scopes), now=now)
        _note(connection, issuer, "client.add", client_id, now=now)
    click.echo(f"{client_id}:{secret}")


@clients.command()
@click.argument("issuer")
@click.argument("client_id")
@click.option("--type", "types", multiple=True, help="只许这些类型 / only these types")
@click.option("--all-types", is_flag=True, help="不限类型 / all types")
@click.option("--daily-limit", type=click.IntRange(0), help="每日至多 / certificates a day")
@click.option("--no-daily-limit", is_flag=True, help="不限每日数量 / no daily limit")
def restrict(
    issuer: str,
    client_id: str,
    *,
    types: tuple[str, ...],
    all_types: bool,
    daily_limit: int | None,
    no_daily_limit: bool,
) -> None:
    """限定类型与每日数量，自下一请求起 · Bound types and numbers a day."""
    if (types and all_types) or (daily_limit is not None and no_daily_limit):
        raise click.UsageError("两者只能给其一 / give one of the two")
    if not (types or all_types or daily_limit is not None or no_daily_limit):
        raise click.UsageError("没有要改的 / nothing to change")
    now = int(time.time())
    with _open() as connection:
        known = {one.client_id: one for one in Clients(connection).all(issuer)}.get(client_id)
        if known is None:
            raise _unknown()
        Clients(connection).restrict(
            issuer,
            client_id,
            types=set(types) or (None if all_types else known.types),
            daily_limit=(
                daily_limit
                if daily_limit is not None
                else (None if no_daily_limit else known.daily_limit)
            ),
        )
        _note(connection, issuer, "client.restrict", client_id, now=now)


@clients.command()
@click.argument("issuer")
@click.argument("client_id")
def disable(issuer: str, client_id: str) -> None:
    """停用客户端，两秒内生效 · Shut a client out, within two seconds."""
    now = int(time.time())
    with _open() as connection:
        if not Clients(connection).disable(issuer, client_id, now=now):
            raise _unknown()
        # Whoever held its secret may have agreed to what is not issued yet.
        reopened = Approvals(connection).reopen(issuer, client_id)
        _note(connection, issuer, "client.disable", client_id, now=now)
    if reopened:
        click.echo(f"{reopened} 项同意作废，重新等待 / approvals taken back, they wait again")


@contextmanager
def _open(*, writes: bool = True) -> Iterator[Connection]:
    settings = Settings.from_env(os.environ)
    with open_authority(
        settings, clock_ns=time.time_ns, rng=secrets.token_bytes, writes=writes
    ) as authority:
        transaction = writing if writes else reading
        with transaction(authority.engine) as connection:
            yield connection


def _note(connection: Connection, issuer: str, action: str, client_id: str, *, now: int) -> None:
    Audit(connection).append(operator(issuer), action, [client_id], now=now)


def _unknown() -> click.ClickException:
    return click.ClickException("没有此客户端 / no such client")


def _members(one: Client, used: int) -> dict[str, object]:
    return {
        "client_id": one.client_id,
        "name": one.name,
        "scopes": sorted(one.scopes),
        "types": None if one.types is None else sorted(one.types),
        "daily_limit": one.daily_limit,
        "used_today": used,
        "created_at": one.created_at,
        "disabled_at": one.disabled_at,
    }
