"""The Merkle tree as SDK and log use it: appends, proofs and their checks, beside plain SHA-256."""

from hashlib import sha256

from bench.harness import Effort, Result, Row, calls, measure
from bench.world import World
from certsvc_sdk.log import merkle
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.memory import LeafHashes
from certsvc_sdk.log.tiles import Tile, TileReader

#: Leaves of the tree that proofs come from.
LEAVES = 1 << 20
BASE = "SHA-256 of a node"
_NODE = bytes(65)


def grown(world: World, effort: Effort) -> list[Result]:
    """Rows over one tree, built once."""
    size = 3_000 if effort.quick else LEAVES - 12_345
    edge, tree, files = Edge(), LeafHashes(), {}
    for number in range(size):
        leaf = sha256(b"%d" % number).digest()
        edge.append(leaf)
        tree.append(leaf)
    for tile, data in edge.take():
        files[tile] = data

    def read(tile: Tile) -> bytes:
        return files[tile]

    reader, index, root = TileReader(size, read), size // 3, edge.root()
    leaf = sha256(b"%d" % index).digest()
    proof = merkle.inclusion_proof(index, size, reader)
    growing, hashes = Edge(), LeafHashes()
    name = f"{size:,} leaves"
    rows = [
        Row(name=BASE, base=BASE, run=calls(lambda: sha256(_NODE).digest())),
        _row("append, tiles", lambda: growing.append(leaf), "a leaf into the right edge in tiles"),
        _row("append, memory", lambda: hashes.append(leaf), "every subtree's hash is kept"),
        _row("proof, memory", lambda: merkle.inclusion_proof(index, size, tree.read), name),
        _row("proof, tiles at hand", lambda: merkle.inclusion_proof(index, size, reader), name),
        _row(
            "proof, tiles read",
            lambda: merkle.inclusion_proof(index, size, TileReader(size, read)),
            f"{name}; 255 hashes a tile",
        ),
        _row(
            "proof checked",
            lambda: merkle.verify_inclusion(leaf, index, size, proof, root),
            f"{len(proof)} hashes",
        ),
    ]
    return measure("tree", rows, effort)


def _row(name: str, work: object, note: str) -> Row:
    assert callable(work)
    return Row(name=name, base=BASE, run=calls(work), note=note, ours=True)
