"""An archive that is written as it goes, as other programs read it."""

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from certsvc.face.archive import Archive

NOW = 1_800_000_000


def _archive(members: dict[str, bytes], *, at: int = NOW) -> list[bytes]:
    archive = Archive()
    return [*(archive.add(name, data, at=at) for name, data in members.items()), archive.close()]


def test_members_come_back() -> None:
    members = {"营业执照_1.pdf": b"%PDF" * 1000, "empty.pdf": b"", "manifest.jsonl": b"{}\n"}
    parts = _archive(members)
    assert all(parts[:-1])
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as read:
        assert read.testzip() is None
        assert {name: read.read(name) for name in read.namelist()} == members
        assert read.infolist()[0].date_time == (2027, 1, 15, 8, 0, 0)
        assert read.infolist()[0].external_attr >> 16 == 0o100644


def test_the_same_members_make_the_same_bytes() -> None:
    assert _archive({"a.pdf": b"a"}) == _archive({"a.pdf": b"a"})


@pytest.mark.parametrize("at", [-(10**12), 0, 10**12], ids=["before", "epoch", "after"])
def test_any_time_has_a_date(at: int) -> None:
    data = b"".join(_archive({"a.pdf": b"a"}, at=at))
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


def test_without_its_end_nothing_opens() -> None:
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(_archive({"a.pdf": b"a" * 99})[:-1])))


def test_another_program_reads_it(tmp_path: Path) -> None:
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    file = tmp_path / "a.zip"
    file.write_bytes(b"".join(_archive({"执照.pdf": b"x" * 5000})))
    done = subprocess.run(["unzip", "-tq", file], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
