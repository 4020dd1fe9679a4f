"""`certsvc backup`, `certsvc restore` and `certsvc recover`."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from certsvc.custody import needs_passphrase, open_keys
from certsvc.home import HomeInUse, at_work
from certsvc.restoring import archive
from certsvc.restoring.archive import Manifest
from certsvc.restoring.backup import Progress, make_backup
from certsvc.restoring.recover import Recovery
from certsvc.restoring.restore import restore as restore_backup
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.storage.journal_pruning import prune as prune_journal
from certsvc.storage.journal_reading import segments


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="只核对已有备份 / only check the backup TARGET")
@click.option("--prune", is_flag=True, help="删除此备份已包含的变更日志 / prune the journal")
def backup(target: Path, *, check: bool, prune: bool) -> None:
    """在线备份到 TARGET（文件或目录）· Back the running service up, and read the backup back."""
    if check:
        with _bar("核对 / checking") as progress:
            manifest = archive.check(target, progress=progress.step)
        _describe(target, manifest)
        return
    settings = Settings.from_env(os.environ)
    now = int(time.time())
    if target.is_dir():
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        target = target / f"certsvc-{moment}{archive.SUFFIX}"
    engine = make_engine(settings.database_url)
    try:
        with _bar("备份 / backing up") as progress:
            manifest = make_backup(
                settings, engine, target, now=now, rng=secrets.token_bytes, progress=progress
            )
    finally:
        engine.dispose()
    _describe(target, manifest)
    if prune and settings.journal_folder is not None:
        removed = prune_journal(settings.journal_folder, seq=manifest.position["seq"])
        click.echo(f"已删除变更日志文件 / files of the journal removed: {len(removed)}")


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """把备份恢复到空数据库 · Restore a backup into an empty database; recover comes next."""
    settings = Settings.from_env(os.environ)
    engine = make_engine(settings.database_url)
    try:
        with _alone(settings), _bar("恢复 / restoring") as progress:
            manifest = restore_backup(
                settings, engine, source, now=int(time.time()), progress=progress
            )
    finally:
        engine.dispose()
    _describe(source, manifest)
    if needs_passphrase(settings) and not settings.keys_passphrase_file.exists():
        click.echo(
            f"密钥库口令不在备份中，请放回 / the passphrase is not in a backup, put it back: "
            f"{settings.keys_passphrase_file}"
        )
    click.echo("下一步 / next: certsvc recover")


@click.command()
@click.option("--dry-run", is_flag=True, help="只看不改 / change nothing")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="变更日志已无法找回，接受丢失 / go on where the journal is gone for good",
)
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 / print the report as JSON")
def recover(*, dry_run: bool, accept_loss: bool, as_json: bool) -> None:
    """让恢复的数据库追平外部所知 · Bring a restored database level with what is known outside."""
    settings = Settings.from_env(os.environ)
    with _alone(settings), _bar("追平 / recovering") as progress:
        folder = settings.journal_folder
        progress.total(sum(path.stat().st_size for path in segments(folder)) if folder else 0)
        recovery = Recovery(
            settings=settings,
            keys=open_keys(settings),
            clock_ns=time.time_ns,
            progress=progress.step,
        )
        report = recovery.run(dry_run=dry_run, accept_loss=accept_loss)
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
        return
    for line in report.lines():
        click.echo(line)
    if not dry_run:
        click.echo("可以启动服务了 / the services may start")


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    try:
        with at_work(settings.home, alone=True, wait=False):
            yield
    except HomeInUse as error:
        raise click.ClickException(
            f"{settings.home} 正在使用，请先停止服务 / is in use: stop the services first"
        ) from error


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    """A progress bar on standard error, where that is a terminal."""
    with click.progressbar(length=1, label=label, file=sys.stderr, show_pos=False) as bar:

        def total(count: int) -> None:
            bar.length = max(1, count)

        def step(count: int) -> None:
            bar.update(count)

        yield Progress(total=total, step=step)


def _describe(path: Path, manifest: Manifest) -> None:
    moment = datetime.fromtimestamp(manifest.made_at, UTC).isoformat()
    position = f"{manifest.position['epoch']}/{manifest.position['seq']}"
    rows = sum(manifest.counts.values())
    click.echo(f"备份完整 / the backup is whole: {path}")
    click.echo(f"  时间 made at {moment}  位置 position {position}  行 rows {rows}")
    click.echo(f"  电子证照 certificates {manifest.counts.get('certificate', 0)}")
