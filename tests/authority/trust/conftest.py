"""An installation, officers with key stores of their own, and python-tuf's client as the reader."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from certsvc.authority import trust_rights, trust_work
from certsvc.authority.officers import OfficerKey, make_officer_key
from certsvc.authority.trust_publishing import Result, publish_staged
from certsvc.authority.trust_request import Request, read_request
from certsvc.authority.trust_rights import NewIssuer
from certsvc.authority.trust_signing import sign_request
from certsvc.authority.trust_staging import Staging
from certsvc.authority.trust_work import Holders
from certsvc.authority.world import Authority
from certsvc.publishing import IssuerProfile, PublishedTree, TrustPublisher
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc_sdk.trust import About, Environment, IssuerRecord, Level, Right, parse_record
from keys.filestore import FileKeyStore

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"


class TreeFetcher(FetcherInterface):
    """Reads the tree as a static web server gives it; `fetched` are the paths, in order."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.fetched: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(f"{BASE}trust/")
        self.fetched.append(name)
        path = self._root / "trust" / name
        if not path.is_file():
            raise DownloadHTTPError("not found", 404)
        return iter([path.read_bytes()])


@dataclass
class World:
    """What tests act on."""

    folder: Path
    authority: Authority
    officers: dict[str, FileKeyStore] = field(default_factory=dict)

    def officer(self, name: str) -> OfficerKey:
        if name not in self.officers:
            store = FileKeyStore(self.folder / f"off-{name}", passphrase=b"p", scrypt_n=2)
            self.officers[name] = store
        return make_officer_key(self.officers[name], name, now=NOW)

    def holders(self, names: str, threshold: int = 1) -> Holders:
        return Holders(keys=tuple(map(self.officer, names)), threshold=threshold)

    def request(self) -> Request:
        """The staged request as it is carried: through its bytes."""
        return read_request(Staging(self.authority.settings.home).path.read_bytes())

    def signed(self, names: str, request: Request | None = None, *, now: int = NOW) -> Request:
        """The request signed by some officers, one after another."""
        signed = request or self.request()
        for name in names:
            root = None
            if signed.roots:
                root = signed.roots[0].encode()
            signed, _ = sign_request(
                read_request(signed.to_bytes()), self.officers[name], now=now, root=root
            )
        return signed

    def sign_and_publish(self, names: str, *, now: int = NOW) -> Result:
        return publish_staged(self.authority, [self.signed(names, now=now)], now=now)

    def begin(self, root: str = "abc", threshold: int = 2) -> None:
        """The first ceremony, signed by a and b."""
        about = About(env=Environment.DEMO, base=BASE)
        who = self.holders(root, threshold)
        trust_work.begin(self.authority, about, who, who, now=NOW)
        self.sign_and_publish(root[:threshold])

    def new(self, uscc: str, *types: str, begins: int = NOW + 2 * DAY) -> NewIssuer:
        names = {"zh": "示例机关", "en": f"Office {uscc[2:10]}"}
        rights = tuple(
            Right(vct=f"{BASE}vct/{each}", division=uscc[2:8], not_before=begins) for each in types
        )
        profile = IssuerProfile(uscc=uscc, names=names, level=Level.CITY)
        return NewIssuer(profile=profile, rights=rights)

    def add(self, uscc: str, *types: str, now: int = NOW) -> Any:
        return trust_rights.add_issuers(self.authority, [self.new(uscc, *types)], now=now)

    def fetcher(self) -> TreeFetcher:
        return TreeFetcher(self.authority.tree.root)

    def reader(self, name: str = "reader") -> "Reader":
        return Reader(self.folder / name, self.authority.tree)


class Reader:
    """python-tuf's client, which keeps its state from one refresh to the next."""

    def __init__(self, folder: Path, tree: PublishedTree) -> None:
        self._folder, self._tree = folder, tree
        self.fetched: list[str] = []
        if not folder.exists():
            (folder / "targets").mkdir(parents=True)
        self._root = tree.read("trust/metadata/1.root.json")

    def refresh(self, *, now: int = NOW) -> Updater:
        fetcher = TreeFetcher(self._tree.root)
        updater = Updater(
            str(self._folder / "metadata"),
            f"{BASE}trust/metadata/",
            str(self._folder / "targets"),
            f"{BASE}trust/targets/",
            fetcher,
            bootstrap=self._root,
        )
        updater._trusted_set.reference_time = datetime.fromtimestamp(now, UTC)
        updater.refresh()
        self.fetched = fetcher.fetched
        return updater

    def record(self, uscc: str, *, now: int = NOW) -> IssuerRecord | None:
        updater = self.refresh(now=now)
        info = updater.get_targetinfo(f"issuers/{uscc[2:8]}/{uscc}.json")
        if info is None:
            return None
        return parse_record(Path(updater.download_target(info)).read_bytes())


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    engines = []

    def make(name: str) -> World:
        folder = tmp_path / name
        settings = Settings(home=folder / "var", public_url=BASE)
        settings.home.mkdir(parents=True)
        engine = make_engine(settings.database_url)
        engines.append(engine)
        upgrade(engine)
        keys = FileKeyStore(settings.home / "keys", passphrase=b"p", scrypt_n=2)
        tree = PublishedTree(settings.published)
        trust = TrustPublisher(tree, keys)
        authority = Authority(settings=settings, keys=keys, engine=engine, tree=tree, trust=trust)
        return World(folder, authority)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def world(make_world: Callable[[str], World]) -> World:
    return make_world("one")


@pytest.fixture
def begun(world: World) -> World:
    """After the first ceremony: root and targets 2 of 3."""
    world.begin()
    return world


@pytest.fixture
def copy_tree(tmp_path: Path) -> Callable[[World, str], PublishedTree]:
    """A mirror's copy of the tree as it is now."""

    def copied(world: World, name: str) -> PublishedTree:
        shutil.copytree(world.authority.tree.root, tmp_path / name)
        return PublishedTree(tmp_path / name)

    return copied
