"""What `certsvc keys` says where all went well."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from certsvc.authority.keys import Done
from certsvc.authority.keys_compromise import Ended
from certsvc.authority.keys_impact import Impact
from certsvc.authority.keys_rotation import Applied, Listed
from certsvc.authority.records import Outcome
from certsvc.cli.keys_refusals import moment
from keys import KeyInfo, State
from keys.rotation import Action, Reason, Step

WIDTH = 40
_STATES = {
    State.GENERATED: "已生成 generated",
    State.PRE_PUBLISHED: "预公布 pre-published",
    State.ACTIVE: "现用 active",
    State.RETIRED: "停用 retired",
    State.DESTROYED: "已销毁 destroyed",
    State.COMPROMISED: "已泄露 compromised",
}
_ACTIONS = {
    Action.PREPARE: "准备接替密钥 prepare a successor",
    Action.PUBLISH: "公布 publish",
    Action.ACTIVATE: "启用 activate",
    Action.DESTROY: "销毁私钥 destroy",
}
_REASONS = {
    Reason.AGE: "到期 age",
    Reason.COUNT: "签发量 count",
    Reason.FIRST: "首把密钥 first key",
    Reason.WAITING: "等待中 waiting",
    Reason.COMPROMISED: "前者泄露 former one compromised",
    Reason.UNFINISHED: "补完中断的轮换 unfinished rotation",
    Reason.RETIRED: "已停用 retired",
}
_OUTCOMES = {
    Outcome.PUBLISHED: "已公布 / published",
    Outcome.STAGED: "等待签字，签字后才公布 / waits for officers' signatures, not published yet",
    Outcome.UNCHANGED: "记录未变 / the record stands as it was",
}


def print_json(value: object) -> None:
    """Print JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def tell_keys(found: Sequence[Listed], *, as_json: bool) -> None:
    """Say which keys there are."""
    if as_json:
        print_json([_listed(one) for one in found])
        return
    if not found:
        click.echo("没有密钥 / no keys")
    owner = None
    for one in found:
        if one.key.issuer_id != owner:
            owner = one.key.issuer_id
            click.secho(owner, bold=True)
        click.echo(f"  {one.key.kid}  {_STATES[one.key.state]}  {_purpose(one.key)}  {one.key.alg}")
        click.echo(f"    生成 made {moment(one.key.created_at)}  签发 signed {one.used}")
        if one.listed_at is not None:
            click.echo(f"    公布自 listed since {moment(one.listed_at)}")
        if one.key.state is State.COMPROMISED:
            click.echo(f"    泄露自 since {moment(one.key.compromised_at)}  {_cut(one.key)}")
        if one.overdue is not None:
            click.secho(f"    已过期限 overdue: {_REASONS[one.overdue]}", fg="yellow")


def tell_done(done: Done, *, as_json: bool) -> None:
    """Say what a step came to."""
    if as_json:
        print_json(
            {
                "key": key_members(done.key),
                "changed": done.changed,
                "outcome": done.outcome,
                "listed_at": done.listed_at,
                "ready_at": done.ready_at,
                "retired": list(done.retired),
                "unlisted": done.unlisted,
            }
        )
        return
    again = "" if done.changed else "（此前已完成 / done before）"
    click.echo(f"{done.key.kid}  {_STATES[done.key.state]}  {_purpose(done.key)}{again}")
    for kid in done.retired:
        click.echo(f"  停用 / retired: {kid}")
    if done.outcome is not None:
        click.echo(f"  {_OUTCOMES[done.outcome]}")
    if done.ready_at is not None:
        click.echo(f"  可启用 / may become active: {moment(done.ready_at)}")
    _warn_unlisted(unlisted=done.unlisted)


def tell_ended(done: Ended, *, as_json: bool) -> None:
    """Say what a compromise came to, and what follows."""
    if as_json:
        print_json(
            {
                "key": key_members(done.key),
                "log_size": done.log_size,
                "outcome": done.outcome,
                "active": None if done.active is None else done.active.kid,
                "successor": done.successor,
                "unlisted": done.unlisted,
                "status_lists": done.lists,
                "checkpoint_signed_anew": done.checkpoint,
            }
        )
        return
    click.secho(f"{done.key.kid}  {_STATES[done.key.state]}  {_purpose(done.key)}", fg="red")
    click.echo(f"  自 / since {moment(done.key.compromised_at)}  {_cut(done.key)}")
    click.echo("  私钥已清除，不能再签 / the private key is erased and signs no more")
    click.echo(f"  {_OUTCOMES[done.outcome]}")
    if done.lists:
        click.echo(f"  状态列表将立即重签 / status lists to be signed anew: {done.lists}")
    if done.checkpoint:
        click.echo("  日志检查点已由新密钥重签 / the log's checkpoint is signed by its new key")
    if done.active is None:
        click.secho("  没有接替密钥，签发已停止 / nothing signs in its place", fg="yellow")
        click.echo("  下一步 / next: 同一命令加 --replace / the same command with --replace")
    else:
        click.echo(f"  现用密钥 / active now: {done.active.kid}")
    _warn_unlisted(unlisted=done.unlisted)
    click.echo("  受影响的证照 / certificates concerned: certsvc keys impact")


def tell_impact(found: Impact, *, as_json: bool) -> None:
    """Say what hangs on a key, with a picture."""
    if as_json:
        print_json(found.to_json())
        return
    click.echo(f"{found.key.kid}  {_STATES[found.key.state]}  {_purpose(found.key)}")
    click.echo(f"  已公布日志 / published log: {_or_dash(found.log_size)}")
    click.echo(f"  截断于 / cut at log index: {_or_dash(found.cut)}")
    if found.at is not None:
        click.echo(f"  {moment(found.at)} 时日志 / log then: {_or_dash(found.log_size_at)}")
    most = max((row.live for row in found.rows), default=0) or 1
    for row in found.rows:
        click.echo(f"  {row.type}  在用 live {row.live}")
        kept, lost = _bar(row.kept, most), _bar(row.lost, most)
        click.echo(f"    {'█' * kept}{'░' * lost} 仍有效 kept {row.kept} · 须重发 lost {row.lost}")
        states = "  ".join(f"{name} {count}" for name, count in sorted(row.states.items()))
        click.echo(f"    {states}")
    click.echo(f"  合计 / together: 在用 live {found.live} · 仍有效 kept {found.kept} · ", nl=False)
    click.echo(f"须重发 lost {found.live - found.kept}")
    lists = ", ".join(f"{number} ({count})" for number, count in found.lists.items())
    click.echo(f"  状态列表 / status lists: {lists or '—'}")


def tell_plan(steps: Sequence[Step], *, now: int, as_json: bool) -> None:
    """Say what is due and what comes next."""
    if as_json:
        print_json([step_members(step, now=now) for step in steps])
        return
    if not steps:
        click.echo("没有要做的 / nothing to do")
    for step in steps:
        when = "现在 now" if step.at <= now else moment(step.at)
        issuer_id, purpose, types, _ = step.group
        of = f"{purpose} {','.join(types)}".strip()
        click.echo(f"{when}  {_ACTIONS[step.action]}  {issuer_id} {of}  {step.kid or ''}".rstrip())
        click.echo(f"    {_REASONS[step.reason]}")


def tell_applied(done: Applied, *, now: int, as_json: bool) -> None:
    """Say what was done."""
    if as_json:
        steps = [step_members(step, now=now) for step in done.steps]
        print_json({"steps": steps, "outcome": done.outcome})
        return
    tell_plan(done.steps, now=now, as_json=False)
    if done.outcome is not None:
        click.echo(_OUTCOMES[done.outcome])


def key_members(key: KeyInfo) -> dict[str, object]:
    """The open part of a key, for machines."""
    return {
        "issuer": key.issuer_id,
        "kid": key.kid,
        "alg": key.alg,
        "purpose": key.purpose,
        "types": list(key.types),
        "role": key.role,
        "state": key.state.value,
        "created_at": key.created_at,
        "pre_published_at": key.pre_published_at,
        "activated_at": key.activated_at,
        "retired_at": key.retired_at,
        "destroyed_at": key.destroyed_at,
        "compromised_at": key.compromised_at,
        "accept_before_log_index": key.accept_before_log_index,
    }


def step_members(step: Step, *, now: int) -> dict[str, object]:
    """A step, for machines."""
    issuer_id, purpose, types, _ = step.group
    return {
        "action": step.action.value,
        "at": step.at,
        "due": step.at <= now,
        "reason": step.reason.value,
        "issuer": issuer_id,
        "purpose": purpose,
        "types": list(types),
        "kid": step.kid,
        "replaces": step.replaces,
    }


def _listed(one: Listed) -> dict[str, object]:
    return {
        **key_members(one.key),
        "listed_at": one.listed_at,
        "used": one.used,
        "overdue": one.overdue,
    }


def _purpose(key: KeyInfo) -> str:
    return " ".join(filter(None, (key.purpose, key.role, ",".join(key.types))))


def _cut(key: KeyInfo) -> str:
    if key.accept_before_log_index is None:
        return "其签名一律不再接受 / nothing it signed is accepted"
    return f"日志 {key.accept_before_log_index} 之前的仍有效 / what the log held before stays valid"


def _warn_unlisted(*, unlisted: bool) -> None:
    if unlisted:
        click.secho(
            "  注意：签字公布之前，核验方不认识新密钥 / verifiers do not know the new key yet",
            fg="yellow",
        )


def _bar(count: int, most: int) -> int:
    """Characters for a count: none for none, at least one for any."""
    return 0 if not count else max(1, round(count * WIDTH / most))


def _or_dash(value: int | None) -> str:
    return "—" if value is None else str(value)
