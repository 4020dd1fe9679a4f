"""`certsvc trust add-issuer`, `amend`, `grant`, `revoke-right`, `remove-issuer`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from certsvc.authority import trust_rights, trust_work
from certsvc.authority.records import Outcome, Publication, latest_record
from certsvc.authority.trust_errors import ChangeRefused
from certsvc.authority.trust_rights import Amendment, NewIssuer
from certsvc.authority.world import Authority
from certsvc.catalogue.codes import check_uscc
from certsvc.cli.trust_options import FILE, installation, now, right_of, saying, tell, tell_outcome
from certsvc.publishing.log_signing import log_keys, log_origin
from certsvc.publishing.records import IssuerProfile
from certsvc.service.settings import Settings
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import loads_object
from certsvc_sdk.trust.record import Level, Right

# One office of an import file.
_MAX_LINE = 64 * 1024

_AT_ONCE = click.option(
    "--at-once", is_flag=True, help="不经 24 小时公示 / without the public delay of 24 hours"
)
_FROM = click.option("--from", "begins", help="起始，默认 24 小时后 / begins, e.g. 2027-01-31")
_TO = click.option("--to", "ends", help="终止 / ends (exclusive)")
_MAX_DAYS = click.option("--max-days", type=click.IntRange(1), help="最长天数 / longest validity")


@click.command("add-issuer")
@click.argument("uscc", required=False)
@click.option("--name-zh", help="中文名称 / name in Chinese")
@click.option("--name-en", help="英文名称 / name in English")
@click.option("--level", type=click.Choice([each.value for each in Level]), default="county")
@click.option("--type", "types", multiple=True, help="可签发的类型 / certificate types")
@click.option("--algorithm", default="ES256", help="签名算法 / of its keys")
@click.option("--file", "source", type=FILE, help="每行一个机关的 JSON / one office a line")
@_FROM
@_TO
@_MAX_DAYS
@_AT_ONCE
def add_issuer(uscc: str | None, source: Path | None, **options: Any) -> None:  # noqa: ANN401
    """登记发证机关 · Enrol an office by its USCC, or every office of a file.

    A line of --file: {"uscc": …, "name_zh": …, "name_en": …, "level": …, "types": […]}.
    """
    with saying():
        rows = _rows(source) if source is not None else [{"uscc": uscc, **options}]
    if source is None and uscc is None:
        raise click.UsageError("USCC 或 --file / a USCC or --file")
    with (
        installation() as authority,
        click.progressbar(rows, label="登记 / enrolling", hidden=len(rows) < 2) as bar,
    ):
        new = [_new(authority, row, options) for row in bar]
        done = trust_rights.add_issuers(authority, new, now=now(), at_once=options["at_once"])
        _tell(authority, done)


@click.command()
@click.argument("uscc")
@click.option("--type", "type_name", required=True, help="证照类型 / certificate type")
@click.option("--division", help="区划，默认机关所在 / six digits, by default the office's own")
@_FROM
@_TO
@_MAX_DAYS
@_AT_ONCE
def grant(uscc: str, type_name: str, division: str | None, **options: Any) -> None:  # noqa: ANN401
    """授予权限 · Let an office issue a type; public for 24 hours before it begins."""
    with installation() as authority:
        right = _right(authority.settings, type_name, division or uscc[2:8], options)
        done = trust_rights.grant(authority, uscc, right, now=now(), at_once=options["at_once"])
        _tell(authority, done)


@click.command("revoke-right")
@click.argument("uscc")
@click.option("--type", "type_name", required=True, help="证照类型 / certificate type")
@click.option("--division", help="仅此区划 / only rights for this division")
@click.option("--erase", is_flag=True, help="已发证照也失效 / as if it had never been")
def revoke_right(uscc: str, type_name: str, division: str | None, *, erase: bool) -> None:
    """取消权限 · End an office's right now; what it issued before stays valid, unless --erase."""
    with installation() as authority:
        base = authority.settings.public_url
        vct = type_name if "/" in type_name else f"{base}vct/{type_name}"
        done = trust_rights.revoke_right(
            authority, uscc, vct, division=division, now=now(), erase=erase
        )
        _tell(authority, done)


@click.command()
@click.argument("uscc")
@click.option("--name-zh", help="新的中文名称 / new name in Chinese")
@click.option("--name-en", help="新的英文名称 / new name in English")
@click.option("--level", type=click.Choice([each.value for each in Level]))
@click.option("--alias", "aliases", multiple=True, help="旧标识 / a former identifier")
@click.option("--no-alias", "not_aliases", multiple=True, help="取消旧标识 / no alias any more")
@click.option("--mirror", "mirrors", multiple=True, help="旧地址或镜像 / a former host, a mirror")
@click.option("--no-mirror", "not_mirrors", multiple=True, help="取消 / no mirror any more")
@click.option("--successor", help="接替机关 / USCC or identifier of the office that follows")
@click.option("--no-successor", is_flag=True, help="取消接替 / no office follows")
def amend(uscc: str, **options: Any) -> None:  # noqa: ANN401
    """更正机关记录 · New names, former identifiers and hosts, the office that takes over."""
    if options["successor"] and options["no_successor"]:
        raise click.UsageError("两者只能给其一 / give --successor or --no-successor")
    with installation() as authority:
        changes = _amendment(authority, uscc, options)
        if not changes:
            raise ChangeRefused("没有要改的 / nothing to change")
        done, unknown = trust_rights.amend(authority, uscc, changes, now=now())
        _tell(authority, done)
    for iss in unknown:
        click.echo(f"注意：名单中还没有 / note: the list does not have {iss} yet")


def _amendment(authority: Authority, uscc: str, options: dict[str, Any]) -> Amendment:
    """What the options change; added to or taken from what the record says now."""
    record, changes = latest_record(authority, uscc), Amendment()
    names = {"zh": options["name_zh"], "en": options["name_en"]}
    if any(names.values()):
        changes["names"] = {key: name or record.names[key] for key, name in names.items()}
    if options["level"] is not None:
        changes["level"] = Level(options["level"])
    if options["aliases"] or options["not_aliases"]:
        changes["aliases"] = _changed(record.aliases, options["aliases"], options["not_aliases"])
    if options["mirrors"] or options["not_mirrors"]:
        changes["mirrors"] = _changed(record.mirrors, options["mirrors"], options["not_mirrors"])
    successor = options["successor"]
    if successor is not None:
        base = authority.settings.public_url
        changes["successor"] = successor if "/" in successor else f"{base}i/{successor}"
    elif options["no_successor"]:
        changes["successor"] = None
    return changes


def _changed(
    before: tuple[str, ...], more: tuple[str, ...], less: tuple[str, ...]
) -> tuple[str, ...]:
    missing = set(less) - {*before, *more}
    if missing:
        raise ChangeRefused(f"没有 / there is no {', '.join(sorted(missing))}")
    return tuple(each for each in dict.fromkeys((*before, *more)) if each not in less)


@click.command("remove-issuer")
@click.argument("uscc")
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
def remove_issuer(uscc: str, *, yes: bool) -> None:
    """移除机关 · Nothing this office ever signed is believed any more; for emergencies."""
    if not yes:
        click.confirm(f"{uscc} 所发证照将全部失效，继续吗？ / remove this office?", abort=True)
    with installation() as authority:
        path = f"issuers/{uscc[2:8]}/{uscc}.json"
        tell(authority, trust_work.remove_issuer(authority, path, now=now()))


def _rows(source: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(source.read_bytes().splitlines(), 1):
        try:
            rows.append(dict(loads_object(line, max_bytes=_MAX_LINE, what="office")))
        except Malformed as error:
            raise ChangeRefused(f"{source.name}:{number}: {error}") from error
    return rows


def _new(authority: Authority, row: dict[str, Any], options: dict[str, Any]) -> NewIssuer:
    settings = authority.settings
    uscc, names = str(row.get("uscc")), {"zh": row.get("name_zh"), "en": row.get("name_en")}
    fault = check_uscc(uscc)
    if fault is not None:
        # An office that no certificate can name would be enrolled and never issue.
        raise ChangeRefused(f"{uscc}: {fault.zh} / {fault.en}")
    if not all(isinstance(each, str) for each in names.values()):
        raise ChangeRefused(f"{uscc}: 须有中英文名称 / names in Chinese and English are needed")
    if row.get("level", options["level"]) not in set(Level):
        raise ChangeRefused(f"{uscc}: 没有这一级别 / no such level")
    rights = [_right(settings, str(each), uscc[2:8], options) for each in row.get("types", ())]
    profile = IssuerProfile(
        uscc=uscc,
        names={key: str(name) for key, name in names.items()},
        level=Level(row.get("level", options["level"])),
        log_origin=log_origin(settings.public_url) if log_keys(authority.keys) else None,
    )
    return NewIssuer(profile=profile, rights=tuple(rights), algorithm=options["algorithm"])


def _right(settings: Settings, type_name: str, division: str, options: dict[str, Any]) -> Right:
    return right_of(
        settings,
        type_name,
        division,
        begins=options["begins"],
        ends=options["ends"],
        max_days=options["max_days"],
        at_once=options["at_once"],
    )


def _tell(authority: Authority, done: Publication) -> None:
    tell_outcome(
        authority,
        staged=done.outcome is Outcome.STAGED,
        roles=done.roles,
        changed=done.outcome is not Outcome.UNCHANGED,
    )
