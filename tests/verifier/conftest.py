"""A whole world on loopback: key store, trust repository, status list, certificates, codes."""

import functools
import http.server
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from certsvc.catalogue import Catalogue
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.service.settings import Settings
from certsvc_sdk import jws, qr, sdjwt, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.trust.about import About, Environment
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse, Level, Right
from keys import State
from keys.filestore import FileKeyStore
from keys.signer import Signer
from verifier.app import create_app

BASE = "https://certs.example/"
USCC = "119999000000000198"
ISS = f"{BASE}i/{USCC}"
LIST = f"{BASE}status/{USCC}/1"
NOW = 1_800_000_000
HOUR = 3600
CATALOGUE = Catalogue.builtin()


class Clock:
    """Unix seconds that stand still until somebody moves them."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the published tree without a word."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def example(name: str) -> dict[str, Any]:
    """The catalogue's own example claims of a type."""
    return dict(CATALOGUE.get(name).definition.example.claims)


@dataclass
class World:
    """An issuer with everything it publishes."""

    tree: PublishedTree
    publisher: TrustPublisher
    root: bytes
    url: str
    certificate: Signer
    status: Signer
    stranger: Signer
    bits: statuslist.MutableStatusBits
    version: int = 0
    given: dict[str, int] = field(default_factory=dict)

    def issue(
        self,
        kind: str = "business-licence",
        *,
        claims: Mapping[str, Any] | None = None,
        signer: Signer | None = None,
        iss: str = ISS,
        uri: str = LIST,
        profile: str | None = None,
        **times: int,
    ) -> str:
        """A certificate's SD-JWT; `times` are iat, nbf, exp."""
        index = len(self.given)
        shown = CATALOGUE.get(kind).profile(profile)
        face = CATALOGUE.get(kind).select(example(kind), profile) if claims is None else claims
        payload = {
            "iss": iss,
            "vct": f"{BASE}vct/{kind}/1",
            "certificate_identifier": f"1.2.156.3005.2.{'1' * 21}.{USCC}.{index:018}.001.X",
            **{"iat": NOW - HOUR, **times},
            "status": {"status_list": {"idx": index, "uri": uri}},
            **face,
        }
        by = signer or self.certificate
        header = {"alg": by.alg, "typ": "dc+sd-jwt", "kid": by.kid}
        draft = sdjwt.draft(
            header=header,
            claims=payload,
            disclose=shown.disclose,
            salts=sdjwt.salts_from_seed(bytes(16)),
        )
        token = draft.finish(by.sign(draft.signing_input))
        self.given[token] = index
        return token

    def core_of(self, token: str) -> str:
        """A second token of a licence that shows no business scope, as large ones have on paper."""
        parsed = sdjwt.parse(token)
        payload = {k: v for k, v in parsed.payload().items() if k != "business_scope"}
        draft = sdjwt.draft(
            header=dict(parsed.jws.header),
            claims=payload,
            disclose=frozenset(),
            salts=sdjwt.salts_from_seed(bytes(16)),
        )
        return draft.finish(self.certificate.sign(draft.signing_input))

    def text(self, token: str) -> str:
        """The QR text of a token."""
        seed = bytes(16) if token.count("~") > 1 else None
        return qr.encode(token, seed, host="certs.example", dictionary=qr.DICTIONARY_NONE)

    def forge(self, token: str) -> str:
        """The token with a flipped bit in its signature."""
        compact, tilde, rest = token.partition("~")
        head, payload, signature = compact.split(".")
        first = "B" if signature[0] == "A" else "A"
        return f"{head}.{payload}.{first}{signature[1:]}{tilde}{rest}"

    def set_status(self, token: str, value: int, now: int) -> None:
        """Change a certificate's status and publish the list."""
        self.bits.set(self.given[token], value)
        self.publish_status(now)

    def publish_status(self, now: int) -> None:
        self.version += 1
        header = {"alg": self.status.alg, "typ": "statuslist+jwt", "kid": self.status.kid}
        signing_input = statuslist.draft(
            header=header,
            sub=LIST,
            iat=now,
            exp=now + 24 * HOUR,
            ttl=300,
            version=self.version,
            bits=self.bits.freeze(),
        )
        token = jws.attach(signing_input, self.status.sign(signing_input))
        self.tree.write(f"status/{USCC}/1", token.encode())

    def image(self, *texts: str, form: str = "png") -> bytes:
        """An image with the codes of the texts side by side."""
        symbols = [_symbol(text) for text in texts]
        width = sum(symbol.width for symbol in symbols)
        sheet = Image.new("L", (width, max(symbol.height for symbol in symbols)), 255)
        left = 0
        for symbol in symbols:
            sheet.paste(symbol, (left, 0))
            left += symbol.width
        return _saved(sheet, form)

    def pdf(self, *texts: str) -> bytes:
        """A PDF with one code on each page."""
        pages = [_symbol(text) for text in texts]
        file = io.BytesIO()
        pages[0].save(file, "pdf", save_all=True, append_images=pages[1:], resolution=150)
        return file.getvalue()


def _symbol(text: str) -> Image.Image:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    pixels = code.to_image(scale=5, add_quiet_zones=True)
    return Image.fromarray(pixels) if hasattr(pixels, "__array_interface__") else _of(pixels)


def _of(pixels: Any) -> Image.Image:
    height, width = pixels.shape
    return Image.frombytes("L", (width, height), bytes(memoryview(pixels)))


def _saved(sheet: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    sheet.save(file, form)
    return file.getvalue()


def _active(store: FileKeyStore, owner: str, purpose: str, alg: str = "ES256") -> Signer:
    info = store.generate(issuer_id=owner, alg=alg, purpose=purpose, now=NOW)
    store.set_state(owner, info.kid, State.PRE_PUBLISHED, now=NOW)
    store.set_state(owner, info.kid, State.ACTIVE, now=NOW)
    return store.signer(owner, info.kid)


def _key(signer: Signer, use: KeyUse) -> KeyRecord:
    return KeyRecord(
        kid=signer.kid,
        alg=signer.alg,
        use=use,
        public=PublicKey.from_jwk(dict(signer.public_jwk), signer.alg),
        not_before=NOW - 1000 * HOUR,
        state=KeyState.ACTIVE,
    )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("world")
    store = FileKeyStore(home / "keys", passphrase=b"passphrase", scrypt_n=2)
    certificate = _active(store, USCC, "certificate")
    status = _active(store, USCC, "status")
    stranger = _active(store, "stranger", "certificate")
    tree = PublishedTree(home / "published")
    publisher = TrustPublisher(tree, store)
    root = publisher.initialise(NOW, About(env=Environment.DEMO, base=BASE))
    record = IssuerRecord(
        iss=ISS,
        uscc=USCC,
        division="999900",
        names={"zh": "示例市市场监督管理局（示例）", "en": "Example Market Regulator (demo)"},
        level=Level.CITY,
        keys=(_key(certificate, KeyUse.CERTIFICATE), _key(status, KeyUse.STATUS)),
        rights=tuple(
            Right(vct=f"{BASE}vct/{name}", division="999900", not_before=NOW - 1000 * HOUR)
            for name in CATALOGUE.names()
        ),
        status_prefix=f"{BASE}status/{USCC}/",
        status_aggregation=None,
    )
    publisher.publish_records([record], NOW)
    handler = functools.partial(QuietHandler, directory=str(home / "published"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        made = World(
            tree=tree,
            publisher=publisher,
            root=root,
            url=f"http://127.0.0.1:{server.server_port}/",
            certificate=certificate,
            status=status,
            stranger=stranger,
            bits=statuslist.MutableStatusBits(100_000),
        )
        made.publish_status(NOW - 60)
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_app(world: World, tmp_path: Path, clock: Clock) -> Callable[..., Flask]:
    """Makes a verifier with its own cache; keyword arguments replace settings."""

    def made(**changes: Any) -> Flask:
        root = tmp_path / "root.json"
        root.write_bytes(world.root)
        values = {"home": tmp_path, "trust_root": root, "trust_url": world.url}
        return create_app(Settings(**{**values, **changes}), clock=clock)

    return made


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()


@pytest.fixture
def ask(client: FlaskClient) -> Callable[..., Any]:
    """Posts to the verification API; gives status and body."""

    def asked(body: object = None, *, query: str = "", **arguments: Any) -> tuple[int, Any]:
        if body is not None:
            arguments = {"data": json.dumps(body), "content_type": "application/json"}
        answer = client.post(f"/v1/verifications{query}", **arguments)
        return answer.status_code, answer.get_json()

    return asked


@pytest.fixture
def codes(ask: Callable[..., Any]) -> Callable[..., list[str]]:
    """Verdict codes of an API request that is answered."""

    def coded(*arguments: Any, **more: Any) -> list[str]:
        status, body = ask(*arguments, **more)
        assert status == 200, body
        return [entry["verdict"]["code"] for entry in body["verifications"]]

    return coded
