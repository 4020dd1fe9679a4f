"""`certsvc trust`: who may sign for whom, published so that verifiers can know."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from certsvc.authority import trust_work
from certsvc.authority.trust_errors import NothingStaged
from certsvc.authority.trust_publishing import Result, publish_staged
from certsvc.authority.trust_request import read_request
from certsvc.authority.trust_staging import Staging
from certsvc.authority.trust_status import trust_status
from certsvc.authority.trust_work import RootChange
from certsvc.cli.trust_init import init
from certsvc.cli.trust_issuers import add_issuer, amend, grant, remove_issuer, revoke_right
from certsvc.cli.trust_offline import key, sign
from certsvc.cli.trust_options import FILE, holders, installation, now, tell, tell_former
from certsvc.service.settings import Settings


@click.group()
def trust() -> None:
    """信任列表 · Who may sign what, where, and since when: the trust repository."""


@trust.command()
@click.argument("role")
@click.option("--key", "keys", multiple=True, type=FILE, help="公钥文件 / officers' public keys")
@click.option("--threshold", type=click.IntRange(1), default=1, help="须几人签字 / signatures")
@click.option("--new-key", is_flag=True, help="更换在线密钥 / another key of the key store's own")
def delegate(role: str, keys: tuple[Path, ...], threshold: int, *, new_key: bool) -> None:
    """委托一级区划 · Delegate to ROLE: 33, 3301, 330106, or 33-own for offices of its own.

    Without --key the installation's own key store signs for the role.
    """
    if keys and new_key:
        raise click.UsageError("两者只能给其一 / give --key or --new-key")
    who = holders(keys, threshold)
    with installation() as authority:
        tell(authority, trust_work.delegate(authority, role, who, now=now(), new_key=new_key))


@trust.command()
@click.argument("role")
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
def undelegate(role: str, *, yes: bool) -> None:
    """取消委托 · Nothing that ROLE says is believed any more, nor what it delegated."""
    if not yes:
        click.confirm(f"取消 {role} 及其下全部机关？ / end {role} and all below?", abort=True)
    with installation() as authority:
        tell(authority, trust_work.undelegate(authority, role, now=now()))


@trust.command()
@click.argument("roles", nargs=-1, required=True)
def renew(roles: tuple[str, ...]) -> None:
    """续期 · New versions of ROLES that say the same, valid for another year."""
    with installation() as authority:
        tell(authority, trust_work.renew(authority, roles, now=now()))


@trust.command("rotate-root")
@click.option("--root-key", multiple=True, type=FILE, help="新的根公钥，全部列出 / all root keys")
@click.option("--root-threshold", type=click.IntRange(1), default=1)
@click.option("--targets-key", multiple=True, type=FILE, help="新的 targets 公钥 / its keys")
@click.option("--targets-threshold", type=click.IntRange(1), default=1)
@click.option(
    "--online-keys", is_flag=True, help="更换 snapshot 与 timestamp 密钥 / new keys for these"
)
def rotate_root(
    root_key: tuple[Path, ...],
    root_threshold: int,
    targets_key: tuple[Path, ...],
    targets_threshold: int,
    *,
    online_keys: bool,
) -> None:
    """新的根 · Other root keys, other keys below it, or (without options) another year.

    Old and new root keys both sign, each with their own threshold.
    """
    change = RootChange(
        root=holders(root_key, root_threshold) if root_key else None,
        targets=holders(targets_key, targets_threshold) if targets_key else None,
        online=online_keys,
    )
    with installation() as authority:
        tell(authority, trust_work.rotate_root(authority, change, now=now()))


@trust.command()
@click.argument("signed", nargs=-1, type=FILE)
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 / print as JSON")
def publish(signed: tuple[Path, ...], *, as_json: bool) -> None:
    """发布 · Take SIGNED requests back and publish every change that is complete."""
    with installation() as authority:
        carried = [read_request(path.read_bytes()) for path in signed]
        result = publish_staged(authority, carried, now=now())
    if as_json:
        click.echo(json.dumps(_as_json(result), ensure_ascii=False))
        return
    for role in result.published:
        click.echo(f"已发布 / published: {role}")
    tell_former(result.retired, result.kept)
    for each in result.waiting:
        behind = "" if each.behind == each.role else f"（等 {each.behind} / behind {each.behind}）"
        count = f"{len(each.signed)}/{each.threshold}"
        click.echo(f"仍待签字 / still waiting: {each.role} v{each.version} {count} {behind}")


@trust.command()
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
def withdraw(*, yes: bool) -> None:
    """撤回待签 · Forget the staged change and the signatures on it; nothing published changes."""
    staging = Staging(Settings.from_env(os.environ).home)
    if not yes:
        click.confirm("撤回全部待签变更？ / withdraw what waits for signatures?", abort=True)
    with installation():
        if not staging.path.exists():
            raise NothingStaged("nothing waits")
        staging.save(None)
    click.echo("已撤回 / withdrawn")


@trust.command()
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 / print as JSON")
def status(*, as_json: bool) -> None:
    """现状 · The tree of roles: keys, thresholds, expiry, and who has not signed yet."""
    with installation(writes=False) as authority:
        found = trust_status(authority, now=now())
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
        return
    if not found.roles:
        click.echo("尚无已发布的信任仓库 / no trust repository is published yet")
    for line in found.lines():
        click.echo(line)


def _as_json(result: Result) -> dict[str, object]:
    waiting = [
        {"role": w.role, "version": w.version, "signed": list(w.signed), "threshold": w.threshold}
        for w in result.waiting
    ]
    return {
        "published": list(result.published),
        "waiting": waiting,
        "retired_keys": list(result.retired),
        "keys_still_active": list(result.kept),
    }


for _command in (init, key, sign, add_issuer, amend, grant, revoke_right, remove_issuer):
    trust.add_command(_command)
