"""`certsvc issue`: a file of records becomes certificates, with a row-by-row report."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import click

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.catalogue.errors import CatalogueError
from certsvc.custody import open_keys
from certsvc.issuing.batch import Report, RowResult, issue_file
from certsvc.issuing.errors import IssuingError
from certsvc.issuing.intake import Intake, format_of, read_rows
from certsvc.issuing.service import IssuingService
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service.engine import make_engine, reading
from certsvc.service.principal import operator
from certsvc.service.retries import Retries
from certsvc.service.settings import Settings
from certsvc.storage.issuers import Issuers
from certsvc.worker import Worker, make_worker
from certsvc_sdk.trust.record import parse_record

#: Refused rows shown on the screen; the report file has all of them.
SHOWN = 20


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "type_name", required=True, help="证照类型 / e.g. business-licence")
@click.option("--profile", help="版式，默认按类型 / profile of the type")
@click.option("--issuer", help="发证机关代码，默认唯一有权者 / USCC of the issuer")
@click.option("--ignore-column", multiple=True, metavar="NAME", help="忽略的列 / column to drop")
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="逐行报告存为 JSON / write the row-by-row report as JSON",
)
def issue(
    file: Path,
    type_name: str,
    profile: str | None,
    issuer: str | None,
    ignore_column: tuple[str, ...],
    report_file: Path | None,
) -> None:
    """从文件批量签发 · Issue a certificate for every good row of a CSV or JSONL FILE.

    The same file again issues nothing twice. Exit code 0: every row has its certificate;
    1: some were refused; 2: nothing could be done.
    """
    settings = Settings.from_env(os.environ)
    if not bootstrap.is_initialised(settings):
        raise NothingDone("尚未初始化，请先运行 certsvc init / not set up yet: run certsvc init")
    try:
        intake = _read(file, type_name, ignore_column)
        report = _issue_rows(settings, intake, type_name, profile=profile, issuer=issuer)
    except (IssuingError, CatalogueError) as error:
        raise NothingDone(f"{error.code}: {error}") from error
    _summarise(report, type_name)
    if report_file is not None:
        report_file.write_text(
            json.dumps(as_json(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        click.echo(f"逐行报告 / report: {report_file}")
    sys.exit(1 if report.refused else 0)


class NothingDone(click.ClickException):
    """The file could not be worked on at all."""

    exit_code = 2


def _read(file: Path, type_name: str, ignored: tuple[str, ...]) -> Intake:
    known = Catalogue.builtin().get(type_name).json_schema()["properties"]
    intake = read_rows(file.read_bytes(), format_of(file.name), known=list(known), ignore=ignored)
    if intake.unknown_columns:
        names = ", ".join(intake.unknown_columns)
        click.secho(
            f"类型中没有这些列，所在行将被拒绝（可用 --ignore-column）/ unknown columns: {names}",
            fg="yellow",
        )
    return intake


def _issue_rows(
    settings: Settings, intake: Intake, type_name: str, *, profile: str | None, issuer: str | None
) -> Report:
    engine = make_engine(settings.database_url)
    fence_of(settings, engine).require()
    attach_journal(settings, engine, clock_ns=time.time_ns, rng=secrets.token_bytes)
    keys = open_keys(settings)
    service = IssuingService(
        engine=engine,
        keys=keys,
        catalogue=Catalogue.builtin(),
        settings=settings,
        clock=time.time,
        retries=Retries(sleep=time.sleep),
    )
    with reading(engine) as connection:
        records = [parse_record(each.record.encode()) for each in Issuers(connection).all()]
    vct = f"{settings.public_url}vct/{type_name}"
    entitled = [r.uscc for r in records if any(right.vct == vct for right in r.rights)]
    chosen = issuer or (entitled[0] if len(entitled) == 1 else None)
    if chosen is None or chosen not in {record.uscc for record in records}:
        raise NothingDone(f"请用 --issuer 指定机关 / name the issuer: {', '.join(entitled) or '—'}")
    publish_first_list(make_worker(settings, engine, keys, name="issue"))
    with click.progressbar(
        length=len(intake.rows), label="签发 / issuing", show_pos=True, show_eta=True
    ) as bar:

        def advance(_result: RowResult) -> None:
            bar.update(1)

        report = issue_file(service, operator(chosen), intake, type_name, advance, profile=profile)
    engine.dispose()
    return report


def publish_first_list(worker: Worker) -> None:
    """Publish a first list that nobody has published yet: the worker's work, done once here.

    A worker that runs holds the lease and has done it; one that starts need not wait for ours.
    """
    try:
        worker.run_once()
    finally:
        worker.release()


def _summarise(report: Report, type_name: str) -> None:
    refused = [row for row in report.rows if not row.ok]
    for row in refused[:SHOWN]:
        for error in row.errors:
            click.echo(
                f"  第 {row.number} 条（行 {row.line}） {error.path or '—'}  "
                f"{click.style(error.code, fg='red')}  {error.zh} / {error.en}"
            )
    if len(refused) > SHOWN:
        click.echo(f"  …… 另有 {len(refused) - SHOWN} 条 / more refused rows")
    click.echo(
        f"{type_name}: "
        + click.style(f"签发 issued {report.issued}", fg="green")
        + f" · 此前已签发 already issued {report.replayed} · "
        + click.style(f"拒绝 refused {report.refused}", fg="red" if refused else None)
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report file: totals, then one entry a row."""
    return {
        "file_sha256": report.sha256,
        "issued": report.issued,
        "already_issued": report.replayed,
        "refused": report.refused,
        "unknown_columns": list(report.unknown_columns),
        "rows": [
            {
                "number": row.number,
                "line": row.line,
                "ok": row.ok,
                "id": row.certificate_id,
                "certificate_identifier": row.certificate_identifier,
                "already_issued": row.replayed,
                "errors": [error.to_json() for error in row.errors],
            }
            for row in report.rows
        ],
    }
