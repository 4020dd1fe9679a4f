"""`certsvc keys`: who may sign, since when, and what hangs on it."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from certsvc.authority import keys as steps
from certsvc.authority.keys_compromise import Cut
from certsvc.authority.keys_compromise import compromise as end_key
from certsvc.authority.keys_impact import impact as impact_of
from certsvc.authority.keys_rotation import apply_due, list_keys, plan_all
from certsvc.authority.world import Authority, open_authority
from certsvc.cli.keys_refusals import refusing
from certsvc.cli.keys_rewrap import rewrap
from certsvc.cli.keys_words import (
    tell_applied,
    tell_done,
    tell_ended,
    tell_impact,
    tell_keys,
    tell_plan,
)
from certsvc.service.settings import Settings
from keys import State
from keys.record import KID
from keys.store import PURPOSES

_JSON = click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")
_ISSUER = click.argument("issuer")
_ANY_ISSUER = click.argument("issuer", required=False)
_KID = click.argument("kid")
_EMERGENCY = click.option(
    "--emergency",
    is_flag=True,
    help="紧急：不等公布期满；记入审计 / do not wait until every verifier can know it",
)
_PURPOSE = click.option(
    "--purpose",
    default="certificate",
    show_default=True,
    type=click.Choice(sorted(PURPOSES - {"trust", "ca"})),
    help="用途 / purpose",
)
_TYPES = click.option(
    "--type", "types", multiple=True, help="只签这些类型，可多次 / only these types"
)
ALGORITHM = "ES256"


class Moment(click.ParamType[int]):
    """A time: Unix seconds, or RFC 3339 with its offset."""

    name = "time"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Unix seconds."""
        if isinstance(value, int) or str(value).isdecimal():
            return int(value)
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            self.fail("如 2026-11-23T08:00:00+08:00 / a time with its offset", param, ctx)
        return int(found.timestamp())


class KeyCommand(click.Command):
    """Takes a key id for what it is, also one that begins like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such a key id behind all options, and a `--` before it."""
        known = {name for param in self.params for name in param.opts}
        odd = [each for each in args if each[:1] == "-" and KID.fullmatch(each)]
        odd = [each for each in odd if each not in known]
        if odd and "--" not in args:
            args = [*(each for each in args if each not in odd), "--", *odd]
        return super().parse_args(ctx, args)


@click.group()
def keys() -> None:
    """密钥的一生：生成、公布、启用、停用、泄露 · The life of signing keys."""


keys.add_command(rewrap)


@keys.command("list")
@_ANY_ISSUER
@_JSON
def list_(issuer: str | None, *, as_json: bool) -> None:
    """列出密钥及其用量 · List keys and how much they signed."""
    with _open(as_json=as_json, writes=False) as authority:
        tell_keys(list_keys(authority, issuer, now=_now()), as_json=as_json)


@keys.command()
@_ISSUER
@_PURPOSE
@_TYPES
@click.option("--alg", help="算法，默认同现用密钥 / algorithm, by default the active key's")
@_JSON
def generate(
    issuer: str, *, purpose: str, types: tuple[str, ...], alg: str | None, as_json: bool
) -> None:
    """生成密钥，尚不公布 · Make a key; it is not published yet."""
    with _open(as_json=as_json) as authority:
        alike = [
            key.alg
            for key in authority.keys.list(issuer)
            if key.purpose == purpose and key.state is State.ACTIVE and key.role is None
        ]
        chosen = alg or (alike[-1] if alike else ALGORITHM)
        done = steps.generate(
            authority, issuer, purpose=purpose, alg=chosen, types=types, now=_now()
        )
        tell_done(done, as_json=as_json)


@keys.command(cls=KeyCommand)
@_ISSUER
@_KID
@_JSON
def publish(issuer: str, kid: str, *, as_json: bool) -> None:
    """公布密钥，使核验方先认识它 · Have verifiers know a key before it signs."""
    with _open(as_json=as_json) as authority:
        tell_done(steps.publish(authority, issuer, kid, now=_now()), as_json=as_json)


@keys.command(cls=KeyCommand)
@_ISSUER
@_KID
@_EMERGENCY
@_JSON
def activate(issuer: str, kid: str, *, emergency: bool, as_json: bool) -> None:
    """启用密钥，同组现用的随之停用 · Let a key sign; the active one of its group retires."""
    with _open(as_json=as_json) as authority:
        done = steps.activate(authority, issuer, kid, now=_now(), emergency=emergency)
        tell_done(done, as_json=as_json)


@keys.command()
@_ISSUER
@_PURPOSE
@_TYPES
@_EMERGENCY
@_JSON
def rotate(
    issuer: str, *, purpose: str, types: tuple[str, ...], emergency: bool, as_json: bool
) -> None:
    """轮换的下一步：公布接替密钥，期满后启用 · Do the next step of a rotation."""
    with _open(as_json=as_json) as authority:
        done = steps.rotate(
            authority, issuer, purpose=purpose, types=types, now=_now(), emergency=emergency
        )
        tell_done(done, as_json=as_json)


@keys.command(cls=KeyCommand)
@_ISSUER
@_KID
@click.option("--stop", is_flag=True, help="不再有密钥签发 / nothing shall sign in its place")
@_JSON
def retire(issuer: str, kid: str, *, stop: bool, as_json: bool) -> None:
    """停用密钥，公钥继续公布 · Let a key sign no more; its public half stays published."""
    with _open(as_json=as_json) as authority:
        tell_done(steps.retire(authority, issuer, kid, now=_now(), stop=stop), as_json=as_json)


@keys.command(cls=KeyCommand)
@_ISSUER
@_KID
@_JSON
def destroy(issuer: str, kid: str, *, as_json: bool) -> None:
    """清除停用密钥的私钥，不可恢复 · Erase the private half of a key out of use, for good."""
    with _open(as_json=as_json) as authority:
        tell_done(steps.destroy(authority, issuer, kid, now=_now()), as_json=as_json)


@keys.command(cls=KeyCommand)
@_ISSUER
@_KID
@click.option("--at", type=Moment(), help="何时起不可信，默认现在 / since when, by default now")
@click.option(
    "--log-index",
    type=click.IntRange(0),
    help="自此日志序号起不再接受，默认已公布日志之末 / first log index no longer accepted",
)
@click.option("--nothing", is_flag=True, help="其签名一律不再接受 / accept nothing it signed")
@click.option("--replace", is_flag=True, help="立即启用接替密钥 / let a successor sign at once")
@_JSON
def compromise(
    issuer: str, kid: str, *, at: int | None, log_index: int | None, nothing: bool, replace: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """密钥已泄露：立即作废并截断公布 · End a key others may use; see impact first."""
    if nothing and log_index is not None:
        raise click.UsageError("两者只能给其一 / give --log-index or --nothing")
    cut = Cut(index=log_index, nothing=nothing) if nothing or log_index is not None else None
    with _open(as_json=as_json) as authority:
        done = end_key(authority, issuer, kid, now=_now(), at=at, cut=cut, replace=replace)
        tell_ended(done, as_json=as_json)


@keys.command(cls=KeyCommand)
@_ISSUER
@_KID
@click.option("--log-index", type=click.IntRange(0), help="假设在此截断 / the cut to ask about")
@click.option("--at", type=Moment(), help="并示当时日志长度 / also the log's length at that time")
@_JSON
def impact(issuer: str, kid: str, *, log_index: int | None, at: int | None, as_json: bool) -> None:
    """若密钥泄露，哪些证照受影响；不作更改 · What hangs on a key; changes nothing."""
    with _open(as_json=as_json, writes=False) as authority:
        found = impact_of(authority, issuer, kid, log_index=log_index, at=at)
        tell_impact(found, as_json=as_json)


@keys.command()
@_ANY_ISSUER
@_JSON
def plan(issuer: str | None, *, as_json: bool) -> None:
    """到期与将到期的轮换步骤；不作更改 · What is due and what comes next; changes nothing."""
    with _open(as_json=as_json, writes=False) as authority:
        now = _now()
        tell_plan(plan_all(authority, issuer, now=now), now=now, as_json=as_json)


@keys.command()
@_ANY_ISSUER
@_JSON
def apply(issuer: str | None, *, as_json: bool) -> None:
    """执行已到期的步骤并公布；可重复执行 · Do what is due and publish it; repeat at will."""
    with _open(as_json=as_json) as authority:
        now = _now()
        with click.progressbar(
            length=1, label="轮换 / rotating", file=sys.stderr, show_pos=True
        ) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            applied = apply_due(authority, issuer, now=now, progress=progress)
        tell_applied(applied, now=now, as_json=as_json)


@contextmanager
def _open(*, as_json: bool, writes: bool = True) -> Iterator[Authority]:
    settings = Settings.from_env(os.environ)
    with (
        refusing(as_json=as_json),
        open_authority(
            settings, clock_ns=time.time_ns, rng=secrets.token_bytes, writes=writes
        ) as authority,
    ):
        yield authority


def _now() -> int:
    return int(time.time())
