"""The log in the published tree: what readers see, what a crash leaves, what is refused."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from certsvc.publishing import PublishedTree
from certsvc.publishing.errors import (
    LeafAltered,
    LogAhead,
    LogForked,
    LogMoved,
    PublisherFenced,
    SigningFailed,
    TreeUnreadable,
)
from certsvc.publishing.log import LogPublisher
from certsvc.publishing.log_files import CHECKPOINT, LogFiles, path_of
from certsvc.publishing.log_signing import LASTING, LogSigner, log_origin
from certsvc.storage.log import Leaf
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint, parse_checkpoint
from certsvc_sdk.log.note import Kind
from certsvc_sdk.log.tiles import Tile, bundles, edge_of, unpack_entries
from keys import State
from keys.provision import ensure_active

ORIGIN = "certs.example/log"
NOW = 1_800_000_000


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Leaves:
    """What the database would have."""

    rows: list[Leaf] = field(default_factory=list)

    def grow(self, size: int, mark: str = "leaf") -> None:
        for number in range(len(self.rows), size):
            data = f'{{"{mark}":{number}}}'.encode()
            self.rows.append(Leaf(data, merkle.leaf_hash(data)))

    def __call__(self, first: int, end: int) -> list[Leaf]:
        return self.rows[first:end]

    def root(self, size: int) -> bytes:
        tree = merkle.Frontier()
        for leaf in self.rows[:size]:
            tree.append(leaf.hash)
        return tree.root()


@pytest.fixture
def leaves() -> Leaves:
    return Leaves()


@pytest.fixture
def keys(store):
    ensure_active(store, issuer_id="log", alg="Ed25519", purpose="log", now=NOW)
    return store


@pytest.fixture
def make(tree, keys):
    """Function that starts a publisher anew; `crash_at` is the step it dies at."""

    def publisher(crash_at: int = 0) -> LogPublisher:
        def step(number: int) -> None:
            if number == crash_at:
                raise Crash

        return LogPublisher(tree, keys, origin=ORIGIN, step=step)

    return publisher


def seen(tree: PublishedTree, leaves: Leaves) -> int:
    """Check everything that a reader can fetch under the published checkpoint; its size."""
    files = LogFiles(tree)
    checkpoint = parse_checkpoint(files.checkpoint()).checkpoint
    assert checkpoint.root == leaves.root(checkpoint.size)
    found = []
    for bundle in bundles(0, checkpoint.size):
        found += unpack_entries(files.read(bundle), bundle.width)
    assert found == [leaf.data for leaf in leaves(0, checkpoint.size)]
    hashes = b"".join(leaf.hash for leaf in leaves(0, checkpoint.size))
    for number in range(checkpoint.size // 256):
        tile = files.read(Tile(0, number))
        assert tile == hashes[number * 8192 : (number + 1) * 8192]
    for tile in edge_of(checkpoint.size):
        assert len(files.read(tile)) == tile.width * 32
    return checkpoint.size


def test_the_first_checkpoint_says_that_the_log_is_empty(make, tree, leaves):
    assert make().published() is None
    assert make().publish(0, leaves) == Checkpoint(origin=ORIGIN, size=0, root=merkle.EMPTY_ROOT)
    assert make().published().size == 0
    assert make().publish(0, leaves) is None


@pytest.mark.parametrize("restart", [False, True])
def test_readers_see_each_size_whole(make, tree, leaves, restart):
    publisher = make()
    for size in (1, 2, 255, 256, 257, 512, 700, 768, 1500):
        leaves.grow(size)
        publisher = make() if restart else publisher
        assert publisher.publish(size, leaves).size == size
        assert seen(tree, leaves) == size
        assert publisher.publish(size, leaves) is None


def test_a_full_tile_is_written_once(make, tree, leaves):
    leaves.grow(300)
    make().publish(300, leaves)
    tile = tree.root / path_of(Tile(0, 0))
    before = tile.stat()
    leaves.grow(600)
    make().publish(600, leaves)
    assert tile.stat().st_mtime_ns == before.st_mtime_ns


def test_partial_tiles_go_when_the_next_full_one_stands(make, tree, leaves):
    publisher = make()
    for size in (100, 300, 400, 600):
        leaves.grow(size)
        publisher.publish(size, leaves)
    folder = tree.root / "log" / "tile" / "0"
    assert sorted(p.name for p in folder.iterdir()) == ["000", "001", "001.p", "002.p"]
    # A reader with an older checkpoint takes the whole tile instead.
    assert LogFiles(tree).read(Tile(0, 0, 100)) == LogFiles(tree).read(Tile(0, 0))[:3200]


@pytest.mark.parametrize("step", [2, 3, 4])
@pytest.mark.parametrize(("before", "after"), [(0, 1), (5, 200), (250, 600), (0, 256)])
def test_a_crash_at_any_step_is_repaired(make, tree, leaves, step, before, after):
    leaves.grow(before)
    make().publish(before, leaves)
    leaves.grow(after)
    with pytest.raises(Crash):
        make(step).publish(after, leaves)
    assert seen(tree, leaves) == (after if step == 4 else before)
    leaves.grow(after + 10)
    restarted = make()
    restarted.publish(after + 10, leaves)
    assert seen(tree, leaves) == after + 10


def test_a_publisher_that_failed_goes_on_by_itself(make, tree, leaves, monkeypatch):
    publisher = make()
    leaves.grow(10)
    with monkeypatch.context() as broken:
        broken.setattr(PublishedTree, "write_many", _full_disk)
        with pytest.raises(OSError, match="full"):
            publisher.publish(10, leaves)
    assert publisher.publish(10, leaves).size == 10
    assert seen(tree, leaves) == 10


def _full_disk(*_arguments) -> None:
    raise OSError(28, "full")


def test_what_was_never_published_may_be_written_anew(make, tree, leaves):
    leaves.grow(300)
    with pytest.raises(Crash):
        make(3).publish(300, leaves)
    other = Leaves()
    other.grow(300, "another")
    make().publish(300, other)
    assert seen(tree, other) == 300


def test_a_tree_behind_the_published_one_is_refused(make, tree, leaves):
    leaves.grow(20)
    make().publish(20, leaves)
    kept = tree.read(CHECKPOINT)
    for publisher in (make(), make()):
        with pytest.raises(LogAhead):
            publisher.publish(19, leaves)
    assert tree.read(CHECKPOINT) == kept


@pytest.mark.parametrize("size", [20, 256, 300])
def test_other_leaves_than_the_published_ones_are_refused(make, tree, leaves, size):
    leaves.grow(size)
    make().publish(size, leaves)
    kept = tree.read(CHECKPOINT)
    other = Leaves()
    other.grow(size + 20, "another")
    with pytest.raises(LogForked):
        make().publish(size + 20, other)
    assert tree.read(CHECKPOINT) == kept


def test_an_altered_leaf_is_not_published(make, tree, leaves):
    leaves.grow(10)
    publisher = make()
    publisher.publish(10, leaves)
    leaves.grow(12)
    leaves.rows[11] = Leaf(b'{"leaf":99}', leaves.rows[11].hash)
    with pytest.raises(LeafAltered):
        publisher.publish(12, leaves)
    leaves.rows.pop()
    with pytest.raises(LeafAltered):
        publisher.publish(12, leaves)
    assert seen(tree, leaves) == 10


def test_a_second_publisher_moves_nothing_under_the_first(make, tree, leaves):
    slow, quick = make(), make()
    leaves.grow(5)
    slow.publish(5, leaves)
    leaves.grow(9)
    quick.publish(9, leaves)
    leaves.grow(12)
    with pytest.raises(LogMoved):
        slow.publish(12, leaves)
    assert seen(tree, leaves) == 9
    assert slow.publish(12, leaves).size == 12


def test_a_fenced_publisher_moves_nothing(make, tree, leaves):
    leaves.grow(5)
    late = make()
    late.publish(5, leaves, fence=1)
    make().publish(5, leaves, fence=2)
    leaves.grow(6)
    make().publish(6, leaves, fence=2)
    leaves.grow(7)
    with pytest.raises(PublisherFenced):
        make().publish(7, leaves, fence=1)
    assert seen(tree, leaves) == 6


def test_a_backlog_is_published_in_pieces(make, tree, leaves, monkeypatch):
    monkeypatch.setattr("certsvc.publishing.log.MOST", 300)
    leaves.grow(1000)
    publisher = make()
    sizes = []
    while (checkpoint := publisher.publish(1000, leaves)) is not None:
        sizes.append(checkpoint.size)
    assert sizes == [300, 600, 900, 1000]
    assert seen(tree, leaves) == 1000


@pytest.mark.parametrize("name", ["0/000.p/44", "0/001.p/44", "1/000.p/1", "entries/001.p/44"])
def test_damaged_tiles_at_the_edge_are_made_again(make, tree, leaves, name):
    leaves.grow(300)
    make().publish(300, leaves)
    path = tree.root / "log" / "tile" / name
    if path.exists():
        data = bytearray(path.read_bytes())
        data[7] ^= 1
        path.write_bytes(data)
    leaves.grow(310)
    make().publish(310, leaves)
    assert seen(tree, leaves) == 310


def test_damaged_tiles_anywhere_are_made_again_on_demand(make, tree, leaves):
    leaves.grow(5000)
    make().publish(5000, leaves)
    (tree.root / path_of(Tile(0, 3))).unlink()
    (tree.root / path_of(Tile(None, 7))).write_bytes(b"\x00")
    make().rebuild(5000, leaves)
    assert seen(tree, leaves) == 5000


def test_a_lost_checkpoint_is_not_replaced_by_a_smaller_one(make, tree, leaves, monkeypatch):
    leaves.grow(700)
    make().publish(700, leaves)
    (tree.root / CHECKPOINT).unlink()
    (tree.root / path_of(Tile(0, 0))).unlink()
    monkeypatch.setattr("certsvc.publishing.log.MOST", 100)
    leaves.grow(710)
    assert make().publish(710, leaves, at_least=700).size == 710
    assert seen(tree, leaves) == 710


def test_a_checkpoint_that_is_not_ours_stops_the_log(make, tree, leaves, keys, tmp_path):
    leaves.grow(3)
    make().publish(3, leaves)
    good = tree.read(CHECKPOINT)
    for broken in (b"", good[:-9], good.replace(b"log\n3\n", b"log\n4\n")):
        tree.write(CHECKPOINT, broken)
        with pytest.raises(TreeUnreadable):
            make().publish(3, leaves)
    other = Path(tmp_path / "other")
    stranger = type(keys)(other, passphrase=b"x", scrypt_n=2)
    ensure_active(stranger, issuer_id="log", alg="Ed25519", purpose="log", now=NOW)
    root = merkle.EMPTY_ROOT
    forged = LogSigner(stranger, origin=ORIGIN)
    tree.write(CHECKPOINT, forged.checkpoint(Checkpoint(origin=ORIGIN, size=9, root=root)))
    with pytest.raises(TreeUnreadable):
        make().publish(3, leaves)


def test_a_rotated_key_goes_on_with_the_same_tree(make, tree, leaves, keys):
    leaves.grow(3)
    make().publish(3, leaves)
    new = keys.generate(issuer_id="log", alg="Ed25519", purpose="log", now=NOW)
    keys.set_state("log", new.kid, State.PRE_PUBLISHED, now=NOW)
    keys.rotate("log", new.kid, now=NOW)
    leaves.grow(4)
    make().publish(4, leaves)
    assert seen(tree, leaves) == 4


def test_a_lasting_key_signs_too(make, tree, leaves, keys):
    pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
    ensure_active(keys, issuer_id="log", alg="ML-DSA-65", purpose="log", role=LASTING, now=NOW)
    leaves.grow(3)
    make().publish(3, leaves)
    note = parse_checkpoint(tree.read(CHECKPOINT)).note
    assert len(note.signatures) == 2
    # In the order of their random names.
    kinds = {key.kind for key in LogSigner(keys, origin=ORIGIN).view().keys}
    assert kinds == {Kind.ED25519, Kind.ML_DSA_65}


def test_a_checkpoint_that_no_reader_accepts_is_not_released(make, tree, leaves, monkeypatch):
    signer = "keys.signer.StoredSigner.sign"
    monkeypatch.setattr(signer, lambda *_: bytes(64))
    leaves.grow(3)
    with pytest.raises(SigningFailed):
        make().publish(3, leaves)
    assert tree.read(CHECKPOINT) is None


@pytest.mark.parametrize(
    ("base", "origin"),
    [
        ("https://certs.example/", "certs.example/log"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000/log"),
        ("https://example.gov/certs/", "example.gov/certs/log"),
    ],
)
def test_the_origin_is_the_address_without_a_scheme(base, origin):
    assert log_origin(base) == origin
