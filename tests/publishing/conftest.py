"""A published tree, a key store that costs nothing to open, and a verifier that reads the tree."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface

from certsvc.publishing import IssuerProfile, PublishedTree, TrustPublisher, build_record
from certsvc_sdk.trust import About, Environment, Level, Right, TrustRepository
from keys import KeyInfo, State
from keys.filestore import FileKeyStore

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
USCC = "119999000000000198"
POLICE = "119999000000000273"
ELSEWHERE = "11999800000000019X"


class TreeFetcher(FetcherInterface):
    """Reads the published tree as a static web server would give it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._root / url.removeprefix(BASE)
        if not path.is_file():
            raise DownloadHTTPError("not found", 404)
        return iter([path.read_bytes()])


@pytest.fixture
def now() -> int:
    return NOW


@pytest.fixture
def tree(tmp_path: Path) -> PublishedTree:
    return PublishedTree(tmp_path / "published")


@pytest.fixture
def store(tmp_path: Path) -> FileKeyStore:
    return FileKeyStore(tmp_path / "keys", passphrase=b"a passphrase", scrypt_n=2)


@pytest.fixture
def about() -> About:
    return About(env=Environment.DEMO, base=BASE)


@pytest.fixture
def publisher(tree: PublishedTree, store: FileKeyStore) -> TrustPublisher:
    return TrustPublisher(tree, store)


@pytest.fixture
def reader(
    publisher: TrustPublisher, about: About, tree: PublishedTree, tmp_path: Path
) -> TrustRepository:
    """A verifier that pinned the first root; its cache stays for the whole test."""
    root = publisher.initialise(NOW, about)
    return TrustRepository(
        root,
        tmp_path / "cache" / "metadata",
        tmp_path / "cache" / "targets",
        f"{BASE}trust/metadata/",
        f"{BASE}trust/targets/",
        TreeFetcher(tree.root),
    )


@pytest.fixture
def make_key(store: FileKeyStore) -> Callable[..., KeyInfo]:
    """Makes an issuer's key and walks it to a state."""

    def made(purpose: str, state: State = State.ACTIVE, **changes: Any) -> KeyInfo:
        arguments = {"issuer_id": USCC, "alg": "ES256", "now": NOW, **changes}
        key = store.generate(purpose=purpose, **arguments)
        order = [State.GENERATED, State.PRE_PUBLISHED, State.ACTIVE, State.RETIRED, State.DESTROYED]
        for step in order[1 : order.index(state) + 1]:
            key = store.set_state(key.issuer_id, key.kid, step, now=NOW)
        return key

    return made


@pytest.fixture
def profile() -> Callable[..., IssuerProfile]:
    def made(uscc: str = USCC, **changes: Any) -> IssuerProfile:
        names = {"zh": "示例市市场监督管理局", "en": "Market Regulator (example)"}
        return IssuerProfile(uscc=uscc, level=Level.CITY, **{"names": names, **changes})

    return made


@pytest.fixture
def make_record(profile: Callable[..., IssuerProfile]) -> Callable[..., Any]:
    def made(uscc: str = USCC, keys: tuple[KeyInfo, ...] = (), **changes: Any) -> Any:
        right = Right(vct=f"{BASE}vct/business-licence", division=uscc[2:8], not_before=NOW)
        base_url = changes.pop("base_url", BASE)
        return build_record(profile(uscc, **changes), keys, [right], base_url)

    return made
