"""`certsvc up`: issuer, verifier and worker as separate processes behind one log stream."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import click

from certsvc import bootstrap
from certsvc.cli.calls import Caller
from certsvc.cli.processes import StartFailed, Supervisor, require_free_port
from certsvc.cli.records import demo_records
from certsvc.face.qr import png, qr_symbol, terminal
from certsvc.home import at_work, write_private
from certsvc.service.lifeline import end_with_supervisor
from certsvc.service.settings import Settings, variable
from keys.errors import KeysError
from keys.signing.client import SignerKeyStore

#: Certificates of each type that a first start issues, so that there is something to scan.
SHOWN = 3
#: Seconds between looks whether the children still run.
POLL_SECONDS = 0.3


class Shown(NamedTuple):
    """What the board shows of a certificate."""

    qr_text: str
    typed_code: str


@click.command()
@click.option("--qr/--no-qr", default=True, help="在终端显示一个可扫的二维码 / show a QR code")
@click.option(
    "--signer/--no-signer",
    default=False,
    help="私钥只在单独的签名进程 / keep the keys in a signer process of their own",
)
def up(*, qr: bool, signer: bool) -> None:
    """启动签发、核验和后台进程 · Start issuer, verifier and worker; Ctrl-C ends all three."""
    settings = Settings.from_env(os.environ)
    ports = (
        (settings.issuer_bind, settings.issuer_port, "issuer", "CERTSVC_ISSUER_PORT"),
        (settings.verifier_bind, settings.verifier_port, "verifier", "CERTSVC_VERIFIER_PORT"),
    )
    for address, port, service, name in ports:
        require_free_port(address, port, service, name)
    if not bootstrap.is_initialised(settings):
        click.echo("首次启动：建立演示环境 / first start: setting up the demo world")
        bootstrap.initialise(settings, now=int(time.time()), report=click.echo)
    ended = _run_until_stopped(settings, show_qr=qr, signer=signer)
    if ended is not None:
        raise StartFailed(f"{ended} 意外退出 / {ended} ended unexpectedly")


def _run_until_stopped(settings: Settings, *, show_qr: bool, signer: bool) -> str | None:
    """Run until Ctrl-C or SIGTERM; the name of a child that ended by itself, if one did."""
    # SIGTERM takes the way of Ctrl-C; a shell that starts us with & has switched SIGINT off.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            supervisor = stack.enter_context(running(settings, write=click.echo, signer=signer))
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
def running(
    settings: Settings, *, write: Callable[[str], object], signer: bool = False
) -> Iterator[Supervisor]:
    """The three processes, ready to answer; ended when the block is left.

    Args:
        settings: Of all of them.
        write: Takes one log line.
        signer: A fourth process holds the keys, and the three ask it.

    Raises:
        StartFailed: One of them did not come up.
    """
    environment = settings.to_env()
    if signer:
        environment |= without_keys(settings)
    supervisor = Supervisor(environment, write)
    with at_work(settings.home, alone=False, wait=True), supervisor:
        if signer:
            _start_signer(supervisor, settings)
        supervisor.start("worker", "certsvc", "worker")
        issuer = supervisor.start("issuer", "certsvc", "serve")
        supervisor.wait_until_ready(issuer, issuer_url(settings) + "readyz")
        verifier = supervisor.start("verifier", "verifier")
        supervisor.wait_until_ready(verifier, verifier_url(settings) + "readyz")
        yield supervisor


def without_keys(settings: Settings) -> dict[str, str]:
    """Variables of those who ask a signer process: its address, and no secret of the key store."""
    secrets = dict.fromkeys(re.findall(r"\benv(?::|%3A)(\w+)", settings.keys_url), "")
    return {**secrets, variable("keys_url"): f"signer:{settings.signer_socket}"}


def _start_signer(supervisor: Supervisor, settings: Settings) -> None:
    named = {name: os.environ.get(name, "") for name in without_keys(settings)}
    changes = {**named, variable("keys_url"): settings.keys_url}
    child = supervisor.start("signer", "certsvc", "signer", changes=changes)
    path = settings.signer_socket

    def serves() -> bool:
        store = SignerKeyStore(path)
        try:
            store.list("none")
        except KeysError:
            return False
        finally:
            store.close()
        return True

    supervisor.wait_until(child, serves, str(path))


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
        show_terminal_qr(settings, issued[0].qr_text)
    if issued:
        click.echo(f"  证照短码 typed code  {issued[0].typed_code}")


def issue_shown(settings: Settings) -> list[Shown]:
    """Issue a few demo records over HTTP, once each however often it runs."""
    shown = []
    for credentials in bootstrap.demo_clients(settings):
        caller = Caller(issuer_url(settings), f"{credentials.client_id}:{credentials.secret}")
        shown += [_issue_one(caller, credentials.types, number) for number in range(SHOWN)]
    return shown


def _issue_one(caller: Caller, type_name: str, number: int, **profile: str) -> Shown:
    answer = caller.post(
        "v1/certificates",
        {"type": type_name, "claims": demo_records(type_name)[number], **profile},
        idempotency_key=f"demo-{'-'.join((type_name, *profile.values()))}-{number}",
    )
    if answer.status != 201:
        raise StartFailed(f"{answer.status}: {answer.body.decode(errors='replace')}")
    issued = answer.json()
    return Shown(issued["qr"]["text"], issued["typed_code"])


def show_terminal_qr(settings: Settings, text: str) -> None:
    """Print a symbol that the terminal is wide enough for, and keep the whole one as a picture.

    A terminal of 80 columns holds the core profile, which is a certificate of its own.
    """
    picture = settings.home / "demo" / "business-licence.png"
    write_private(picture, png(qr_symbol(*_segments(text))))
    click.echo(f"  二维码图片 QR code   {picture}")
    drawn = drawn_within(shutil.get_terminal_size().columns, _large_to_small(settings, text))
    click.echo(drawn or "  终端太窄，请打开上面的图片 / too narrow a terminal: open the picture")


def _large_to_small(settings: Settings, text: str) -> Iterator[str]:
    yield text
    # Issued only where the whole one does not fit.
    yield issue_core(settings)


def drawn_within(columns: int, texts: Iterable[str]) -> str | None:
    """The first text's symbol that so many columns hold, drawn; None: they hold none."""
    for text in texts:
        # A screen has no stamps and folds: level M keeps the symbol small.
        drawn = terminal(qr_symbol(*_segments(text), levels=("M",)))
        if max(len(line) for line in drawn.splitlines()) <= columns:
            return drawn
    return None


def _segments(text: str) -> tuple[str, str]:
    prefix, mark, digits = text.partition("#")
    return prefix + mark, digits


def issue_core(settings: Settings) -> str:
    """The first demo licence in its core profile, once; returns its QR text."""
    licence = bootstrap.demo_clients(settings)[0]
    caller = Caller(issuer_url(settings), f"{licence.client_id}:{licence.secret}")
    return _issue_one(caller, licence.types, 0, profile="core").qr_text


@click.command()
def serve() -> None:
    """只启动签发服务 · Run the issuer service alone."""
    from certsvc.app import create_app, forget_last_run
    from certsvc.service.server import WAITING_THREADS
    from certsvc.service.server import serve as run_server

    settings = Settings.from_env(os.environ)
    forget_last_run(settings)
    # A wrong setting shall end the process here, with words, and not every server process anew.
    create_app(settings)
    end_with_supervisor(os.environ)
    run_server(
        "certsvc.app:create_app",
        address=settings.issuer_bind,
        port=settings.issuer_port,
        workers=settings.issuer_workers,
        threads=WAITING_THREADS,
    )


@click.command()
def worker() -> None:
    """只启动后台进程 · Run the worker alone: status lists, trust metadata, sweeper."""
    from certsvc.worker import run

    run(Settings.from_env(os.environ))
