"""`certsvc face` and `certsvc export`: certificates on paper, one or many, without a server."""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.custody import open_keys
from certsvc.face.errors import FaceError
from certsvc.face.job import LANGUAGES, Language
from certsvc.issuing.errors import CertificateNotFound, IssuingError
from certsvc.issuing.exports import Found
from certsvc.issuing.model import CertificateView
from certsvc.issuing.service import IssuingService
from certsvc.printing.desk import PrintingDesk
from certsvc.printing.errors import PrintingError
from certsvc.printing.exporting import FORMATS, MANIFEST, Export, Format, Line, exported
from certsvc.printing.opening import open_desk
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service.engine import make_engine, reading
from certsvc.service.principal import Principal, operator
from certsvc.service.retries import Retries
from certsvc.service.settings import Settings
from certsvc.storage.issuers import Issuers

_LANG = click.option(
    "--lang", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="标签语言 / labels"
)
_ID = re.compile(r"[0-9a-f]{32}")
#: Failures shown on the screen; the manifest has all of them.
SHOWN = 20


class NotPrinted(click.ClickException):
    """Nothing was written."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class _Shop:
    """What prints, and the issuers of this installation."""

    service: IssuingService
    desk: PrintingDesk
    issuers: tuple[Principal, ...]

    def take(self, ids: Sequence[str]) -> list[tuple[Principal, Found]]:
        """Each certificate from whichever issuer has it."""
        found: dict[str, tuple[Principal, Found]] = {
            one: (self.issuers[0], CertificateNotFound("no such certificate")) for one in ids
        }
        missing = list(ids)
        for principal in self.issuers:
            for one, view in zip(
                missing, self.service.exports.take(principal, missing), strict=True
            ):
                if not isinstance(view, CertificateNotFound):
                    found[one] = principal, view
            missing = [one for one in missing if isinstance(found[one][1], CertificateNotFound)]
        return [found[one] for one in ids]

    def named(self, name: str) -> tuple[Principal, CertificateView]:
        """A certificate by its id or its certificate identifier."""
        read = self.service.get if _ID.fullmatch(name) else self.service.exports.find
        for principal in self.issuers:
            with suppress(CertificateNotFound):
                return principal, read(principal, name)
        raise CertificateNotFound("no such certificate")


@click.command()
@click.argument("certificate")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="文件，默认按证照取名 / file, by default named after the certificate",
)
@_LANG
def face(certificate: str, *, output: Path | None, lang: str) -> None:
    """把一份证照生成为 PDF · Print CERTIFICATE (its id or its certificate identifier) as PDF."""
    with _opened() as shop, _words():
        principal, view = shop.named(certificate)
        order = shop.desk.order(principal, view, cast("Language", lang))
        pdf = shop.desk.print(principal, order)
    place = output or Path(order.name)
    with _written(place) as file:
        file.write(pdf)
    click.echo(f"版式文件 / face: {place}")


@click.command()
@click.argument("certificates", nargs=-1)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="编号文件，每行一个，或签发报告 / ids, one a line, or the report of an issue",
)
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="文件 / file",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="默认看文件名 / by default after the file's name",
)
@_LANG
def export(
    certificates: tuple[str, ...], *, source: Path | None, output: Path, kind: str | None, lang: str
) -> None:
    """把多份证照导出为一个文件 · Print many certificates into one archive or one PDF.

    Exit code 0: every certificate is in it; 1: some are not (see the manifest in the file);
    2: nothing was written.
    """
    ids = [*certificates, *(() if source is None else read_ids(source))]
    if not ids:
        raise click.UsageError("没有证照编号 / no certificates: give IDS or --from FILE")
    ids = list(dict.fromkeys(ids))
    named: Format = "pdf" if output.suffix.lower() == ".pdf" else "zip"
    failures: list[Line] = []
    began, done = time.monotonic(), 0
    with _opened() as shop, _words(), _written(output) as file, _bar(len(ids)) as bar:

        def told(line: Line) -> None:
            nonlocal done
            done += 1
            if "error" in line:
                failures.append(line)
            rate = done / max(time.monotonic() - began, 0.001)
            bar.label = f"导出 / exporting {rate:.1f}/s（失败 failed {len(failures)}）"
            bar.update(1)

        wanted = Export(
            ids=ids,
            format=cast("Format", kind) if kind else named,
            language=cast("Language", lang),
            take=shop.take,
            told=told,
        )
        for data in exported(shop.desk, wanted):
            file.write(data)
    _summarise(len(ids), failures, output)
    raise SystemExit(1 if failures else 0)


def read_ids(file: Path) -> list[str]:
    """Ids of certificates out of a file.

    Args:
        file: one id a line, JSON Lines with a member `id` each, or the report of `certsvc issue`.

    Raises:
        NotPrinted: it is none of these.
    """
    text = file.read_text(encoding="utf-8-sig")
    try:
        if text.lstrip().startswith("{"):
            first, *more = _json_values(text)
            rows = first["rows"] if not more and "rows" in first else [first, *more]
            return [row["id"] for row in rows if isinstance(row.get("id"), str)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotPrinted(f"读不出编号 / no ids in {file.name}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _json_values(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


@contextmanager
def _opened() -> Iterator[_Shop]:
    settings = Settings.from_env(os.environ)
    if not bootstrap.is_initialised(settings):
        raise NotPrinted("尚未初始化，请先运行 certsvc init / not set up yet: run certsvc init")
    engine = make_engine(settings.database_url)
    fence_of(settings, engine).require()
    attach_journal(settings, engine, clock_ns=time.time_ns, rng=secrets.token_bytes)
    keys, catalogue = open_keys(settings), Catalogue.builtin()
    service = IssuingService(
        engine=engine,
        keys=keys,
        catalogue=catalogue,
        settings=settings,
        clock=time.time,
        retries=Retries(sleep=time.sleep),
    )
    with reading(engine) as connection:
        issuers = tuple(operator(each.issuer_id) for each in Issuers(connection).all())
    desk = open_desk(
        settings,
        catalogue=catalogue,
        exports=service.exports,
        keys=keys,
        clock=time.time,
        monotonic=time.monotonic,
    )
    try:
        yield _Shop(service, desk, issuers)
    finally:
        desk.presses.close()
        engine.dispose()


@contextmanager
def _words() -> Iterator[None]:
    """Say in a line why nothing was printed."""
    try:
        yield
    except (IssuingError, FaceError, PrintingError) as error:
        raise NotPrinted(f"{error.code}: {error}") from error


@contextmanager
def _written(place: Path) -> Iterator[Any]:
    """A file that appears whole or not at all, for its owner's eyes only."""
    descriptor, name = tempfile.mkstemp(prefix=".certsvc-", suffix=".part", dir=place.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _bar(length: int) -> Any:  # noqa: ANN401 - click's own type is private
    return click.progressbar(length=length, label="导出 / exporting", show_pos=True, show_eta=True)


def _summarise(total: int, failures: Sequence[Line], output: Path) -> None:
    for line in failures[:SHOWN]:
        code = click.style(str(line["error"]), fg="red")
        click.echo(f"  {line['id']}  {code}  {line['text']}")
    if len(failures) > SHOWN:
        click.echo(f"  …… 另有 {len(failures) - SHOWN} 份 / more in {MANIFEST}")
    done = click.style(f"导出 exported {total - len(failures)}", fg="green")
    failed = click.style(f"失败 failed {len(failures)}", fg="red" if failures else None)
    click.echo(f"{output}: {done} · {failed}")
