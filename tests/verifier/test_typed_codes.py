"""Typed codes at the service: API and desk, whom it asks, and how often an address may."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from certsvc.service.limits import RateLimiter
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc_sdk import typedcode
from certsvc_sdk.errors import CodeUnavailable, CodeUnknown
from verifier.app import create_app
from verifier.resolving import (
    MISSES_PER_SECOND,
    SAVED_SECONDS,
    LimitedResolver,
    client_address,
    open_resolver,
)

World = Any


class Book:
    """A resolver over a dictionary."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.asked: list[str] = []
        self.away = False

    def add(self, token: str) -> str:
        code = typedcode.of(token)
        self.known[code] = token
        return typedcode.grouped(code)

    def resolve(self, code: str) -> str:
        self.asked.append(code)
        if self.away:
            raise CodeUnavailable("away")
        if code not in self.known:
            raise CodeUnknown("nobody's")
        return self.known[code]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def desk(world: World, tmp_path: Path, clock: Any, book: Book) -> FlaskClient:
    """The service with this resolver, bounded by address as in earnest; its clock stands still."""
    root = tmp_path / "root.json"
    root.write_bytes(world.root)
    settings = Settings(home=tmp_path, trust_root=root, trust_url=world.url)
    misses = RateLimiter(MISSES_PER_SECOND, monotonic=lambda: 1_000.0, burst_seconds=SAVED_SECONDS)
    resolver = LimitedResolver(book, misses, client_address)
    return create_app(settings, clock=clock, resolver=resolver).test_client()


def verdicts(desk: FlaskClient, *texts: str, address: str = "127.0.0.1") -> list[Any]:
    body = {"text": texts[0]} if len(texts) == 1 else {"items": [{"text": one} for one in texts]}
    answer = desk.post(
        "/v1/verifications",
        data=json.dumps(body),
        content_type="application/json",
        environ_overrides={"REMOTE_ADDR": address},
    )
    assert answer.status_code == 200, answer.text
    return [entry["verdict"] for entry in answer.get_json()["verifications"]]


def test_a_code_in_place_of_the_qr_text(world: World, desk: FlaskClient, book: Book) -> None:
    token = world.issue()
    code = book.add(token)
    typed, scanned = verdicts(desk, code, token)
    assert (typed.pop("typed"), scanned.pop("typed")) == (True, False)
    assert typed == scanned
    assert typed["code"] == "valid"
    assert verdicts(desk, typedcode.digits(typedcode.read(code)))[0]["code"] == "valid"


def test_each_way_to_fail_has_its_own_code(world: World, desk: FlaskClient, book: Book) -> None:
    code = book.add(world.issue())
    book.known[typedcode.of("a~")] = world.issue()  # another genuine one
    found = verdicts(desk, code[:-2], typedcode.of("b~"), typedcode.of("a~"))
    assert [one["code"] for one in found] == ["unreadable", "code_unknown", "code_unavailable"]
    assert {one["outcome"] for one in found} == {"UNKNOWN"}
    assert {one["colour"] for one in found} == {"amber"}
    book.away = True
    assert verdicts(desk, code)[0]["code"] == "code_unavailable"
    assert len(book.asked) == 3


def test_the_desk_takes_it_as_hands_and_scanners_give_it(
    world: World, desk: FlaskClient, book: Book
) -> None:
    code = book.add(world.issue())
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign.isalnum() else "\u3000" for sign in code)
    for text in (code, code.lower(), wide, typedcode.digits(typedcode.read(code))):
        html = desk.post("/", data={"text": text}).text
        assert '<article class="card green"' in html
        assert code not in html
    html = desk.post("/", data={"text": code[1:]}).text
    assert '<article class="card amber"' in html
    assert "短码输入有误，请核对后重新输入" in html
    assert "短码" in desk.get("/").text


def test_a_stranger_at_the_page_uses_up_nobody_elses_misses(
    world: World, desk: FlaskClient, book: Book
) -> None:
    code = book.add(world.issue())
    guesses = [typedcode.of(f"{number}~") for number in range(30)]
    told = [one["code"] for one in verdicts(desk, *guesses, address="198.51.100.7")]
    assert told == ["code_unknown"] * 20 + ["code_unavailable"] * 10
    assert len(book.asked) == 20
    # A hit is refused like a miss, and the window next door goes on.
    assert verdicts(desk, code, address="198.51.100.7")[0]["code"] == "code_unavailable"
    for _ in range(30):
        assert verdicts(desk, code)[0]["code"] == "valid"


def test_without_a_line_nothing_is_counted(world: World, desk: FlaskClient, book: Book) -> None:
    code = book.add(world.issue())
    book.away = True
    assert {one["code"] for one in verdicts(desk, *[code] * 40)} == {"code_unavailable"}
    book.away = False
    assert verdicts(desk, code)[0]["code"] == "valid"


def test_verdicts_are_counted_and_codes_are_not_told(
    world: World, desk: FlaskClient, book: Book
) -> None:
    code = book.add(world.issue())
    verdicts(desk, code)
    verdicts(desk, typedcode.of("b~"))
    page = desk.get("/metrics").text
    assert 'code="code_unknown"' in page
    assert code not in page


def settings_of(tmp_path: Path, content: str | None, mode: int = 0o600, **more: Any) -> Settings:
    path = tmp_path / "resolver.client"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    return Settings(home=tmp_path, resolver_clients=path, **more)


def test_whom_the_settings_name(tmp_path: Path) -> None:
    assert open_resolver(settings_of(tmp_path, None), None) is None
    nobody = settings_of(tmp_path, "a:b\n", resolvers="none")
    assert open_resolver(nobody, None) is None
    # As `certsvc up` hands settings on: an empty variable would mean the default.
    assert open_resolver(Settings.from_env(nobody.to_env()), None) is None
    assert open_resolver(settings_of(tmp_path, "a:b\n"), None) is not None
    two = "https://a.example,https://b.example/"
    assert open_resolver(settings_of(tmp_path, "a:b\nc:d\n", resolvers=two), None) is not None


@pytest.mark.parametrize(
    ("content", "mode", "more"),
    [
        ("a:b\n", 0o640, {}),
        ("a:b\nc:d\n", 0o600, {}),
        ("", 0o600, {}),
        ("a\n", 0o600, {}),
        (":b\n", 0o600, {}),
        ("密:钥\n", 0o600, {}),
    ],
)
def test_files_of_clients_that_are_refused(
    content: str, mode: int, more: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        open_resolver(settings_of(tmp_path, content, mode, **more), None)
    assert "CERTSVC_RESOLVER_CLIENTS" in str(refused.value)


@pytest.mark.parametrize("address", ["http://certs.example/", "file:///x/", "https://a/,ftp://b/"])
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid):
        Settings.from_env({"CERTSVC_RESOLVERS": address})
