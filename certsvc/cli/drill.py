"""`certsvc drill compromise`: a key is stolen, for practice, in a world to throw away."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

import click

from certsvc.cli.drill_scene import Scene, throw_away
from certsvc.cli.drill_story import COLUMNS, EXPECTED, ROWS, Drill, Told
from certsvc.cli.run import running
from certsvc.cli.stage import Stage, UnexpectedError
from certsvc.home import HomeInUse
from certsvc_sdk.codes import CODES, Outcome

_MARKS = {Outcome.VALID: ("✔", "green"), Outcome.INVALID: ("✘", "red")}
_UNKNOWN = ("?", "yellow")
WIDTH = 40


@click.group()
def drill() -> None:
    """演练 · Drills in a world to throw away; nothing of yours is changed."""


@drill.command()
@click.option(
    "--like",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="在此演示数据目录的副本上演练 / play it in a copy of this demo's data folder",
)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")
def compromise(*, like: Path | None, as_json: bool) -> None:
    """密钥失窃演练 · Steal an office's key, end it, and see who sees what.

    Exit code 0: everybody saw what they must see, in time; 1: somebody did not.
    """
    with tempfile.TemporaryDirectory(prefix="certsvc-drill-") as folder:
        try:
            settings = throw_away(Path(folder) / "var", like)
        except HomeInUse as error:
            raise click.ClickException(
                f"{like} 正在使用，请先停止服务 / is in use: stop the services first"
            ) from error
        except UnexpectedError as error:
            raise click.ClickException(str(error)) from error
        with running(settings, write=lambda _line: None):
            played = Drill(Scene(Stage(settings)))
            _play(played, quiet=as_json)
    told = played.told
    if as_json:
        click.echo(json.dumps(_json(told), ensure_ascii=False, indent=1))
    else:
        _tell(told)
    if told.wrong or not told.in_time:
        sys.exit(1)


def _play(played: Drill, *, quiet: bool) -> None:
    for number, (zh, en, act) in enumerate(played.acts(), 1):
        began = time.monotonic()
        try:
            said = act(played)
        except UnexpectedError as error:
            raise click.ClickException(f"{number}. {zh} / {en}: {error}") from error
        if not quiet:
            head = click.style(zh, bold=True)
            click.echo(f"{number}. {head} · {en}  ({time.monotonic() - began:.1f} s)")
            click.echo(f"     {said}")


def _tell(told: Told) -> None:
    click.echo()
    for number, (zh, en) in enumerate(COLUMNS.values(), 1):
        click.echo(f"[{number}] {zh} · {en}")
    click.echo("\n" + " " * WIDTH + "".join(f"[{n}]".ljust(5) for n in range(1, len(COLUMNS) + 1)))
    wrong = set(told.wrong)
    for row, (zh, en) in ROWS.items():
        cells = (_cell(told, row, column, (row, column) in wrong) for column in COLUMNS)
        click.echo(_padded(zh) + "".join(cells))
        click.echo(f"  {en}")
    click.echo("\n✔ 有效 valid   ✘ 无效 invalid   ? 待查 unknown   - 尚无 not yet issued")
    click.echo(
        f"分界线 / the line: #{told.line}   须重新签发 / to be issued again: {told.lost}\n"
        f"处置用时 / from the alarm to the new key: {told.seconds:.1f} s"
        "（承诺 60 分钟 / promised: 60 min）"
    )
    if told.wrong:
        for row, column in told.wrong:
            said = told.seen.get((row, column), "-")
            must = EXPECTED[row][list(COLUMNS).index(column)] or "-"
            click.echo(f"不符 / wrong: {row}, {column}: {said}，应为 / expected {must}", err=True)
    else:
        click.secho("✔ 此前签发的证照仍然有效 / honest certificates stay valid", fg="green")


def _cell(told: Told, row: str, column: str, wrong: bool) -> str:
    code = told.seen.get((row, column))
    if code is None:
        return "-".ljust(5)
    mark, colour = _MARKS.get(CODES[code].outcome, _UNKNOWN)
    return click.style((mark + ("!" if wrong else "")).ljust(5), fg=colour)


def _padded(text: str) -> str:
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return text + " " * max(1, WIDTH - len(text) - wide)


def _json(told: Told) -> dict[str, object]:
    return {
        "line": told.line,
        "to_be_issued_again": told.lost,
        "seconds": round(told.seconds, 3),
        "promised_seconds": 3600,
        "seen": {row: {column: told.seen.get((row, column)) for column in COLUMNS} for row in ROWS},
        "wrong": [list(cell) for cell in told.wrong],
    }
