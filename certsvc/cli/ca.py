"""`certsvc ca`: X.509 certificates for departments' keys, and lists of those taken back."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from certsvc.authority.ca import (
    Renewal,
    certify_issuer,
    certify_request,
    make_request,
    open_workshop,
    renew_lists,
    take_back,
)
from certsvc.authority.ca_chains import publish_chains
from certsvc.authority.ca_status import status_of
from certsvc.authority.records import stored_record
from certsvc.authority.world import Authority, open_authority
from certsvc.cli.ca_words import (
    confirm,
    print_json,
    tell_certified,
    tell_publication,
    tell_renewal,
)
from certsvc.publishing.ca_files import ROOT
from certsvc.publishing.ca_issuing import Founding, found_authority
from certsvc.publishing.ca_keys import Workshop
from certsvc.publishing.ca_lists import REASONS, publish_files, stolen_keys
from certsvc.service.engine import reading
from certsvc.service.settings import Settings
from certsvc.storage.issuers import Issuers
from certsvc_sdk.trust.right import NATIONAL
from certsvc_sdk.x509.requests import to_pem

_JSON = click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")
_FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="证书机构目录，默认数据目录下的 ca / folder of the authorities",
)
_NAME = click.option(
    "--ca", "name", help="证书机构，默认最近的一级 / authority, by default the nearest"
)
_DAYS = click.option(
    "--days",
    default=400,
    show_default=True,
    type=click.IntRange(1, 3650),
    help="有效天数 / days of validity",
)


@click.group()
def ca() -> None:
    """部门 X.509 证书与吊销列表 · X.509 certificates for departments, for those who need them."""


@ca.command()
@click.option("--name", default=ROOT, show_default=True, help="名称；root 为根 / name; root first")
@click.option("--title", required=True, help="证书中的中文名称 / Chinese name in certificates")
@click.option(
    "--area", default=NATIONAL, show_default=True, help="可签发的区划 / division, six digits"
)
@click.option(
    "--store", help="密钥库地址，默认本机密钥库 / key store, by default the installation's"
)
@click.option(
    "--years", default=10, show_default=True, type=click.IntRange(1, 30), help="年限 / years"
)
@_FOLDER
@_JSON
def init(
    name: str, *, title: str, area: str, store: str | None, years: int, folder: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """建立证书机构：先根，后各级 · Make an authority: the root first, then others below it."""
    settings = Settings.from_env(os.environ)
    asked = Founding(
        name=name,
        title=title,
        area=area,
        store=store,
        base_url=settings.public_url,
        years=years,
    )
    with _at_work(settings, folder) as (workshop, authority):
        facts = found_authority(workshop, asked, now=_now())
        if authority is not None:
            publish_files(workshop, authority.tree)
        place = workshop.folder.place(name)
    if as_json:
        print_json(
            {"name": name, "kid": facts.kid, "area": area, "certificate": f"{place}/authority.cer"}
        )
        return
    click.echo(f"证书机构已建立 / authority made: {name}  密钥 key {facts.kid}")
    click.echo(f"  证书 / certificate: {place}/authority.cer")


@ca.command("request")
@click.argument("issuer")
@click.option("--kid", help="密钥，默认现用签发密钥 / key, by default the one that signs now")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="文件 / file"
)
def make_request_file(issuer: str, *, kid: str | None, out: Path) -> None:
    """为 ISSUER 的密钥写证书请求，带到离线机器 · Write a request, to carry to the key."""
    with _authority(Settings.from_env(os.environ), writes=False) as authority:
        data = make_request(authority, issuer, kid)
    out.write_bytes(data)
    click.echo(f"证书请求 / request: {out}")


@ca.command()
@click.argument("issuer", required=False)
@click.option(
    "--request",
    "request_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="带来的证书请求 / a request that was carried here",
)
@click.option("--kid", help="密钥，默认现用签发密钥 / key, by default the one that signs now")
@click.option("--yes", is_flag=True, help="不再询问 / do not ask")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="证书链文件（PEM）/ chain, PEM"
)
@_NAME
@_DAYS
@_FOLDER
@_JSON
def issue(
    issuer: str | None, *, request_file: Path | None, kid: str | None, yes: bool,
    out: Path | None, name: str | None, days: int, folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """为 ISSUER 的密钥签发证书并公布 · Certify a key of ISSUER, or of a request, and publish."""
    if (issuer is None) == (request_file is None):
        raise click.UsageError("ISSUER 或 --request 二选一 / give ISSUER or --request")
    settings, publication = Settings.from_env(os.environ), None
    with _at_work(settings, folder) as (workshop, authority):
        if request_file is not None:
            done = certify_request(
                workshop,
                request_file.read_bytes(),
                name=name,
                days=days,
                now=_now(),
                confirm=(lambda _: None) if yes else confirm,
            )
        elif authority is None:
            raise click.UsageError(
                "此处无签发服务，请用 --request / no service here: use --request"
            )
        else:
            done, publication = certify_issuer(
                authority, workshop, issuer or "", kid=kid, name=name, days=days, now=_now()
            )
    if out is not None:
        out.write_bytes(to_pem(done.chain))
    tell_certified(done, publication, as_json=as_json)


@ca.command()
@click.argument("serial")
@click.option(
    "--reason",
    default="superseded",
    show_default=True,
    type=click.Choice(REASONS, case_sensitive=True),
    help="原因 / reason (RFC 5280)",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]),
    help="密钥自何时起可能外泄（UTC）/ since when the key may have been in other hands",
)
@_FOLDER
@_JSON
def revoke(
    serial: str, *, reason: str, since: datetime | None, folder: Path | None, as_json: bool
) -> None:
    """吊销序列号为 SERIAL 的证书 · Take the certificate with this serial number (hex) back."""
    try:
        number = int(serial.replace(":", ""), 16)
    except ValueError:
        raise click.BadParameter("十六进制序列号 / a serial number in hex") from None
    moment = None if since is None else int(since.replace(tzinfo=UTC).timestamp())
    with _at_work(Settings.from_env(os.environ), folder) as (workshop, authority):
        name = take_back(workshop, number, reason=reason, since=moment, now=_now())
        renewal = _renew(workshop, authority, names=[name])
    if as_json:
        print_json({"authority": name, "serial": f"{number:x}", "renewed": list(renewal.renewed)})
        return
    click.echo(f"已吊销 / revoked: {number:x}  {reason}")
    tell_renewal(renewal)


@ca.command()
@click.argument("names", nargs=-1)
@click.option("--force", is_flag=True, help="未到期也重签 / sign even where it is not due")
@_FOLDER
@_JSON
def crl(names: tuple[str, ...], *, force: bool, folder: Path | None, as_json: bool) -> None:
    """重签到期的吊销列表并公布 · Sign the lists of revocations that are due, and publish."""
    with _at_work(Settings.from_env(os.environ), folder) as (workshop, authority):
        renewal = _renew(workshop, authority, names=names or None, force=force)
    if as_json:
        print_json({"renewed": list(renewal.renewed), "away": list(renewal.away)})
        return
    tell_renewal(renewal)


@ca.command()
@_FOLDER
@_JSON
def publish(folder: Path | None, *, as_json: bool) -> None:
    """公布带回的证书和吊销列表 · Publish what was carried back: certificates and lists."""
    with _authority(Settings.from_env(os.environ), writes=True) as authority:
        workshop = open_workshop(authority.settings, folder=folder, keys=authority.keys)
        with workshop.folder.exclusive():
            publish_files(workshop, authority.tree)
            with reading(authority.engine) as connection:
                known = [each.issuer_id for each in Issuers(connection).all()]
            records = [stored_record(authority, each) for each in known]
            publication = publish_chains(authority, workshop.folder, records, now=_now())
    if as_json:
        print_json({"outcome": publication.outcome.value, "roles": list(publication.roles)})
        return
    tell_publication(publication)


@ca.command()
@_FOLDER
@_JSON
def status(folder: Path | None, *, as_json: bool) -> None:
    """各证书机构、证书与吊销列表 · Authorities, certificates and lists of revocations."""
    settings = Settings.from_env(os.environ)
    found = status_of(open_workshop(settings, folder=folder).folder, now=_now())
    if as_json:
        print_json([each.to_json() for each in found])
        return
    if not found:
        click.echo("没有证书机构 / no authority")
    for each in found:
        for line in each.lines():
            click.echo(line)


@contextmanager
def _at_work(
    settings: Settings, folder: Path | None
) -> Iterator[tuple[Workshop, Authority | None]]:
    """The authorities, held; and the installation, held as well, where there is one."""
    if not settings.trust_root.is_file():
        workshop = open_workshop(settings, folder=folder)
        with workshop.folder.exclusive():
            yield workshop, None
        return
    with _authority(settings, writes=True) as authority:
        workshop = open_workshop(settings, folder=folder, keys=authority.keys)
        with workshop.folder.exclusive():
            yield workshop, authority


@contextmanager
def _authority(settings: Settings, *, writes: bool) -> Iterator[Authority]:
    with open_authority(
        settings, clock_ns=time.time_ns, rng=secrets.token_bytes, writes=writes
    ) as authority:
        yield authority


def _renew(workshop: Workshop, authority: Authority | None, **options: Any) -> Renewal:  # noqa: ANN401
    stolen = {} if authority is None else stolen_keys(authority.keys)
    tree = None if authority is None else authority.tree
    return renew_lists(workshop, stolen=stolen, tree=tree, now=_now(), **options)


def _now() -> int:
    return int(time.time())
