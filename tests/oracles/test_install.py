"""The Node side of these tests: what is locked, its licences, and what without a network."""

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LICENCES = {"Apache-2.0", "BSD-3-Clause", "MIT", "(MIT AND Zlib)"}
PEERS = ("core", "crypto-nodejs", "jwt-status-list", "sd-jwt-vc")


@pytest.fixture
def lock(installer: ModuleType) -> dict[str, Any]:
    text = (installer.FOLDER / "package-lock.json").read_text(encoding="utf-8")
    packages: dict[str, Any] = json.loads(text)["packages"]
    return packages


@pytest.fixture
def folder(installer: ModuleType, tmp_path: Path) -> Path:
    """The locked packages in an empty folder."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(installer.FOLDER / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """npm finds nothing in its cache and must not ask anybody."""
    monkeypatch.setenv("npm_config_cache", str(folder / "cache"))
    monkeypatch.setenv("npm_config_offline", "true")


def test_the_lock_holds_hashes_and_no_addresses(lock: dict[str, Any]) -> None:
    installed = [package for name, package in lock.items() if name]
    assert all(package["integrity"].startswith("sha512-") for package in installed)
    assert not any({"resolved", "hasInstallScript"} & package.keys() for package in installed)


def test_the_peers_are_those_that_the_formats_must_satisfy(lock: dict[str, Any]) -> None:
    versions = {name: package.get("version") for name, package in lock.items()}
    assert [versions[f"node_modules/@sd-jwt/{name}"] for name in PEERS] == ["0.19.0"] * 4
    assert versions["node_modules/jose"].startswith("6.")
    named = {f"node_modules/{name}" for name in lock[""]["dependencies"]}
    assert named == {*(f"node_modules/@sd-jwt/{name}" for name in PEERS), "node_modules/jose"}


def test_every_licence_is_permissive(lock: dict[str, Any]) -> None:
    assert {package["license"] for package in lock.values()} <= LICENCES


def test_a_second_run_does_nothing(
    installer: ModuleType, node: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """`node` stands for an installation that is there."""
    assert installer.main() == 0
    assert capsys.readouterr().out == ""


def test_another_lock_is_another_installation(installer: ModuleType, folder: Path) -> None:
    assert not installer.is_installed(folder)
    stamp = folder / "node_modules" / ".installed"
    stamp.parent.mkdir()
    stamp.write_text(installer._lock_hash(folder), encoding="ascii")
    assert installer.is_installed(folder)
    lock = folder / "package-lock.json"
    lock.write_text(lock.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert not installer.is_installed(folder)


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
@pytest.mark.usefixtures("no_network")
def test_without_a_network_it_says_so_and_fails_in_ci_only(
    ci: str,
    code: int,
    installer: ModuleType,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", ci)
    assert installer.main(folder) == code
    assert "未能安装" in capsys.readouterr().out
    assert not installer.is_installed(folder)


def test_the_wheels_node_serves_where_the_system_has_none(
    installer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installer.find_node() == installer.wheel_node() is not None
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.0\n", encoding="ascii")
    old.chmod(0o755)
    assert installer.find_node() == installer.wheel_node()
    old.write_text("#!/bin/sh\necho v20.1.0\n", encoding="ascii")
    assert installer.find_node() == old
