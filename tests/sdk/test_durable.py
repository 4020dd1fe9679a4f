"""A file is the old one or the new one, and nothing half-written stays behind."""

import os
from pathlib import Path

import pytest

from certsvc_sdk.durable import replace_file, replace_files


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_replaced_with_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    for data in (b"old", b"new", b""):
        replace_file(path, data, mode=mode)
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o777 == mode
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "file", b"data")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_many_files_are_replaced_together(tmp_path, count):
    files = {tmp_path / f"{number}": b"new %d" % number for number in range(count)}
    for path in files:
        path.write_bytes(b"old")
    replace_files(files, mode=0o644)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in files)


def test_of_many_files_none_is_seen_in_part(tmp_path, monkeypatch):
    files = {tmp_path / f"{number}": bytes(1000) for number in range(20)}
    for path in files:
        path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="full"):
        replace_files(files)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old"}
    assert len(list(tmp_path.iterdir())) == 20


def _full(_descriptor):
    raise OSError(28, "full")
