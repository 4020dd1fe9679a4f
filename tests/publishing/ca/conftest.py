"""Authorities in a folder, one key store at hand and one that stands elsewhere."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from certsvc.publishing.ca_files import ROOT, AuthorityFolder
from certsvc.publishing.ca_issuing import Certified, Founding, certify, found_authority
from certsvc.publishing.ca_keys import Workshop
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.x509 import Expected, validate_chain
from certsvc_sdk.x509.names import Office
from keys import KeyInfo
from keys.filestore import FileKeyStore

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
USCC = "119999000000000198"
OFFICE = Office(iss=f"{BASE}i/{USCC}", uscc=USCC, name="示例市市场监督管理局")
Found = Callable[..., None]
Issue = Callable[..., Certified]


@pytest.fixture
def safe(tmp_path: Path) -> FileKeyStore:
    """A store that stands elsewhere."""
    return FileKeyStore(tmp_path / "safe", passphrase=b"another", scrypt_n=2)


@pytest.fixture
def workshop(tmp_path: Path, store: FileKeyStore, safe: FileKeyStore) -> Workshop:
    numbers = count(1)
    return Workshop(
        folder=AuthorityFolder(tmp_path / "ca"),
        open_store={None: store, "safe:": safe}.get,
        rng=lambda size: next(numbers).to_bytes(size),
    )


@pytest.fixture
def online(workshop: Workshop, store: FileKeyStore) -> Workshop:
    """The same folder as the worker sees it."""
    open_store = {None: store}.get
    return Workshop(folder=workshop.folder, open_store=open_store, rng=workshop.rng)


@pytest.fixture
def found(workshop: Workshop) -> Found:
    def make(name: str = ROOT, **changes: Any) -> None:
        given: dict[str, Any] = {
            "name": name,
            "title": f"示例机构 {name}",
            "area": "100000",
            "store": None,
            "base_url": BASE,
            "years": 10,
        }
        found_authority(workshop, Founding(**{**given, **changes}), now=NOW)

    return make


@pytest.fixture
def key(make_key: Callable[..., KeyInfo]) -> KeyInfo:
    return make_key("certificate")


@pytest.fixture
def issue(workshop: Workshop, key: KeyInfo) -> Issue:
    def make(name: str = ROOT, **changes: Any) -> Certified:
        given: dict[str, Any] = {"days": 90, "now": NOW, **changes}
        jwk = dict(given.pop("jwk", key.public_jwk))
        return certify(workshop, name, given.pop("office", OFFICE), jwk, **given)

    return make


@pytest.fixture
def check(workshop: Workshop, key: KeyInfo) -> Callable[..., Any]:
    """Validates a chain with the lists of the folder; `now` is the time of signing by default."""

    def valid(done: Certified, at: int, **options: Any) -> Any:
        public = PublicKey.from_jwk(dict(key.public_jwk), "ES256")
        return validate_chain(
            done.chain,
            anchors=[workshop.folder.certificate(ROOT)],
            crls=[workshop.folder.list(name) for name in workshop.folder.names()],
            expected=Expected(public=public, iss=OFFICE.iss, uscc=USCC, name=OFFICE.name),
            at=at,
            **{"now": at, **options},
        )

    return valid
