"""`certsvc keys rewrap`: another passphrase for a key store of files."""

from __future__ import annotations

import os
import secrets
from urllib.parse import quote

import click

from certsvc.home import at_work
from certsvc.service.settings import Settings, SettingsInvalid
from keys.unlock import rewrap as rewrap_store
from keys.uri import read_kek, read_uri


@click.command()
@click.option(
    "--to",
    "source",
    required=True,
    metavar="SOURCE",
    help="新口令来源：file:路径、env:变量 或其他密钥库地址 / file:PATH, env:NAME or a store's URI",
)
def rewrap(source: str) -> None:
    """更换文件密钥库的口令 · Let another passphrase open a key store of files.

    No key is touched, and running services go on. Afterwards name the new source in
    CERTSVC_KEYS_URL, as this command prints it.
    """
    settings = Settings.from_env(os.environ)
    store = read_uri(settings.keys_url)
    if store.scheme != "file" or store.path is None:
        raise SettingsInvalid("CERTSVC_KEYS_URL: only a file: store has a passphrase to change")
    with at_work(settings.home, alone=False, wait=True):
        old = settings.keys_passphrase() if store.kek is None else read_kek(store.kek)
        rewrap_store(store.path, old=old, new=read_kek(source), rng=secrets.token_bytes)
    click.echo("口令已更换，密钥未动 / rewrapped; no key was touched")
    click.echo(f"CERTSVC_KEYS_URL=file:{store.path}?kek={quote(source, safe=':/')}")
