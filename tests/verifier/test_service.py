"""The composition root: health, settings, the process itself."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from certsvc.service.problems import Problem
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc_sdk.errors import CertsvcError, Malformed, NoCodeFound, PolicyInvalid
from verifier.app import create_app, served_app
from verifier.checking import DecoderGate, check_all, file_kind
from verifier.desk import problem_kind
from verifier.inputs import Submission, Upload
from verifier.problems import NO_CODE_FOUND, POLICY_INVALID

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "verifier"]


def environment(changes: dict[str, str]) -> dict[str, str]:
    path = os.pathsep.join((str(ROOT), str(ROOT / "sdk")))
    return {**os.environ, "PYTHONPATH": path, **changes}


def test_health_and_contract(client: Any) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json()["status"] == "ready"
    answer = client.get("/openapi.yaml")
    assert answer.status_code == 200
    assert b"/v1/verifications" in answer.data


def test_not_ready_without_trust_data(make_app: Callable[..., Flask]) -> None:
    client = make_app(trust_url="http://127.0.0.1:1/").test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["reasons"] == [{"check": "trust", "reason": "trust_unavailable"}]
    assert client.get("/healthz").status_code == 200


def test_a_demonstration_never_gets_ready_in_production(make_app: Callable[..., Flask]) -> None:
    client = make_app(env="production").test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["reasons"] == [{"check": "trust", "reason": "trust_environment"}]


def test_a_cache_that_cannot_be_written_is_said_by_readiness(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    answer = make_app(verifier_cache=tmp_path / "file").test_client().get("/readyz")
    assert (answer.status_code, answer.is_json) == (503, True)


def test_without_a_trust_root_there_is_no_service(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="CERTSVC_TRUST_ROOT"):
        create_app(Settings(home=tmp_path))


@pytest.mark.parametrize("environ", [{}, {"CERTSVC_VERIFIER_PORT": "0"}])
def test_the_process_ends_with_78_on_wrong_settings(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = subprocess.run(
        COMMAND,
        env=environment(environ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr.splitlines()[-1].startswith("verifier: CERTSVC_")


def test_the_process_serves_until_it_is_told_to_stop(world: Any, tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    root.write_bytes(world.root)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        "CERTSVC_HOME": str(tmp_path),
        "CERTSVC_TRUST_URL": world.url,
        "CERTSVC_VERIFIER_PORT": str(port),
    }
    with subprocess.Popen(COMMAND, env=environment(environ), cwd=tmp_path) as process:
        try:
            assert b'{"status":"ok"}' in answered(process, port)
        finally:
            process.terminate()
        assert process.wait(30) == 0


def answered(process: "subprocess.Popen[bytes]", port: int) -> bytes:
    """What /healthz says, once the process listens."""
    pause = threading.Event()
    for _ in range(600):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            pause.wait(0.05)
    raise AssertionError("the service does not listen")


def test_what_a_worker_runs(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "root.json").write_bytes(world.root)
    monkeypatch.setenv("CERTSVC_HOME", str(tmp_path))
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        assert served_app().test_client().get("/openapi.yaml").status_code == 200
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["route"] == "/openapi.yaml"


def test_no_more_decoders_than_places() -> None:
    gate = DecoderGate(1, patience=0.0)
    with gate.place(), pytest.raises(Problem) as caught, gate.place():
        pass
    assert caught.value.kind.code == "rate_limited"
    assert caught.value.headers == {"Retry-After": "1"}
    with gate.place():
        pass


def test_a_waiting_photograph_gets_its_place() -> None:
    gate = DecoderGate(1, patience=30.0)
    inside = threading.Event()
    passed = threading.Event()

    def wait() -> None:
        inside.set()
        with gate.place():
            passed.set()

    thread = threading.Thread(target=wait)
    with gate.place():
        thread.start()
        inside.wait(30)
        assert not passed.is_set()
    thread.join(30)
    assert passed.is_set()


def test_errors_that_are_not_about_the_file_pass_through() -> None:
    class Broken:
        def check(self, text: str, **_: Any) -> Any:
            raise AssertionError

        def report_file(self, data: bytes, **_: Any) -> Any:
            raise Malformed("x")

    submission = Submission(uploads=(Upload("a", b"x"),))
    with pytest.raises(Malformed):
        check_all(Broken(), submission, DecoderGate())
    assert file_kind(CertsvcError("x")) is None
    assert file_kind(NoCodeFound("x")) is NO_CODE_FOUND


def test_the_page_names_every_kind_of_failure() -> None:
    assert problem_kind(PolicyInvalid("x")) is POLICY_INVALID
    assert problem_kind(Malformed("x")).code == "request_malformed"


def test_logs_hold_nothing_of_the_certificates(
    client: Any, world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = world.issue()
    client.post("/", data={"text": token})
    client.post("/v1/verifications", json={"text": world.text(token)})
    assert "示例科技" not in caplog.text
    assert token[:40] not in caplog.text
