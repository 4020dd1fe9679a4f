"""Many faces: one bad one keeps none back, memory stays flat, every one is in the trail."""

import gc
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pypdf
import pytest

from certsvc.issuing.errors import CertificateNotFound, StorageUnavailable
from certsvc.printing.exporting import MANIFEST, Export, exported
from certsvc.service.engine import reading
from certsvc.service.principal import Principal, client, operator
from certsvc.storage.audit import Audit

Make = Callable[..., Any]
HOUSEHOLD = "119999000000000273"


def _take(world: Any, principal: Principal) -> Callable[[Sequence[str]], Any]:
    return lambda ids: [(principal, one) for one in world.service.exports.take(principal, ids)]


def _export(world: Any, ids: Sequence[str], **changes: Any) -> Export:
    given: dict[str, Any] = {
        "ids": ids,
        "format": "zip",
        "language": "zh",
        "take": _take(world, changes.pop("principal", world.principal)),
    }
    return Export(**{**given, **changes})


def _collect(stream: Iterable[bytes], parts: bytearray) -> None:
    for data in stream:
        parts += data


def _lines(manifest: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in manifest.splitlines()]


@pytest.fixture(scope="module")
def face(world: Any) -> bytes:
    desk = world.desk()
    data: bytes = desk.print(world.principal, desk.order(world.principal, world.licences[0], "zh"))
    return data


def test_an_archive(world: Any) -> None:
    ids = [one.certificate_id for one in world.licences[:3]]
    wanted = [ids[0], "f" * 32, ids[1], ids[0], "../../x\r\n", ids[2]]
    data = b"".join(exported(world.desk(), _export(world, wanted)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        lines = _lines(archive.read(MANIFEST))
        names = archive.namelist()
        tokens = [
            pypdf.PdfReader(io.BytesIO(archive.read(line["file"]))).attachments["certificate.jwt"]
            for line in lines
            if "file" in line
        ]
    assert [line["id"] for line in lines] == [ids[0], "f" * 32, ids[1], "../../x\r\n", ids[2]]
    assert [line.get("error") for line in lines] == [
        None, "certificate_not_found", None, "certificate_not_found", None,
    ]  # fmt: skip
    assert names == [*(line["file"] for line in lines if "file" in line), MANIFEST]
    assert tokens == [[one.token.encode()] for one in world.licences[:3]]
    assert not any("/" in name or ".." in name for name in names)


def test_one_document(world: Any) -> None:
    ids = ["f" * 32, *(one.certificate_id for one in world.licences[:2])]
    data = b"".join(exported(world.desk(), _export(world, ids, format="pdf")))
    read = pypdf.PdfReader(io.BytesIO(data), strict=True)
    lines = _lines(read.attachments[MANIFEST][0])
    assert [line.get("error") for line in lines] == ["certificate_not_found", None, None]
    for line, view in zip(lines[1:], world.licences, strict=False):
        assert read.attachments[line["attachment"]] == [view.token.encode()]
        text = read.pages[line["first_page"] - 1].extract_text()
        assert view.certificate_identifier.split(".")[-3] in text.replace("\n", "")


def test_another_tenants_certificates_are_none(world: Any) -> None:
    ids = [one.certificate_id for one in world.licences[:2]]
    found = world.service.exports.take(operator(HOUSEHOLD), ids)
    assert [type(one) for one in found] == [CertificateNotFound] * 2
    reader = client(world.principal.issuer_id, "x", scopes=["issue"])
    with pytest.raises(Exception, match="scope read"):
        world.service.exports.take(reader, ids)


def test_each_that_leaves_is_in_the_trail(world: Any, presses: Make) -> None:
    ids = [one.certificate_id for one in world.licences[:4]]
    with reading(world.engine) as connection:
        before = len(Audit(connection).rows(world.principal.issuer_id, limit=10_000))
    desk = world.desk(presses=presses())
    list(exported(desk, _export(world, [*ids, "f" * 32])))
    with reading(world.engine) as connection:
        trail = Audit(connection)
        rows = trail.rows(world.principal.issuer_id, after=before)
        assert trail.first_fault(world.principal.issuer_id) is None
    assert [(row.action, row.object) for row in rows] == [
        ("certificate.export", one) for one in ids
    ]


@pytest.mark.parametrize(("kind", "count"), [("zip", 300), ("pdf", 80)])
def test_memory_stays_flat(world: Any, presses: Make, face: bytes, kind: str, count: int) -> None:
    # The same few certificates under many ids: what is counted is what an export holds.
    views = world.licences
    pdf = face if kind == "pdf" else face[: 64 * 1024]
    desk = world.desk(presses=presses(pdf=pdf))
    export = _export(
        world,
        [f"{number:032x}" for number in range(count)],
        format=kind,
        take=lambda ids: [(world.principal, views[int(one, 16) % len(views)]) for one in ids],
    )
    sizes, total = [], 0
    tracemalloc.start()
    try:
        for number, data in enumerate(exported(desk, export)):
            total += len(data)
            if number in (30, count - 10):
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 0.6 * count * len(pdf)
    # A few faces in their several forms, whatever their number.
    assert peak < 40 * len(pdf)
    # A manifest's line, an archive's entry, the offsets of a document.
    assert sizes[1] - sizes[0] < (count - 40) * 4096


def test_whoever_hangs_up_stops_it(world: Any, presses: Make) -> None:
    desk, taken = world.desk(presses=presses()), []

    def take(ids: Sequence[str]) -> Any:
        taken.extend(ids)
        return [(world.principal, world.licences[0]) for _ in ids]

    stream = exported(desk, _export(world, [f"{n:032x}" for n in range(500)], take=take))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(taken) <= 100


def test_a_press_that_dies_costs_one_certificate(world: Any, presses: Make) -> None:
    ids = [one.certificate_id for one in world.licences[:4]]
    desk = world.desk(presses=presses("dies-later"))
    data = b"".join(exported(desk, _export(world, ids)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = _lines(archive.read(MANIFEST))
    assert [line.get("error") for line in lines] == [None, "press_unavailable"] * 2


def test_a_database_that_fails_breaks_the_export_off(world: Any, presses: Make) -> None:
    batches = []

    def take(ids: Sequence[str]) -> Any:
        if batches:
            raise StorageUnavailable("gone")
        batches.append(ids)
        return [(world.principal, world.licences[0]) for _ in ids]

    desk = world.desk(presses=presses())
    parts = bytearray()
    stream = exported(desk, _export(world, [f"{n:032x}" for n in range(60)], take=take))
    with pytest.raises(StorageUnavailable):
        _collect(stream, parts)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(bytes(parts)))
