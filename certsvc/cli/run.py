"""`certsvc up`: issuer, verifier and worker as separate processes behind one log stream."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import click

from certsvc import bootstrap
from certsvc.cli.calls import Caller
from certsvc.cli.processes import StartFailed, Supervisor, require_free_port
from certsvc.cli.records import demo_records
from certsvc.home import at_work
from certsvc.service.lifeline import end_with_supervisor
from certsvc.service.settings import Settings

#: Certificates of each type that a first start issues, so that there is something to scan.
SHOWN = 3
#: Seconds between looks whether the children still run.
POLL_SECONDS = 0.3


@click.command()
@click.option("--qr/--no-qr", default=True, help="在终端显示一个可扫的二维码 / show a QR code")
def up(*, qr: bool) -> None:
    """启动签发、核验和后台进程 · Start issuer, verifier and worker; Ctrl-C ends all three."""
    settings = Settings.from_env(os.environ)
    ports = (
        (settings.issuer_bind, settings.issuer_port, "issuer", "CERTSVC_ISSUER_PORT"),
        (settings.verifier_bind, settings.verifier_port, "verifier", "CERTSVC_VERIFIER_PORT"),
    )
    for address, port, service, variable in ports:
        require_free_port(address, port, service, variable)
    if not bootstrap.is_initialised(settings):
        click.echo("首次启动：建立演示环境 / first start: setting up the demo world")
        bootstrap.initialise(settings, now=int(time.time()), report=click.echo)
    ended = _run_until_stopped(settings, show_qr=qr)
    if ended is not None:
        raise StartFailed(f"{ended} 意外退出 / {ended} ended unexpectedly")


def _run_until_stopped(settings: Settings, *, show_qr: bool) -> str | None:
    """Run until Ctrl-C or SIGTERM; the name of a child that ended by itself, if one did."""
    # SIGTERM takes the way of Ctrl-C; a shell that starts us with & has switched SIGINT off.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            supervisor = stack.enter_context(running(settings, write=click.echo))
            board(settings, show_qr=show_qr)
            while (ended := supervisor.first_ended()) is None:
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            click.echo("正在停止 / stopping …")
            ended = None
        # A second Ctrl-C must not leave children behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    return None if ended is None else ended.name


@contextmanager
def running(settings: Settings, *, write: Callable[[str], object]) -> Iterator[Supervisor]:
    """The three processes, ready to answer; ended when the block is left.

    Raises:
        StartFailed: One of them did not come up.
    """
    supervisor = Supervisor(settings.to_env(), write)
    with at_work(settings.home, alone=False, wait=True), supervisor:
        supervisor.start("worker", "certsvc", "worker")
        issuer = supervisor.start("issuer", "certsvc", "serve")
        supervisor.wait_until_ready(issuer, issuer_url(settings) + "readyz")
        verifier = supervisor.start("verifier", "verifier")
        supervisor.wait_until_ready(verifier, verifier_url(settings) + "readyz")
        yield supervisor


def issuer_url(settings: Settings) -> str:
    """Where the issuer answers."""
    return f"http://{_host(settings.issuer_bind)}:{settings.issuer_port}/"


def verifier_url(settings: Settings) -> str:
    """Where the verifier answers."""
    return f"http://{_host(settings.verifier_bind)}:{settings.verifier_port}/"


def _host(address: str) -> str:
    if address in {"0.0.0.0", "::"}:  # noqa: S104 - an address to call, not one to listen on
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address


def board(settings: Settings, *, show_qr: bool) -> None:
    """Issue the first demo records and print where everything is."""
    issued = issue_shown(settings)
    click.secho("\n● certsvc 已就绪 / ready", fg="green", bold=True)
    click.echo(f"  签发服务 issuer     {issuer_url(settings)}")
    click.echo(f"  核验窗口 verifier   {verifier_url(settings)}")
    for client in bootstrap.demo_clients(settings):
        click.echo(f"  接口凭据 {client.types}: {client.name}")
        click.echo(f"      {client.client_id}:{client.secret}")
        click.echo(f"      {client.path}")
    click.echo(f"  信任根 trust root   {settings.trust_root}")
    click.echo("  Ctrl-C 停止 / to stop\n")
    if show_qr and issued:
        show_terminal_qr(issued[0])


def issue_shown(settings: Settings) -> list[str]:
    """Issue a few demo records over HTTP, once each however often it runs; returns QR texts."""
    texts = []
    for credentials in bootstrap.demo_clients(settings):
        caller = Caller(issuer_url(settings), f"{credentials.client_id}:{credentials.secret}")
        for number, record in enumerate(demo_records(credentials.types)[:SHOWN], 1):
            answer = caller.post(
                "v1/certificates",
                {"type": credentials.types, "claims": record},
                idempotency_key=f"demo-{credentials.types}-{number}",
            )
            if answer.status != 201:
                raise StartFailed(f"{answer.status}: {answer.body.decode(errors='replace')}")
            texts.append(answer.json()["qr"]["text"])
    return texts


def show_terminal_qr(text: str) -> None:
    """Print the symbol where the terminal is wide enough, else say why not."""
    from certsvc.face.qr import qr_symbol, terminal

    prefix, mark, digits = text.partition("#")
    drawn = terminal(qr_symbol(prefix + mark, digits))
    width = max(len(line) for line in drawn.splitlines())
    if width > shutil.get_terminal_size().columns:
        click.echo(
            f"（终端宽度不足 {width} 列，未显示二维码 / widen the terminal to see the QR code）"
        )
        return
    click.echo(drawn)


@click.command()
def serve() -> None:
    """只启动签发服务 · Run the issuer service alone."""
    from certsvc.app import create_app
    from certsvc.service.server import serve as run_server

    settings = Settings.from_env(os.environ)
    # A wrong setting shall end the process here, with words, and not every server process anew.
    create_app(settings)
    end_with_supervisor(os.environ)
    run_server("certsvc.app:create_app", address=settings.issuer_bind, port=settings.issuer_port)


@click.command()
def worker() -> None:
    """只启动后台进程 · Run the worker alone: status lists, trust metadata, sweeper."""
    from certsvc.worker import run

    run(Settings.from_env(os.environ))
