"""`certsvc demo`: the whole story once, without questions; exit 0 only if every step was right."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import click

from certsvc import bootstrap
from certsvc.cli.processes import free_port
from certsvc.cli.run import running
from certsvc.cli.stage import Stage
from certsvc.cli.story import CHAPTERS
from certsvc.service.settings import Settings


@click.command()
@click.option("--logs", is_flag=True, help="同时显示服务日志 / show the services' log lines too")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="把演示数据留在此目录 / keep the demo's data in this folder",
)
@click.option(
    "--database",
    metavar="URL",
    help="使用此空数据库（缺省为 SQLite 文件）/ tell it on this empty database, not a SQLite file",
)
def demo(*, logs: bool, keep: Path | None, database: str | None) -> None:
    """演示全流程 · The whole story: issue, scan, accept, revoke, refuse."""
    with tempfile.TemporaryDirectory(prefix="certsvc-demo-") as folder:
        home = keep or Path(folder)
        settings = demo_settings(home, database)
        started = time.monotonic()
        if not bootstrap.is_initialised(settings):
            bootstrap.initialise(settings, now=int(time.time()), report=_quiet)
        with running(settings, write=click.echo if logs else _quiet):
            click.secho("certsvc 演示 / demo", bold=True)
            click.echo(
                f"环境就绪 / set up and running in {time.monotonic() - started:.1f} s"
                "：签发 issuer · 核验 verifier · 后台 worker\n"
            )
            failures = tell(Stage(settings))
    if failures:
        click.secho(f"\n✘ {failures} 步不符 / steps went wrong", fg="red", bold=True)
        sys.exit(1)
    click.secho("\n✔ 全部步骤符合预期 / every step was right", fg="green", bold=True)


def demo_settings(home: Path, database: str | None = None) -> Settings:
    """Settings of a demo of its own: own folder, free ports, nothing of a running service.

    Args:
        home: The demo's folder.
        database: Address of an empty database, or of this demo's own from an earlier run; None:
            a SQLite file. What the environment names belongs to somebody else.
    """
    return Settings.from_env(
        {
            "CERTSVC_PUBLIC_URL": os.environ.get("CERTSVC_PUBLIC_URL", ""),
            "CERTSVC_DATABASE_URL": database or "",
            "CERTSVC_HOME": str(home),
            "CERTSVC_ISSUER_PORT": str(free_port()),
            "CERTSVC_VERIFIER_PORT": str(free_port()),
            "CERTSVC_WORKER_PORT": str(free_port()),
        }
    )


def tell(stage: Stage) -> int:
    """Play every chapter; a broken one does not hide the rest. Returns how many went wrong."""
    failures = 0
    for number, (zh, en, chapter) in enumerate(CHAPTERS, 1):
        began = time.monotonic()
        try:
            told, right = chapter(stage), True
        except Exception as error:  # noqa: BLE001, RUF100 - the demo reports whatever went wrong
            told, right = [f"{type(error).__name__}: {error}"], False
        failures += not right
        mark = click.style("✔", fg="green") if right else click.style("✘", fg="red")
        taken = f"{1000 * (time.monotonic() - began):.0f} ms"
        click.echo(f"{mark} {number:>2}. {click.style(zh, bold=True)} · {en}  ({taken})")
        for line in told:
            click.echo(f"       {line}")
    return failures


def _quiet(_line: str) -> None:
    return
