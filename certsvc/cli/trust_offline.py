"""`certsvc trust key` and `sign`: an officer's machine without network, database and settings."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from certsvc.authority.officers import make_officer_key
from certsvc.authority.trust_errors import RootUnchecked
from certsvc.authority.trust_request import read_request
from certsvc.authority.trust_signing import examine, sign_request, signable
from certsvc.cli.trust_options import FILE, saying
from certsvc_sdk.durable import replace_file
from keys import KeyStore, open_store
from keys.uri import read_uri

_STORE = click.option("--store", required=True, help="密钥库 / key store, file:… or pkcs11:…")
_PASSPHRASE = click.option("--passphrase-file", type=FILE, help="口令文件 / else it is asked for")


@click.command()
@_STORE
@click.option("--name", required=True, help="持钥人，仅供辨认 / the holder, for the eye only")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="公钥文件 / file")
@_PASSPHRASE
def key(store: str, name: str, out: Path | None, passphrase_file: Path | None) -> None:
    """持钥人密钥 · Make an officer's key on an offline machine, and show its public half."""
    with saying():
        officer = make_officer_key(
            _open(store, passphrase_file, new=True), name, now=int(time.time())
        )
    if out is not None:
        replace_file(out, officer.to_bytes(), mode=0o644)
        click.echo(f"公钥文件 / public key file: {out}")
    else:
        click.echo(officer.to_bytes().decode(), nl=False)
    click.echo(f"持钥人 / holder: {officer.name}")
    click.echo(f"密钥号，请抄下核对 / key id, write it down: {officer.key.keyid}")


@click.command()
@click.argument("request", type=FILE)
@_STORE
@click.option("--root", type=FILE, help="本机所信的根 / the root this machine trusts, root.json")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="默认写回 / file")
@click.option(
    "--any-root", is_flag=True, help="不核对信任根 / sign whatever root the request starts from"
)
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
@_PASSPHRASE
def sign(
    request: Path,
    store: str,
    root: Path | None,
    out: Path | None,
    passphrase_file: Path | None,
    *,
    any_root: bool,
    yes: bool,
) -> None:
    """签字 · Show what REQUEST changes, and sign it. Needs this file and a key store only.

    Without --root a request of any other installation would look as good as one of yours.
    """
    if root is not None and any_root:
        raise click.UsageError("两者只能给其一 / give --root or --any-root")
    now = int(time.time())
    with saying():
        asked = read_request(request.read_bytes())
        unchecked = root is None and bool(asked.roots)
        if unchecked and yes and not any_root:
            raise RootUnchecked("this would be signed unseen")
        keys = _open(store, passphrase_file, new=False)
        pinned = None if root is None else root.read_bytes()
        roles = signable(examine(asked, now=now, root=pinned), keys)
    clock = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    click.echo(f"本机时间 / this machine's clock: {clock}")
    if unchecked:
        click.secho("⚠ 未核对信任根 / the root was not checked: give --root", bold=True)
    for role, lines in asked.words.items():
        click.echo(
            f"\n[{role}]{'' if role in roles else '  不由此密钥签 / not signed by this key'}"
        )
        for zh, en in lines:
            click.echo(f"  {zh}\n  {en}")
    if not yes:
        click.confirm("\n以上变更签字？ / sign this?", abort=True)
    with saying():
        signed, roles = sign_request(asked, keys, now=now, root=pinned)
    target = out or request
    replace_file(target, signed.to_bytes(), mode=0o644)
    click.echo(f"已签 / signed: {', '.join(roles)} -> {target}")


def _open(uri: str, passphrase_file: Path | None, *, new: bool) -> KeyStore:
    if not read_uri(uri).needs_passphrase:
        return open_store(uri)
    if passphrase_file is not None:
        passphrase = passphrase_file.read_bytes().rstrip(b"\r\n")
    else:
        asked = click.prompt(
            "口令 / passphrase", hide_input=True, confirmation_prompt=new and not _exists(uri)
        )
        passphrase = str(asked).encode()
    return open_store(uri, passphrase=passphrase)


def _exists(uri: str) -> bool:
    path = read_uri(uri).path
    return path is not None and path.is_dir() and any(os.scandir(path))
