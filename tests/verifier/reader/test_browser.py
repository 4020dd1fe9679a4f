"""The reader in headless Chromium, served by the verifier service under a strict policy."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_file
from werkzeug.serving import WSGIRequestHandler, make_server

from bench.qr_sizes import HOST, KINDS, tokens
from certsvc_sdk.qr import frame, text

HERE = Path(__file__).parent
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'"
PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/check/page.js"></script>'
_SECONDS = 90


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def shown(chromium: Path, address: str, profile: Path) -> Iterator[None]:
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    process = subprocess.Popen(
        [*command, "--disable-dev-shm-usage", f"--user-data-dir={profile}", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_every_vector_and_some_samples(
    chromium: Path,
    make_app: Callable[..., Flask],
    vectors: dict[str, Any],
    sdk_reads: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    texts = [case["text"] for kind in ("valid", "invalid") for case in vectors[kind]]
    for kind in KINDS:
        for token, seed, _ in list(tokens(kind))[::30]:
            body = frame.pack(token, seed, dictionary=kind.dictionary)
            texts.append(text.to_text(body, HOST))
    app, arrived, answers = make_app(), threading.Event(), []

    @app.get("/check/")
    def page() -> Response:
        return Response(PAGE, headers={"Content-Security-Policy": POLICY})

    @app.get("/check/page.js")
    def script() -> Response:
        return send_file(HERE / "page.js", mimetype="text/javascript")

    @app.get("/check/texts")
    def asked() -> Response:
        return Response(json.dumps(texts), content_type="application/json")

    @app.post("/check/answers")
    def answered() -> str:
        answers.extend(json.loads(request.get_data()))
        arrived.set()
        return ""

    with served(app) as address, shown(chromium, f"{address}/check/", tmp_path / "profile"):
        assert arrived.wait(_SECONDS), "the page sent nothing"
    assert len(answers) == len(texts)
    for heard, said in zip(texts, answers, strict=True):
        assert said == sdk_reads(heard)
