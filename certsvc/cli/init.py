"""`certsvc init` and `certsvc reset`."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import click

from certsvc import bootstrap
from certsvc.home import LOCK, HomeInUse, at_work
from certsvc.service.settings import Settings

#: One of these tells a data folder of ours from any other.
MARKS = ("keys.passphrase", "certsvc.db")
#: What a data folder of ours holds; `reset` removes nothing else.
OURS = (
    *("certsvc.db", "certsvc.db-journal", "certsvc.db-wal", "certsvc.db-shm", "keys"),
    "journal",
    *("signer", "trust-staging"),
    *("published", "ca", "demo", "code-rates", "verifier-cache"),
    *("sdk-online", "sdk-offline", "accepting-keys"),
    *("receipt.jws", "root.json", "keys.passphrase", LOCK),
)


@click.command()
def init() -> None:
    """建立演示环境 · Keys, trust repository, two fictional departments."""
    settings = Settings.from_env(os.environ)
    if bootstrap.is_initialised(settings):
        click.echo(f"已建立，无需重复 / already set up: {settings.home}")
        return
    bootstrap.initialise(settings, now=int(time.time()), report=click.echo)
    for client in bootstrap.demo_clients(settings):
        click.echo(f"接口凭据 / credentials of {client.name}: {client.path}")
    click.echo("下一步 / next: certsvc up")


@click.command()
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
def reset(*, yes: bool) -> None:
    """清空演示数据 · Remove the demo world: keys, database, published files."""
    settings = Settings.from_env(os.environ)
    # A link to the folder stays, and leads to an empty one.
    home = settings.home.resolve()
    if not home.is_dir() or not any(home.iterdir()):
        click.echo(f"没有可清除的数据 / nothing to remove in {home}")
        return
    if not any((home / name).exists() for name in MARKS):
        raise click.ClickException(
            f"{home} 不是 certsvc 的数据目录，未作改动 / is not a data folder of certsvc"
        )
    if settings.env.value != "demo":
        raise click.ClickException("CERTSVC_ENV 不是 demo，拒绝清除 / refused outside a demo")
    if not yes:
        click.confirm(
            f"将删除 {home} 中的密钥、数据库和已发布文件，无法恢复。继续吗？ / "
            f"remove keys, database and published files in {home}?",
            abort=True,
        )
    try:
        with at_work(home, alone=True, wait=False):
            left = remove(home)
    except HomeInUse as error:
        raise click.ClickException(
            f"{home} 正在使用，请先停止 certsvc up / is in use: stop certsvc up first"
        ) from error
    if left:
        click.echo(f"保留了不属于 certsvc 的文件 / kept what is not ours: {', '.join(left)}")
    elif not settings.home.is_symlink():
        home.rmdir()
    click.echo(f"已清除 / removed: {home}")


def remove(home: Path) -> list[str]:
    """Remove what is ours, the marks last: a broken-off reset goes on. Returns what is left."""
    for name in sorted(OURS, key=lambda name: name in MARKS):
        path = home / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return sorted(path.name for path in home.iterdir())
