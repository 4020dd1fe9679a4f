import json
from collections.abc import Callable

import pytest

from certsvc.publishing import PublishedTree, StatusPublisher
from certsvc.publishing.errors import SigningFailed, StatusRollback, TreeUnreadable
from certsvc_sdk import statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.statuslist import INVALID, MutableStatusBits, StatusBits
from keys import KeyInfo, Signer
from keys.errors import NoActiveKey
from keys.filestore import FileKeyStore

NOW = 1_800_000_000
USCC = "119999000000000198"
URI = f"https://certs.example/status/{USCC}/1"


def bits(*revoked: int) -> StatusBits:
    made = MutableStatusBits(4096)
    for index in revoked:
        made.set(index, INVALID)
    return made.freeze()


@pytest.fixture
def key(make_key: Callable[..., KeyInfo]) -> KeyInfo:
    return make_key("status")


@pytest.fixture
def status(tree: PublishedTree, store: FileKeyStore, key: KeyInfo) -> StatusPublisher:
    return StatusPublisher(tree, store, base_url="https://certs.example/")


def test_list_is_what_a_verifier_expects(
    status: StatusPublisher, tree: PublishedTree, key: KeyInfo
) -> None:
    token = status.publish(USCC, 1, bits(7), 3, NOW)
    assert tree.read(f"status/{USCC}/1") == token.encode()
    read = statuslist.read(token)
    assert read.header == {"alg": "ES256", "typ": "statuslist+jwt", "kid": key.kid}
    assert list(read.header) == ["alg", "typ", "kid"]
    assert (read.sub, read.iat, read.exp, read.ttl, read.version) == (
        URI,
        NOW,
        NOW + 86_400,
        300,
        3,
    )
    PublicKey.from_jwk(dict(key.public_jwk), key.alg).verify(
        read.compact.signing_input, read.compact.signature
    )
    assert (read.bits().get(7), read.bits().get(8)) == (INVALID, 0)
    assert status.published_version(USCC, 1) == 3
    assert status.published_version(USCC, 2) is None


def test_same_version_is_signed_anew(status: StatusPublisher) -> None:
    status.publish(USCC, 1, bits(7), 3, NOW)
    token = status.publish(USCC, 1, bits(7), 3, NOW + 3600)
    assert statuslist.read(token).iat == NOW + 3600


@pytest.mark.parametrize(("version", "revoked"), [(2, 7), (0, 7), (3, 8)])
def test_list_never_goes_back(
    status: StatusPublisher, tree: PublishedTree, version: int, revoked: int
) -> None:
    token = status.publish(USCC, 1, bits(7), 3, NOW)
    with pytest.raises(StatusRollback):
        status.publish(USCC, 1, bits(revoked), version, NOW + 60)
    assert tree.read(f"status/{USCC}/1") == token.encode()


@pytest.mark.parametrize("data", [b"", b"x", b"\xff", b"a.b.c"])
def test_unreadable_published_list_stops(
    status: StatusPublisher, tree: PublishedTree, data: bytes
) -> None:
    tree.write(f"status/{USCC}/1", data)
    with pytest.raises(TreeUnreadable):
        status.publish(USCC, 1, bits(), 1, NOW)
    assert tree.read(f"status/{USCC}/1") == data


def test_lists_are_listed(status: StatusPublisher, tree: PublishedTree) -> None:
    for number in (2, 10, 1):
        status.publish(USCC, number, bits(), 1, NOW)
    listed = json.loads(tree.read(f"status/{USCC}/lists.json") or b"")
    prefix = f"https://certs.example/status/{USCC}/"
    assert listed == {"status_lists": [prefix + "1", prefix + "2", prefix + "10"]}


def test_issuer_id_may_differ_from_its_code(
    tree: PublishedTree, store: FileKeyStore, make_key: Callable[..., KeyInfo]
) -> None:
    make_key("status", issuer_id="market")
    status = StatusPublisher(tree, store, base_url="https://certs.example/")
    token = status.publish("market", 1, bits(), 1, NOW, uscc=USCC)
    assert statuslist.read(token).sub == URI


def test_without_a_status_key_nothing_is_published(
    tree: PublishedTree, store: FileKeyStore, make_key: Callable[..., KeyInfo]
) -> None:
    make_key("certificate")
    status = StatusPublisher(tree, store, base_url="https://certs.example/")
    with pytest.raises(NoActiveKey):
        status.publish(USCC, 1, bits(), 1, NOW)
    assert tree.names(f"status/{USCC}") == ()


class Garbler:
    """A key store whose hardware returns something else than a good signature."""

    def __init__(self, signer: Signer, *, signature: bytes | None, kid: str | None) -> None:
        self._signer = signer
        self._signature = signature
        self.kid = kid or signer.kid
        self.alg = signer.alg
        self.public_jwk = signer.public_jwk

    def active(self, issuer_id: str, purpose: str, **_: object) -> "Garbler":
        return self

    def sign(self, data: bytes) -> bytes:
        return self._signer.sign(data) if self._signature is None else self._signature


@pytest.mark.parametrize(
    ("signature", "kid"), [(bytes(64), None), (b"", None), (None, "AAAAAAAAAAA"), (None, "?")]
)
def test_bad_signature_never_leaves(
    tree: PublishedTree,
    store: FileKeyStore,
    key: KeyInfo,
    signature: bytes | None,
    kid: str | None,
) -> None:
    garbler = Garbler(store.signer(USCC, key.kid), signature=signature, kid=kid)
    status = StatusPublisher(tree, garbler, base_url="https://certs.example/")  # type: ignore[arg-type]
    with pytest.raises(SigningFailed):
        status.publish(USCC, 1, bits(), 1, NOW)
    assert tree.read(f"status/{USCC}/1") is None
