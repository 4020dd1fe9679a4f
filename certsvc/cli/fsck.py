"""`certsvc fsck`: is everything as it was written?"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from certsvc import bootstrap
from certsvc.checking.finding import Finding
from certsvc.checking.fsck import Fsck
from certsvc.custody import open_keys
from certsvc.publishing.log_witnesses import read_witnesses
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.storage.database import check


@click.command()
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 / findings as JSON")
@click.option(
    "--backup",
    "backups",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="同时检查此备份文件 / a backup to read through as well",
)
def fsck(*, as_json: bool, backups: tuple[Path, ...]) -> None:
    """检查数据 · Derive log, lists and states anew and compare; changes nothing.

    Exit code 0: all as it should be; 1: findings, one a line.
    """
    settings = Settings.from_env(os.environ)
    if not bootstrap.is_initialised(settings):
        raise click.ClickException("尚未初始化 / not set up yet")
    engine = make_engine(settings.database_url)
    check(engine)
    checker = Fsck(
        engine,
        open_keys(settings),
        PublishedTree(settings.published),
        public_url=settings.public_url,
        witnesses=read_witnesses(settings.log_witnesses),
    )
    # The bar goes to standard error: what was found can be piped on.
    with click.progressbar(
        length=checker.length(), label="检查 / checking", file=sys.stderr, show_eta=True
    ) as bar:
        found = list(checker.run(bar.update, backups=backups))
    engine.dispose()
    _print(found, as_json=as_json)
    sys.exit(1 if found else 0)


def _print(found: list[Finding], *, as_json: bool) -> None:
    if as_json:
        findings = [one.to_json() for one in found]
        click.echo(json.dumps({"findings": findings}, ensure_ascii=False, indent=1))
        return
    for one in found:
        click.echo(one.line())
    if found:
        click.secho(f"{len(found)} 项不符 / findings", fg="red", err=True)
    else:
        click.secho("一致 / all in order", fg="green", err=True)
