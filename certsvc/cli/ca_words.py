"""What `certsvc ca` says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from certsvc.authority.ca import Renewal
from certsvc.authority.records import Outcome, Publication
from certsvc.publishing.ca_issuing import Certified
from certsvc_sdk.x509.names import Office


def confirm(office: Office) -> None:
    """Ask whether an office is who it says, and end the command where it is not."""
    click.echo(f"机关 / office: {office.name}  {office.uscc}\n  {office.iss}")
    click.confirm("已核实其身份与密钥 / identity and key have been made sure of", abort=True)


def tell_certified(done: Certified, publication: Publication | None, *, as_json: bool) -> None:
    """Say what was certified."""
    if as_json:
        outcome = None if publication is None else publication.outcome.value
        members = {"serial": f"{done.serial:x}", "kid": done.kid, "authority": done.authority}
        print_json({**members, "from": done.start, "to": done.end, "outcome": outcome})
        return
    click.echo(f"证书 / certificate: {done.serial:x}  密钥 key {done.kid}  由 by {done.authority}")
    click.echo(f"  有效 / valid: {_day(done.start)} – {_day(done.end)}")
    if publication is None:
        click.echo("  请将目录带回后执行 certsvc ca publish / carry the folder back, then publish")
        return
    tell_publication(publication)


def tell_publication(publication: Publication) -> None:
    """Say what became of records."""
    words = {
        Outcome.PUBLISHED: "已公布 / published",
        Outcome.STAGED: "等待签字 / waits for signatures: " + ", ".join(publication.roles),
        Outcome.UNCHANGED: "记录未变 / records as they were",
    }
    click.echo(words[publication.outcome])


def tell_renewal(renewal: Renewal) -> None:
    """Say which lists are new, and which keys are elsewhere."""
    click.echo(f"新吊销列表 / new lists: {', '.join(renewal.renewed) or '—'}")
    if renewal.away:
        away = ", ".join(renewal.away)
        click.echo(f"到期而密钥不在此处 / due, and the key is not here: {away}", err=True)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def print_json(value: Any) -> None:  # noqa: ANN401
    """Print a value for machines."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
