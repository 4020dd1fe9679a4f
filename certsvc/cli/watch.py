"""`certsvc watch`: reads the public address as a verifier would and compares with the database."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import click

from certsvc.service import logs
from certsvc.service.engine import DatabaseUnavailable, make_engine
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc.watching.complaint import Report
from certsvc.watching.watcher import PATIENCE, Watcher
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.holdings import Holdings
from certsvc_sdk.root_file import read_root

log = logging.getLogger("certsvc.watch")

#: Seconds between two looks.
INTERVAL = 10
#: Seconds after which trust data is read anew: a look sees what a new verifier would.
TRUST_REFRESH = 30


@click.command()
@click.option(
    "--once", is_flag=True, help="只看一次；有问题时退出码为 1 / look once; exit 1 if wrong"
)
@click.option(
    "--interval", type=click.IntRange(1, 3600), default=INTERVAL, show_default=True,
    help="两次查看之间的秒数 / seconds between looks",
)  # fmt: skip
@click.option(
    "--patience", type=click.IntRange(0, 3600), default=PATIENCE, show_default=True,
    help="变更最迟几秒可见；经缓存时加大 / seconds a change may take; more behind a cache",
)  # fmt: skip
@click.option("--url", help="公开树的地址，默认 CERTSVC_TRUST_URL / address to read")
@click.option("--json", "as_json", is_flag=True, help="每次输出一行 JSON / a JSON line a look")
def watch(*, once: bool, interval: int, patience: int, url: str | None, as_json: bool) -> None:
    """像核验方一样读公开地址，与数据库比对 · Watch what verifiers see."""
    settings = Settings.from_env(os.environ)
    with TemporaryDirectory(prefix="certsvc-watch-") as folder:
        holdings = _holdings(settings, url or settings.trust_url, Path(folder))
        engine = make_engine(settings.database_url)
        watcher = Watcher(engine, holdings, clock=time.time, patience=patience)
        try:
            if once:
                report = watcher.look()
                _show(report, as_json=as_json)
                sys.exit(1 if report.complaints else 0)
            stop = _stop_on_signals()
            logs.configure()
            keep_watching(watcher, stop=stop, interval=interval, as_json=as_json)
        finally:
            engine.dispose()


def _holdings(settings: Settings, url: str, folder: Path) -> Holdings:
    try:
        return Holdings(
            root=read_root(settings.trust_root),
            url=url,
            folder=folder,
            sources={},
            trust_refresh=TRUST_REFRESH,
            status_refresh=None,
            offline=False,
        )
    except CertsvcError as error:
        raise SettingsInvalid(f"CERTSVC_TRUST_ROOT, CERTSVC_TRUST_URL: {error}") from error


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop


def keep_watching(watcher: Watcher, *, stop: threading.Event, interval: int, as_json: bool) -> None:
    """Look until `stop` is set, and log what is wrong; a database that is away ends nothing."""
    while not stop.is_set():
        try:
            report = watcher.look()
        except DatabaseUnavailable as error:
            log.error("nothing to compare with: %s", error, extra={"code": error.code})
        else:
            if as_json:
                _show(report, as_json=True)
            for complaint in report.complaints:
                log.error("%s", complaint.sentence(), extra={"code": complaint.code.value})
            log.info("watched: %s", report.numbers)
        stop.wait(interval)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        complaints = [
            {"code": one.code.value, "where": one.where, "detail": one.detail}
            for one in report.complaints
        ]
        click.echo(json.dumps({"complaints": complaints, "numbers": report.numbers}))
        return
    for complaint in report.complaints:
        click.echo(f"✗ {complaint.code.value}: {complaint.sentence()}", err=True)
    if not report.complaints:
        read = int(report.numbers["lists_read"])
        click.echo(f"✓ 一切正常 / all is well: 状态列表 status lists {read}")
