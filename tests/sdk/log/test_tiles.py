"""Tiles: names, bundles, the growing edge, and hashes read out of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk.errors import FetchFailed, LogProofInvalid, LogTileInvalid
from certsvc_sdk.log import merkle, tiles
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.memory import LeafHashes
from certsvc_sdk.log.merkle import Place
from certsvc_sdk.log.tiles import Tile, TileReader


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),  # tlog-tiles, its example
        (Tile(None, 999, 1), "tile/entries/999.p/1"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
        (Tile(1, 17, 112), "tile/1/017.p/112"),
    ],
)
def test_every_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000",
        "tile/64/000", "tile/-1/000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x001/x000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000/",
        "tile/entries/../checkpoint", "tile/0/\u0660\u0660\u0660", "/tile/0/000", "tile/0/000\n",
        "tile/0/x999/x999/x999/x999/x999/999",
    ],
)  # fmt: skip
def test_no_path_of_a_tile(path: str) -> None:
    with pytest.raises(LogTileInvalid):
        Tile.parse(path)


def test_the_tiles_of_the_standards_example() -> None:
    # tlog-tiles: 70,000 entries are 273 full tiles, then widths 112, 17 and 1.
    assert list(tiles.edge_of(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles.edge_of(256)) == [Tile(1, 0, 1)]
    assert tiles.tile_at(0, 0, 256).is_full
    assert list(tiles.edge_of(0)) == []
    assert list(tiles.bundles(255, 257)) == [Tile(None, 0), Tile(None, 1, 1)]
    assert tiles.Tile(None, 1, 1).start == 256
    for level, number in ((0, 274), (1, 2), (3, 0), (0, -1)):
        with pytest.raises(LogTileInvalid):
            tiles.tile_at(level, number, 70_000)


def test_bundles_are_read_as_written() -> None:
    leaves = [b"", b"a" * 3, b"b" * 65_535]
    packed = tiles.pack_entries(leaves)
    assert packed[:4] == b"\0\0\0\x03"
    assert tiles.unpack_entries(packed, 3) == leaves
    for count in (0, 2, 4):
        with pytest.raises(LogTileInvalid):
            tiles.unpack_entries(packed, count)
    for cut in (packed[:-1], packed[:1], packed + b"\0"):
        with pytest.raises(LogTileInvalid):
            tiles.unpack_entries(cut, 3)
    for wrong in ([], [b"x"] * 257, [b"x" * 65_536]):
        with pytest.raises(LogTileInvalid):
            tiles.pack_entries(wrong)
    for data in (b"", bytes(31), bytes(64)):
        with pytest.raises(LogTileInvalid):
            tiles.unpack_hashes(data, 1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4), st.data())
def test_an_edge_grows_by_any_steps_into_the_same_tiles(steps: list[int], data: Any) -> None:
    tree, files, edge, size = LeafHashes(), {}, Edge(), 0
    for step in steps:
        for number in range(size, size + step):
            one = merkle.leaf_hash(b"%d" % number)
            tree.append(one)
            edge.append(one)
        size += step
        files.update({tile.path: content for tile, content in edge.take()})
        assert edge.take_full() == []
        assert edge.root() == merkle.root_of(size, tree.read)
        if data.draw(st.booleans()):
            edge = Edge.load(size, lambda tile: files[tile.path])
        else:
            edge = Edge.of(size, edge.rows)
        assert (edge.size, edge.root()) == (size, merkle.root_of(size, tree.read))
    for path, content in files.items():
        tile = Tile.parse(path)
        assert tile.level is not None
        places = [Place(8 * tile.level, tile.start + n) for n in range(tile.width)]
        assert content == b"".join(tree.read(places))
    reader = TileReader(size, lambda tile: files[tile.path])
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    expected = merkle.inclusion_proof(index, size, tree.read)
    assert merkle.inclusion_proof(index, size, reader) == expected
    expected = merkle.consistency_proof(old, size, tree.read)
    assert merkle.consistency_proof(old, size, reader) == expected
    assert merkle.root_of(size, reader) == edge.root()


def test_deep_trees_have_tiles_of_three_levels() -> None:
    edge, tree = Edge(), LeafHashes()
    for number in range(65_536 + 300):
        one = merkle.leaf_hash(b"%d" % number)
        edge.append(one)
        tree.append(one)
    files = {tile.path: content for tile, content in edge.take()}
    assert {"tile/1/000", "tile/2/000.p/1", "tile/0/256", "tile/0/257.p/44"} <= files.keys()
    assert Edge.load(edge.size, lambda tile: files[tile.path]).root() == edge.root()
    reader = TileReader(edge.size, lambda tile: files[tile.path])
    proof = merkle.inclusion_proof(7, edge.size, reader)
    merkle.verify_inclusion(merkle.leaf_hash(b"7"), 7, edge.size, proof, edge.root())


def test_flipped_bits_of_tiles_never_prove_anything(book: Any) -> None:
    book.fill(300)
    book.publish()
    tree, root = book.hashes, book.tree().root
    index = 270
    for bit in range(0, 256 * 44, 97):

        def read(tile: Tile, bit: int = bit) -> bytes:
            data = bytearray(book.files[tile.path])
            if tile.level == 0 and tile.number == 1:
                data[bit // 8] ^= 1 << bit % 8
            return bytes(data)

        proof = merkle.inclusion_proof(index, 300, TileReader(300, read))
        if proof == merkle.inclusion_proof(index, 300, tree.read):
            continue  # the bit of the leaf itself, which its proof does not hold
        with pytest.raises(LogProofInvalid):
            merkle.verify_inclusion(tree.read([Place(0, index)])[0], index, 300, proof, root)


def test_rows_of_another_size_are_no_edge() -> None:
    for size, rows in ((1, [b""]), (256, [b""]), (0, []), (1, [bytes(31)]), (1, [bytes(64)])):
        with pytest.raises(LogTileInvalid):
            Edge.of(size, rows)
    assert Edge.of(0, [b""]).root() == merkle.EMPTY_ROOT


def test_a_reader_gives_complete_subtrees_only(book: Any) -> None:
    book.fill(5)
    book.publish()
    reader = TileReader(5, book.read_tile)
    assert reader([Place(2, 0)]) == book.hashes.read([Place(2, 0)])
    for place in (Place(2, 1), Place(0, 5), Place(8, 0), Place(3, 0)):
        with pytest.raises(LogTileInvalid):
            reader([place])
    with pytest.raises(LogTileInvalid):
        TileReader(6, lambda tile: book.files["tile/0/000.p/5"])([Place(0, 0)])


def test_a_full_tile_serves_in_place_of_a_partial_one(book: Any) -> None:
    book.fill(256)
    book.publish()

    def read(path: str, max_bytes: int) -> bytes:
        if path not in book.files:
            raise FetchFailed(path)
        return bytes(book.files[path][: max_bytes + 1])

    assert tiles.fetched(read, Tile(0, 0, 7)) == book.files["tile/0/000"][: 7 * 32]
    bundle = tiles.fetched(read, Tile(None, 0, 7))
    assert tiles.unpack_entries(bundle, 7) == book.leaves[:7]
    assert tiles.fetched(read, Tile(0, 0)) == book.files["tile/0/000"]
    for tile in (Tile(0, 1, 7), Tile(0, 1)):
        with pytest.raises(FetchFailed):
            tiles.fetched(read, tile)
