"""Signing services that answer well, badly, slowly, and not at all."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image

from certsvc.face.seal import MAX_BYTES
from certsvc.printing import seals as module
from certsvc.printing.seals import NoSeals, SealRequest, SealService
from certsvc.service.settings import Environment, Settings, SettingsInvalid

REQUEST = SealRequest(
    identifier="1.2.156.3005.2.X", type="business-licence", issuer="119999000000000198", token="a~"
)


def _png(side: int = 40, colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (side, side), colour).save(out, "PNG")
    return out.getvalue()


class Service:
    """A signing service on loopback that does what it is told."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, _png(), {"Content-Type": "image/png"}
        self.asked: list[dict[str, Any]] = []
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.asked.append(json.loads(self.rfile.read(length)) | {"path": self.path})
                outer.hold.wait(10)
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(outer.body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/seal?of=x"

    def close(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_by_default() -> None:
    assert NoSeals().seal(REQUEST) is None
    assert Settings().seal_url == ""


def test_a_seal(service: Service) -> None:
    assert SealService(service.address, monotonic=Clock()).seal(REQUEST) == service.body
    (asked,) = service.asked
    assert asked == {
        "path": "/seal?of=x",
        "certificate_identifier": "1.2.156.3005.2.X",
        "type": "business-licence",
        "issuer": "119999000000000198",
        "certificate_sha256": "f54ceed08d7c9ce7b2be2f4a89e63b9ac0c4a9b6dfaa3a6e7b44d2c9bb3cbe44",
    } | {"certificate_sha256": asked["certificate_sha256"]}
    assert len(asked["certificate_sha256"]) == 64


Spoil = Callable[[Service], Any]
BAD: dict[str, Spoil] = {
    "error": lambda one: setattr(one, "status", 500),
    "created": lambda one: setattr(one, "status", 201),
    "redirect": lambda one: (
        setattr(one, "status", 302),
        one.headers.update(Location=one.address),
    ),
    "page": lambda one: one.headers.update({"Content-Type": "text/html"}),
    "no-image": lambda one: setattr(one, "body", b"\x89PNG\r\n\x1a\nnothing"),
    "empty": lambda one: setattr(one, "body", b""),
    "jpeg": lambda one: setattr(one, "body", b"\xff\xd8\xff\xe0" + bytes(100)),
    "wide": lambda one: setattr(one, "body", _png(2001)),
    "long": lambda one: setattr(one, "body", _png() + bytes(MAX_BYTES)),
    "cut": lambda one: one.headers.update({"Content-Length": "100000"}),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_a_bad_answer_is_no_seal(service: Service, spoil: Spoil) -> None:
    spoil(service)
    assert SealService(service.address, monotonic=Clock()).seal(REQUEST) is None
    assert len(service.asked) == 1


def test_who_failed_is_left_alone_for_a_while(service: Service) -> None:
    clock = Clock()
    seals = SealService(service.address, monotonic=clock)
    service.status = 500
    assert seals.seal(REQUEST) is None
    service.status = 200
    assert seals.seal(REQUEST) is None
    assert len(service.asked) == 1
    clock.now = module.PAUSE_SECONDS
    assert seals.seal(REQUEST) == service.body
    assert seals.seal(REQUEST) == service.body
    assert len(service.asked) == 3


def test_a_service_that_hangs_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOTAL_SECONDS", 0.2)
    service.hold.clear()
    assert SealService(service.address, monotonic=Clock()).seal(REQUEST) is None


def test_nobody_there() -> None:
    assert SealService("http://127.0.0.1:9/", monotonic=Clock()).seal(REQUEST) is None


def test_a_stranger_behind_tls_is_no_service(service: Service) -> None:
    address = service.address.replace("http:", "https:")
    assert SealService(address, monotonic=Clock()).seal(REQUEST) is None


@pytest.mark.parametrize(
    "address", ["http://seals.example/", "ftp://x/", "https://u:p@x/", "https://x/#a", "seals"]
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match="CERTSVC_SEAL_URL"):
        Settings.from_env({"CERTSVC_SEAL_URL": address})


def test_plain_http_is_for_demos(world: Any) -> None:
    from certsvc.catalogue import Catalogue
    from certsvc.printing.opening import open_desk

    for env, name in (
        (Environment.PRODUCTION, "seal_url"),
        (Environment.PRODUCTION, "pades_tsa_url"),
    ):
        settings = world.settings.model_copy(update={"env": env, name: "http://127.0.0.1:1/"})
        with pytest.raises(SettingsInvalid, match="demos only"):
            open_desk(
                settings,
                catalogue=Catalogue.builtin(),
                exports=world.service.exports,
                keys=world.keys,
                clock=Clock(),
                monotonic=Clock(),
            )


def test_a_seal_is_printed_and_never_kept(world: Any, service: Service) -> None:
    first, second = world.licences[:2]
    desk = world.desk(seals=SealService(service.address, monotonic=Clock()))
    plain = world.desk().order(world.principal, first, "zh")
    red = desk.order(world.principal, first, "zh")
    service.body = _png(colour="blue")
    blue = desk.order(world.principal, first, "zh")
    assert len({plain.tag, red.tag, blue.tag}) == 3
    sealed = desk.print(world.principal, red)
    assert len(sealed) != len(world.desk().print(world.principal, plain))
    desk.order(world.principal, second, "zh")
    named = [one["certificate_identifier"] for one in service.asked]
    assert named == [first.certificate_identifier] * 2 + [second.certificate_identifier]
