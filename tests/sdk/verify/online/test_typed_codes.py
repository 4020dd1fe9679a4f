"""Typed codes through `Verifier`, against a resolver that answers, lies, hangs or is away."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk import resolver as resolving
from certsvc_sdk import typedcode
from certsvc_sdk.codes import Outcome
from certsvc_sdk.errors import CodeUnavailable, CodeUnknown, FetchFailed, Unreadable
from certsvc_sdk.resolver import HttpResolver, Resolvers

UNKNOWN = json.dumps({"code": "code_unknown", "status": 404}).encode()


class Handler(BaseHTTPRequestHandler):
    """An issuer's `POST /v1/codes/resolve`; `server.answer` may take over."""

    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        if self.server.answer is not None:
            self.server.answer(self)
            return
        token = self.server.known.get(json.loads(body)["code"])
        if token is None:
            self.reply(404, UNKNOWN)
        else:
            self.reply(200, json.dumps({"token": token}).encode())

    def do_GET(self) -> None:
        self.server.asked.append((self.path, None, b""))
        self.reply(200, json.dumps({"token": "x~"}).encode())

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def book() -> Iterator[Any]:
    """The resolver's server: `known`, `asked`, `answer`, `url`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running: Any = server
        running.daemon_threads = True
        running.known, running.asked, running.answer = {}, [], None
        running.url = f"http://127.0.0.1:{running.server_port}/"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


class Ticks:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def resolver(book: Any, ticks: Ticks) -> HttpResolver:
    return HttpResolver(book.url, client_id="hall", secret="s3cret", monotonic=ticks)


@pytest.fixture
def token(issuer: Any, book: Any) -> str:
    made: str = issuer.token()
    book.known[typedcode.of(made)] = made
    return made


def test_a_code_gives_the_verdict_of_its_certificate(
    verifier_of: Any, server: Any, book: Any, resolver: Any, token: str
) -> None:
    verifier = verifier_of(url=server.url, resolver=resolver)
    code = typedcode.of(token)
    scanned = verifier.check(token)
    for spelling in (typedcode.grouped(code), code.lower(), typedcode.digits(code)):
        typed = verifier.check(spelling)
        assert (typed.outcome, typed.code, typed.typed) == (Outcome.VALID, "valid", True)
        assert typed == scanned._replace(typed=True)
    path, authorization, body = book.asked[0]
    assert path == "/v1/codes/resolve"
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"hall:s3cret"
    assert json.loads(body) == {"code": code}
    assert verifier.resolve(code) == token


def test_three_hundred_typing_errors_are_never_shown_in_red(
    verifier_of: Any, server: Any, book: Any, resolver: Any, token: str
) -> None:
    """Wrong, exchanged, lost, doubled and foreign signs, two at a time as well."""
    verifier = verifier_of(url=server.url, resolver=resolver)
    code = typedcode.of(token)
    errors = []
    for at in range(16):
        for sign in (*typedcode.ALPHABET[at : at + 8], *"0O1ILSZB"):
            errors.append(code[:at] + sign + code[at + 1 :])
        errors.append(code[:at] + code[at + 1 :])
        errors.append(code[:at] + code[at] + code[at:])
        errors.append(code[:at][::-1] + code[at:])
        swapped = [*code]
        swapped[at], swapped[at - 1] = swapped[at - 1], swapped[at]
        errors.append("".join(swapped))
    errors = [one for one in dict.fromkeys(errors) if one != code]
    assert len(errors) >= 280
    digits = typedcode.digits(code)
    errors += [digits[:at] + digits[at + 1 :] for at in range(20)]
    seen = set()
    for text in errors:
        verdict = verifier.check(typedcode.grouped(text))
        assert verdict.outcome is Outcome.UNKNOWN, text
        assert verdict.typed
        assert verdict.info.colour == "amber"
        assert verdict.claims is None
        seen.add(verdict.code)
        if verdict.code == "unreadable":
            assert verdict.sentence("zh") == "短码输入有误，请核对后重新输入"
    assert seen <= {"unreadable", "code_unknown"}
    # One wrong sign and one exchange never reach anybody.
    assert len(book.asked) < len(errors) / 10


def test_nobody_knows_it(verifier_of: Any, server: Any, resolver: Any, issuer: Any) -> None:
    verifier = verifier_of(url=server.url, resolver=resolver)
    verdict = verifier.check(typedcode.of(issuer.token()))
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "code_unknown")
    with pytest.raises(CodeUnknown):
        verifier.resolve(typedcode.of(issuer.token()))


def test_nobody_can_be_asked(verifier_of: Any, server: Any, resolver: Any, token: str) -> None:
    code = typedcode.of(token)
    for options in ({}, {"resolver": resolver, "offline": True}):
        verifier = verifier_of(url=server.url, **options)
        assert verifier.check(code).code == "code_unavailable"
        with pytest.raises(CodeUnavailable):
            verifier.resolve(code)
        with pytest.raises(Unreadable):
            verifier.resolve(code[1:])


def endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" " * 64 * 1024)
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            lambda h: h.reply(302, b"", Location="http://127.0.0.1:1/steal"), id="redirect"
        ),
        pytest.param(
            lambda h: h.reply(307, b"{}", Location=f"{h.server.url}elsewhere"), id="redirect-307"
        ),
        pytest.param(endless, id="endless"),
        pytest.param(lambda h: h.reply(200, b"\x1f\x8b\x08" + b"0" * 99), id="compressed"),
        pytest.param(lambda h: h.reply(200, b""), id="empty"),
        pytest.param(lambda h: h.reply(200, b"[" * 50_000), id="deep"),
        pytest.param(lambda h: h.reply(200, b'{"token":1}'), id="number"),
        pytest.param(lambda h: h.reply(200, b'{"token":"a~","token":"b~"}'), id="twice"),
        pytest.param(lambda h: h.reply(200, b'{"token":"\\ud800~"}'), id="surrogate"),
        pytest.param(lambda h: h.reply(404, b"<html>not here</html>"), id="another-server"),
        pytest.param(lambda h: h.reply(404, b'{"code":"not_found"}'), id="another-route"),
        pytest.param(lambda h: h.reply(429, b'{"code":"rate_limited"}'), id="limited"),
        pytest.param(lambda h: h.reply(401, b'{"code":"unauthenticated"}'), id="no-credentials"),
        pytest.param(lambda h: h.reply(500, b'{"token":"x~"}'), id="broken"),
        pytest.param(lambda h: h.connection.close(), id="hang-up"),
    ],
)
def test_what_a_resolver_may_answer(
    answer: Any, verifier_of: Any, server: Any, book: Any, resolver: Any, token: str
) -> None:
    book.answer = answer
    verdict = verifier_of(url=server.url, resolver=resolver).check(typedcode.of(token))
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "code_unavailable")
    assert verdict.claims is None
    # Asked once, and nothing it said was followed.
    assert [path for path, *_ in book.asked] == ["/v1/codes/resolve"]


def test_another_genuine_certificate_is_not_shown(
    verifier_of: Any, server: Any, book: Any, resolver: Any, issuer: Any, token: str
) -> None:
    """The hostile resolver: every signature is good, and it is not what the paper's code says."""
    other = issuer.token(name="另一示例有限公司")
    verifier = verifier_of(url=server.url, resolver=resolver)
    assert verifier.check(other).code == "valid"
    book.known[typedcode.of(token)] = other
    verdict = verifier.check(typedcode.of(token))
    assert (verdict.outcome, verdict.code) == (Outcome.UNKNOWN, "code_unavailable")
    assert "另一示例" not in json.dumps(verdict.to_json(), ensure_ascii=False)


def test_a_resolver_that_gives_no_answer_is_left_alone(
    book: Any, resolver: Any, ticks: Ticks, token: str
) -> None:
    code = typedcode.of(token)
    book.answer = lambda handler: handler.connection.close()
    for _ in range(3):
        with pytest.raises(CodeUnavailable):
            resolver.resolve(code)
    assert len(book.asked) == 1
    ticks.now += resolving.PAUSE_SECONDS
    book.answer = None
    assert resolver.resolve(code) == token


def test_few_wait_for_a_resolver_that_hangs(book: Any, resolver: Any, token: str) -> None:
    """The others are told at once, so that its silence costs a service no more threads."""
    arrived, go = threading.Semaphore(0), threading.Event()

    def hang(handler: Any) -> None:
        arrived.release()
        go.wait(10)
        handler.reply(404, UNKNOWN)

    book.answer = hang
    code, told = typedcode.of(token), []

    def ask() -> None:
        try:
            resolver.resolve(code)
        except (CodeUnknown, CodeUnavailable) as error:
            told.append(error.code)

    waiting = [threading.Thread(target=ask) for _ in range(resolving.WAITING)]
    for thread in waiting:
        thread.start()
        assert arrived.acquire(timeout=10)
    ask()
    assert told == ["code_unavailable"]
    go.set()
    for thread in waiting:
        thread.join()
    assert sorted(told) == ["code_unavailable"] + ["code_unknown"] * resolving.WAITING


def test_a_dripping_resolver_meets_its_end(
    book: Any, resolver: Any, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "TOTAL_SECONDS", 0.2)
    done = threading.Event()

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not done.wait(0.01):
                handler.wfile.write(b" ")
                handler.wfile.flush()
        except OSError:
            handler.close_connection = True

    book.answer = drip
    with pytest.raises(CodeUnavailable):
        resolver.resolve(typedcode.of(token))
    done.set()


class Told:
    """A resolver that says what it is given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def resolve(self, code: str) -> str:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


def test_several_are_asked_in_their_order() -> None:
    unknown, away = CodeUnknown("no"), CodeUnavailable("away")
    assert Resolvers([Told(unknown), Told("t~"), Told()]).resolve("x") == "t~"
    assert Resolvers([Told(away), Told("t~")]).resolve("x") == "t~"
    with pytest.raises(CodeUnknown):
        Resolvers([Told(unknown), Told(unknown)]).resolve("x")
    for each in ([Told(away), Told(unknown)], [Told(unknown), Told(away)], []):
        with pytest.raises(CodeUnavailable):
            Resolvers(each).resolve("x")


def test_a_resolver_of_ones_own_may_fail_as_it_likes(
    verifier_of: Any, server: Any, token: str
) -> None:
    code = typedcode.of(token)
    for answer in (ValueError("x"), RuntimeError(), "", "x", 7):
        verifier = verifier_of(url=server.url, resolver=Told(answer))
        assert verifier.check(code).code == "code_unavailable"


@pytest.mark.parametrize(
    "base",
    ["http://certs.example/", "file:///etc/", "https://u:p@certs.example/", "https://certs.example",
     "https://certs.example/?x=1", "ftp://certs.example/", "certs.example/", ""],
)  # fmt: skip
def test_addresses_that_are_not_asked(base: str) -> None:
    with pytest.raises(FetchFailed):
        HttpResolver(base, client_id="x", secret="y")


def test_the_command_line(run: Any, book: Any, token: str, tmp_path: Path) -> None:
    client = tmp_path / "resolver.client"
    client.write_text("hall:s3cret\n")
    code = typedcode.grouped(typedcode.of(token))
    named = ("--resolver", book.url, "--resolver-client", str(client))
    done = run("verify", code, *named)
    assert (done.code, done.out.splitlines()[0]) == (0, "✓ 有效 Valid  [valid]")
    by_environment = run(
        "verify", code.lower(), CERTSVC_RESOLVER=book.url, CERTSVC_RESOLVER_CLIENT=str(client)
    )
    assert by_environment.code == 0
    assert run("verify", code).code == 3
    assert "[code_unavailable]" in run("verify", code).out
    assert "[unreadable]" in run("verify", code[:-1], *named).out
    assert run("verify", code, "--resolver", book.url).code == 2
    client.write_text("a:b\nc:d\n")
    assert run("verify", code, *named).code == 2
    assert run("verify", code, *named[:2], "--resolver-client", str(tmp_path / "none")).code == 2
