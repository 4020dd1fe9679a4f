import json
from collections.abc import Callable

import pytest

from certsvc.publishing import PublishedTree, StatusPublisher
from certsvc.publishing.errors import (
    PointerMoved,
    PublisherFenced,
    SigningFailed,
    StatusRollback,
    TreeUnreadable,
)
from certsvc.publishing.status_files import KEPT_SECONDS, KEPT_VERSIONS, takes_back
from certsvc_sdk import statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.statuslist import INVALID, SUPERSEDED, SUSPENDED, MutableStatusBits, StatusBits
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


# --- what changed since


def test_changes_are_published_on_top_of_what_is_kept(
    status: StatusPublisher, tree: PublishedTree
) -> None:
    status.publish(USCC, 1, bits(7), 3, NOW)
    assert status.kept_version(USCC, 1) == 3
    token = status.republish(USCC, 1, [(9, INVALID), (10, SUSPENDED)], 5, NOW + 1)
    assert tree.read(f"status/{USCC}/1") == token.encode()
    read = statuslist.read(token)
    assert (read.version, read.iat, read.sub) == (5, NOW + 1, URI)
    shown = read.bits()
    assert [shown.get(index) for index in (7, 8, 9, 10)] == [INVALID, 0, INVALID, SUSPENDED]
    again = statuslist.read(status.republish(USCC, 1, [(10, 0)], 6, NOW + 2))
    assert again.bits() == bits(7, 9)


def test_a_heart_beat_signs_the_same_list_anew(status: StatusPublisher) -> None:
    status.publish(USCC, 1, bits(7), 3, NOW)
    read = statuslist.read(status.republish(USCC, 1, [], 3, NOW + 150))
    assert (read.version, read.iat, read.bits()) == (3, NOW + 150, bits(7))
    with pytest.raises(StatusRollback):
        status.republish(USCC, 1, [(8, INVALID)], 3, NOW + 151)


@pytest.mark.parametrize(
    ("changes", "version"),
    [([], 2), ([(7, 0)], 4), ([(7, SUSPENDED)], 4), ([(8, INVALID), (8, 0)], 4), ([(9, 0)], 4)],
)
def test_changes_never_go_back(
    status: StatusPublisher, tree: PublishedTree, changes: list[tuple[int, int]], version: int
) -> None:
    made = MutableStatusBits(4096)
    made.fill([(7, INVALID), (9, SUPERSEDED)])
    token = status.publish(USCC, 1, made.freeze(), 3, NOW)
    with pytest.raises(StatusRollback):
        status.republish(USCC, 1, changes, version, NOW + 1)
    assert tree.read(f"status/{USCC}/1") == token.encode()
    # What may be half-changed by now is not kept: the next one is of the whole list.
    assert status.kept_version(USCC, 1) is None
    with pytest.raises(PointerMoved):
        status.republish(USCC, 1, [], 4, NOW + 2)


def test_a_change_outside_the_list_is_refused(status: StatusPublisher) -> None:
    status.publish(USCC, 1, bits(), 3, NOW)
    with pytest.raises(SigningFailed):
        status.republish(USCC, 1, [(4096, INVALID)], 4, NOW)


def test_a_pointer_that_was_moved_is_noticed(
    tree: PublishedTree, store: FileKeyStore, status: StatusPublisher
) -> None:
    status.publish(USCC, 1, bits(7), 3, NOW)
    other = StatusPublisher(tree, store, base_url="https://certs.example/")
    token = other.publish(USCC, 1, bits(7, 8), 4, NOW)
    with pytest.raises(PointerMoved):
        status.republish(USCC, 1, [(8, INVALID), (9, INVALID)], 5, NOW)
    assert tree.read(f"status/{USCC}/1") == token.encode()
    status.publish(USCC, 1, bits(7, 8, 9), 5, NOW)
    status.forget()
    assert status.kept_version(USCC, 1) is None


def test_a_higher_version_does_not_excuse_a_lost_revocation(
    status: StatusPublisher, tree: PublishedTree
) -> None:
    """A database that was restored counts on, and knows of fewer revocations."""
    token = status.publish(USCC, 1, bits(7, 8), 3, NOW)
    with pytest.raises(StatusRollback):
        status.publish(USCC, 1, bits(7), 9, NOW)
    with pytest.raises(StatusRollback):
        status.publish(USCC, 1, MutableStatusBits(2048).freeze(), 9, NOW)
    assert tree.read(f"status/{USCC}/1") == token.encode()


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
def test_what_is_for_ever(before: int, after: int) -> None:
    lists = []
    for value in (before, after):
        made = MutableStatusBits(9)
        made.fill([(0, INVALID), (5, value), (8, SUPERSEDED)])
        lists.append(made.freeze())
    assert takes_back(*lists) == (before in (INVALID, SUPERSEDED) and after != before)


# --- versions


def test_every_version_stays_as_it_was_signed(status: StatusPublisher, tree: PublishedTree) -> None:
    tokens = [status.publish(USCC, 1, bits(7), 3, NOW)]
    tokens.append(status.republish(USCC, 1, [(8, INVALID)], 4, NOW + 1))
    tokens.append(status.republish(USCC, 1, [], 4, NOW + 2))
    tokens.append(status.publish(USCC, 1, bits(7, 8), 4, NOW + 3))
    names = tree.names(f"status/{USCC}/versions/1")
    assert [name.rsplit("-", 1)[0] for name in names] == [
        f"3-{NOW}",
        f"4-{NOW + 1}",
        f"4-{NOW + 2}",
        f"4-{NOW + 3}",
    ]
    written = {tree.read(f"status/{USCC}/versions/1/{name}") for name in names}
    assert written == {token.encode() for token in tokens}
    assert tree.read(f"status/{USCC}/1") == tokens[-1].encode()


def test_old_versions_go_by_number_and_by_age(status: StatusPublisher, tree: PublishedTree) -> None:
    status.publish(USCC, 1, bits(), 1, NOW)
    for version in range(2, KEPT_VERSIONS + 4):
        status.republish(USCC, 1, [(version, INVALID)], version, NOW)
    folder = f"status/{USCC}/versions/1"
    versions = sorted(int(name.split("-")[0]) for name in tree.names(folder))
    assert versions == list(range(4, KEPT_VERSIONS + 4))
    status.republish(USCC, 1, [], KEPT_VERSIONS + 3, NOW + KEPT_SECONDS)
    assert len(tree.names(folder)) == 1
    assert status.published_version(USCC, 1) == KEPT_VERSIONS + 3


def test_a_version_that_cannot_be_removed_stops_nothing(
    status: StatusPublisher,
    tree: PublishedTree,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    status.publish(USCC, 1, bits(), 1, NOW)

    def refuse(*_: object) -> None:
        raise OSError(28, "no")

    monkeypatch.setattr(PublishedTree, "remove", refuse)
    status.republish(USCC, 1, [], 1, NOW + KEPT_SECONDS)
    assert "cannot be removed" in caplog.text


def test_a_publisher_that_was_overtaken_writes_nothing(
    status: StatusPublisher, tree: PublishedTree
) -> None:
    status.publish(USCC, 1, bits(7), 3, NOW, fence=2)
    assert tree.fence() == 2
    before = sorted(path for path in tree.root.rglob("*") if path.is_file())
    for fence in (0, 1):
        with pytest.raises(PublisherFenced):
            status.publish(USCC, 1, bits(7, 8), 4, NOW, fence=fence)
    assert sorted(path for path in tree.root.rglob("*") if path.is_file()) == before
    status.publish(USCC, 1, bits(7, 8), 4, NOW, fence=2)


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
