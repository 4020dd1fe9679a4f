"""`certsvc-sdk bundle make|show|use`, as an operator runs them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import bundle, cli
from certsvc_sdk.bundle import archive, manifest


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """`files("x")`: a path as text."""
    return lambda name: str(tmp_path / name)


def offline(tmp_path: Path) -> dict[str, Any]:
    return {"CERTSVC_TRUST_URL": None, "CERTSVC_SDK_CACHE": str(tmp_path / "offline")}


def test_made_carried_and_used(run: Any, files: Any, issuer: Any, tmp_path: Path) -> None:
    made = run("bundle", "make", files("b.zip"), "--key", files("key.pem"), "--new-key")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith("离线数据包已写入 Written: ")
    public = made.out.split()[-1]
    assert os.stat(files("key.pem")).st_mode & 0o777 == 0o600
    there = offline(tmp_path)
    used = run("bundle", "use", files("b.zip"), f"--maker={public}", **there)
    assert (used.code, used.err) == (0, "")
    assert "发证机关 Issuers: 1  状态列表 Status lists: 1" in used.out
    assert f"制作方 Maker: {public}" in used.out
    verified = run("verify", issuer.qr_text(issuer.token()), "--offline", **there)
    assert verified.code == 0
    # The same key signs the next one.
    assert run("bundle", "make", files("c.zip"), "--key", files("key.pem")).code == 0


def test_shown_without_any_root(run: Any, files: Any) -> None:
    run("bundle", "make", files("b.zip"))
    shown = run("bundle", "show", files("b.zip"), CERTSVC_TRUST_ROOT=None)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("自述内容，未经核实 What it says of itself, not verified:\n")
    assert "制作方签名 Signature: 无 none" in shown.out
    assert "状态列表 Status lists: 1 (" in shown.out
    assert "Verified" not in shown.out


def test_shown_under_the_root_without_being_used(run: Any, files: Any, tmp_path: Path) -> None:
    run("bundle", "make", files("b.zip"), "--key", files("key.pem"), "--new-key")
    there = offline(tmp_path)
    shown = run("bundle", "show", files("b.zip"), **there)
    assert shown.code == 0
    assert "制作方签名 Signature: 有签名，未核对 yes, not checked" in shown.out
    assert "信任数据截至 Trust data as of: " in shown.out
    assert not (tmp_path / "offline").exists()
    found = json.loads(run("bundle", "show", files("b.zip"), "--json", **there).out)
    assert (found["signed"], found["maker"], found["verified"]["issuers"]) == (True, None, 1)
    assert all(set(part) == {"size", "sha256"} for part in found["parts"].values())


def test_used_for_machines(run: Any, files: Any, facts: Any, tmp_path: Path) -> None:
    run("bundle", "make", files("b.zip"))
    used = json.loads(run("bundle", "use", files("b.zip"), "--json", **offline(tmp_path)).out)
    assert used == {
        "as_of": facts.now,
        "expires": facts.now + facts.day,
        "issuers": 1,
        "lists": 1,
        "types": 0,
        "refused": [],
        "maker": None,
    }


def test_a_bundle_that_has_ended_is_unknown(
    run: Any, files: Any, clock: Any, facts: Any, tmp_path: Path
) -> None:
    run("bundle", "make", files("b.zip"))
    clock.now += facts.day
    assert run("bundle", "use", files("b.zip"), **offline(tmp_path)).code == 3


def test_what_could_not_be_fetched_is_said(run: Any, files: Any, publisher: Any) -> None:
    (publisher.tree / "status" / publisher.facts.uscc / "1").unlink()
    made = run("bundle", "make", files("b.zip"))
    assert made.code == 3
    assert "未能下载 Not fetched: https://certs.example/status/" in made.err
    assert Path(files("b.zip")).exists()


def test_made_of_a_cache_alone(run: Any, files: Any, server: Any) -> None:
    assert run("prefetch").code == 0
    server.requests.clear()
    assert run("bundle", "make", files("b.zip"), "--offline").code == 0
    assert server.requests == []


def test_a_part_that_does_not_verify(run: Any, files: Any, tmp_path: Path) -> None:
    run("bundle", "make", files("b.zip"))
    found = bundle.read(Path(files("b.zip")).read_bytes())
    name = next(name for name in found.parts if name.startswith("status/"))
    parts = {**found.parts, name: b"noise"}
    listed = {name: manifest.Part.of(data) for name, data in parts.items()}
    claims = manifest.Manifest(
        made_at=1, trust_verified_at=found.manifest.trust_verified_at, parts=listed
    )
    data = archive.pack({"manifest.json": claims.to_bytes(), **parts})
    Path(files("b.zip")).write_bytes(data)
    used = run("bundle", "use", files("b.zip"), **offline(tmp_path))
    assert used.code == 1
    assert f"未采信 Not believed: {name}" in used.err
    assert run("bundle", "show", files("b.zip"), **offline(tmp_path)).code == 1


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["use", "gone"], "bundle_invalid"),
        (["use", "root.json"], "bundle_invalid"),
        (["show", "root.json"], "bundle_invalid"),
        (["use", "a\0b"], "bundle_invalid"),
        (["use", "b.zip", "--maker", "x"], "bundle_invalid"),
        (["use", "b.zip", "--maker", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"],
         "bundle_untrusted"),
        (["make", "no/folder/b.zip"], "bundle_invalid"),
        (["make", "c.zip", "--key", "root.json"], "bundle_invalid"),
        (["make", "c.zip", "--key", "gone.pem"], "bundle_invalid"),
        (["make", "c.zip", "--key", "root.json", "--new-key"], "bundle_invalid"),
        (["use", "b.zip", "--root", "b.zip"], "trust_invalid"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    argv: list[str], code: str, run: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("bundle", "make", "b.zip").code == 0
    done = run("bundle", *argv)
    assert done.code == 2
    assert f"[{code}]" in done.err
    assert not done.err.isascii()


def test_a_cache_is_needed_where_something_shall_stay(run: Any, files: Any) -> None:
    run("bundle", "make", files("b.zip"))
    done = run("bundle", "use", files("b.zip"), CERTSVC_SDK_CACHE=None)
    assert (done.code, "--cache" in done.err) == (2, True)


def test_its_errors_have_chinese_reasons() -> None:
    for leaf in (bundle.BundleInvalid, bundle.BundleUntrusted):
        assert not cli.reason(leaf("x")).partition(" ")[0].isascii()


def test_a_key_of_another_kind(run: Any, files: Any) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    Path(files("key.pem")).write_bytes(pem)
    done = run("bundle", "make", files("b.zip"), "--key", files("key.pem"))
    assert (done.code, "no Ed25519 key" in done.err) == (2, True)
