"""`certsvc face` and `certsvc export` on an installation without a server."""

import errno
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pypdf
import pytest

from certsvc.cli.faces import NotPrinted, read_ids
from certsvc.printing import exporting

TOKEN = "certificate.jwt"


def test_a_face_by_id_and_by_identifier(world: Any, tmp_path: Path) -> None:
    view = world.licences[0]
    for name in (view.certificate_id, view.certificate_identifier):
        place = tmp_path / f"{len(name)}.pdf"
        done = world.run("face", name, "--output", str(place), "--lang", "zh-en")
        assert done.exit_code == 0, done.output
        assert str(place) in done.output
        assert pypdf.PdfReader(place).attachments[TOKEN] == [view.token.encode()]


def test_a_face_is_named_after_its_certificate(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    view = world.licences[0]
    assert world.run("face", view.certificate_id).exit_code == 0
    serial = view.certificate_identifier.split(".")[-3]
    assert [one.name for one in tmp_path.iterdir()] == [f"营业执照_{serial}_001.pdf"]


def test_a_signed_face(world: Any, tmp_path: Path) -> None:
    place = tmp_path / "a.pdf"
    view = world.licences[0]
    done = world.run("face", view.certificate_id, "-o", str(place), CERTSVC_PADES="true")
    assert done.exit_code == 0, done.output
    assert b"/ETSI.CAdES.detached" in place.read_bytes()


@pytest.mark.parametrize("name", ["f" * 32, "1.2.156.3005.2.X", "", "中\ud800", "a\0b"], ids=ascii)
def test_what_is_not_there_is_not_printed(world: Any, tmp_path: Path, name: str) -> None:
    done = world.run("face", name, "-o", str(tmp_path / "a.pdf"))
    assert done.exit_code == 2
    assert "certificate_not_found" in done.output
    assert not list(tmp_path.iterdir())


def test_an_export_from_a_report(world: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    rows = [{"id": one.certificate_id, "ok": True} for one in world.licences[:3]]
    report.write_text(json.dumps({"issued": 3, "rows": [*rows, {"id": None, "ok": False}]}))
    place = tmp_path / "out.zip"
    done = world.run("export", "f" * 32, "--from", str(report), "--output", str(place))
    assert done.exit_code == 1, done.output
    assert "certificate_not_found" in done.output
    with zipfile.ZipFile(place) as archive:
        lines = archive.read("manifest.jsonl").decode().splitlines()
        assert len(archive.namelist()) == 4
    assert [json.loads(line).get("error") for line in lines] == [
        "certificate_not_found", None, None, None,
    ]  # fmt: skip


def test_an_export_as_one_document(world: Any, tmp_path: Path) -> None:
    place = tmp_path / "out.pdf"
    ids = [one.certificate_id for one in world.licences[:2]]
    done = world.run("export", *ids, *ids, "-o", str(place))
    assert done.exit_code == 0, done.output
    assert "exported 2" in done.output
    assert len(pypdf.PdfReader(place).attachments) == 3


class Full:
    """An export on a disk that fills up."""

    def __init__(self, *_: object) -> None:
        self.chunks = 0

    def __iter__(self) -> "Full":
        return self

    def __next__(self) -> bytes:
        self.chunks += 1
        if self.chunks > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return b"x" * 1000


def test_a_full_disk_leaves_no_half_a_file(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certsvc.cli.faces.exported", Full)
    place = tmp_path / "out.zip"
    place.write_bytes(b"of yesterday")
    done = world.run("export", world.licences[0].certificate_id, "-o", str(place))
    assert isinstance(done.exception, OSError)
    assert [one.name for one in tmp_path.iterdir()] == ["out.zip"]
    assert place.read_bytes() == b"of yesterday"


def test_a_folder_that_is_not_there(world: Any, tmp_path: Path) -> None:
    done = world.run("export", "f" * 32, "-o", str(tmp_path / "no" / "out.zip"))
    assert done.exit_code != 0
    assert not list(tmp_path.iterdir())


def test_nothing_to_export(world: Any, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("\n\n")
    done = world.run("export", "--from", str(tmp_path / "ids"), "-o", str(tmp_path / "out.zip"))
    assert done.exit_code == 2
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a\n b \r\n\n", ["a", "b"]),
        ('{"id": "a"}\n{"id": "b", "file": "x"}\n', ["a", "b"]),
        ('{"id": "a"}', ["a"]),
        ('{"rows": [{"id": "a"}, {"id": null}, {}]}', ["a"]),
        ("\ufeffa\n", ["a"]),
        ("", []),
    ],
)
def test_files_of_ids(tmp_path: Path, text: str, ids: Sequence[str]) -> None:
    (tmp_path / "ids").write_text(text, encoding="utf-8")
    assert read_ids(tmp_path / "ids") == ids


@pytest.mark.parametrize("text", ['{"rows": 3}', '{"a": ', '{"id": "a"}\n[]', '{"rows": [1]}'])
def test_files_that_hold_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "ids").write_text(text, encoding="utf-8")
    with pytest.raises(NotPrinted):
        read_ids(tmp_path / "ids")


def test_the_formats_have_media_types() -> None:
    assert set(exporting.MEDIA_TYPES) == set(exporting.FORMATS)
