"""`certsvc signer`: the process that holds keys, so that services hold none."""

from __future__ import annotations

import grp
import logging
import os
import pwd
import signal
import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click

from certsvc.custody import open_keys
from certsvc.service import logs
from certsvc.service.lifeline import end_with_supervisor
from certsvc.service.metrics import Metrics, render
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc_sdk import __version__
from certsvc_sdk.durable import replace_file
from keys.errors import NameInvalid
from keys.signing.desk import Desk
from keys.signing.door import inherited, listener
from keys.signing.memory import keep_private
from keys.signing.rights import EVERYTHING, Grants, Rights, read_grants
from keys.signing.server import Counts, SignerServer

log = logging.getLogger("certsvc.signer")

SCHEME = "signer:"


@click.command()
@click.option(
    "--socket",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="套接字文件，默认 CERTSVC_SIGNER_SOCKET / the socket's file",
)
@click.option(
    "--purpose",
    metavar="USES",
    help="只提供这些用途 / serve these uses only: certificate,status,log,trust,ca,data[@NAME]",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="USER[:USES]",
    help="允许的系统用户及其用途，可重复；默认只有本用户 / who may ask, and for what; repeatable",
)
@click.option("--group", metavar="GROUP", help="此系统用户组可连接 / this group may connect")
@click.option(
    "--metrics",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="每分钟写入签名次数，Prometheus 文本 / count of signatures, once a minute, as text",
)
def signer(
    *,
    path: Path | None,
    purpose: str | None,
    allow: tuple[str, ...],
    group: str | None,
    page: Path | None,
) -> None:
    """签名进程：私钥只在此进程 · Hold the keys in this process alone; services ask it to sign."""
    logs.configure()
    settings = Settings.from_env(os.environ)
    if settings.keys_url.startswith(SCHEME):
        raise SettingsInvalid("CERTSVC_KEYS_URL: the signer needs the real key store")
    rights = read_rights(allow, purpose)
    members = None if group is None else _group(group)
    if not keep_private():
        log.warning("the system does not keep this process's memory private")
    store = open_keys(settings)
    with ExitStack() as stack:
        listening = inherited(os.environ)
        if listening is None:
            place = listener(path or settings.signer_socket, group=members)
            listening = stack.enter_context(place)
        told = Told(page)
        told(Counter())
        server = SignerServer(listening, Desk(store, rights), rights, tell=told)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.stop())
        end_with_supervisor(os.environ)
        log.info("signer ready")
        tell_manager("READY=1")
        server.serve()
        tell_manager("STOPPING=1")
    log.info("signer ended")


class Told:
    """Counts of signatures as a page in a file: this process opens no port.

    Args:
        page: read by a collector of text files, such as node_exporter's; None: nothing is written.
    """

    def __init__(self, page: Path | None) -> None:
        self._page = page
        self._metrics = Metrics()
        self._metrics.build.put(1, __version__)

    def __call__(self, signed: Counts) -> None:
        """Add what was signed, and write the page."""
        for (issuer_id, kid), count in signed.items():
            self._metrics.signatures.add(issuer_id, kid, amount=count)
        if self._page is None:
            return
        try:
            replace_file(self._page, render(self._metrics), mode=0o644)
        except OSError as error:
            # Who cannot be counted signs all the same.
            log.warning("%s cannot be written: %s", self._page.name, error.strerror)


def read_rights(allow: tuple[str, ...], purpose: str | None) -> Rights:
    """Who may ask for what; nobody named means the user of this process.

    Args:
        allow: `USER` or `USER:USES`, by name or number.
        purpose: uses of whoever has none of his own; None: all.

    Raises:
        NameInvalid: no such user or use.
    """
    general = EVERYTHING if purpose is None else read_grants(purpose)
    users: dict[int, Grants] = {}
    for each in allow:
        name, colon, uses = each.partition(":")
        uid = _user(name)
        users[uid] = users.get(uid, frozenset()) | (read_grants(uses) if colon else general)
    return Rights(users=users or {os.geteuid(): general})


def tell_manager(state: str) -> None:
    """Tell systemd, where it waits for word (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            # A leading @ stands for the zero byte of an abstract address.
            manager.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError as error:
        log.warning("the service manager does not listen", exc_info=error)


def _user(name: str) -> int:
    try:
        return int(name) if name.isascii() and name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError as error:
        raise NameInvalid(f"--allow: no user {name[:64]!r}") from error


def _group(name: str) -> int:
    try:
        return int(name) if name.isascii() and name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise NameInvalid(f"--group: no group {name[:64]!r}") from error
