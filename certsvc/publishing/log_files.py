"""The log's files in the published tree (c2sp.org/tlog-tiles): checkpoint, tiles, entry bundles."""

import shutil
from collections.abc import Iterable

from certsvc.publishing.errors import TreeUnreadable
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.log import checkpoint
from certsvc_sdk.log.merkle import HASH_BYTES
from certsvc_sdk.log.tiles import WIDTH, Tile

FOLDER = "log"
CHECKPOINT = f"{FOLDER}/{checkpoint.PATH}"
#: The newest checkpoint with cosignatures of witnesses; it follows the other one.
WITNESSED = f"{FOLDER}/witnessed"


class LogFiles:
    """Reads and writes them.

    Args:
        tree: where they stand.
    """

    def __init__(self, tree: PublishedTree) -> None:
        self.tree = tree

    def checkpoint(self) -> bytes | None:
        """The signed note that readers see; None where there is none.

        Raises:
            TreeUnreadable: it is there and cannot be read.
        """
        return self.tree.read(CHECKPOINT)

    def write_checkpoint(self, data: bytes) -> None:
        """Move the checkpoint; the caller holds `PublishedTree.exclusive`.

        Raises:
            OSError: the old one still stands.
        """
        self.tree.write(CHECKPOINT, data)

    def read(self, tile: Tile) -> bytes:
        """A tile's or bundle's bytes; a partial one may have been replaced by its full one.

        Raises:
            TreeUnreadable: it is missing or cannot be read.
        """
        data = self.tree.read(path_of(tile))
        if data is None and tile.level is not None and not tile.is_full:
            whole = self.tree.read(path_of(tile._replace(width=WIDTH)))
            data = whole and whole[: tile.width * HASH_BYTES]
        if data is None:
            raise TreeUnreadable(f"{path_of(tile)} is missing")
        return data

    def write(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Write tiles and bundles; after return they survive a power cut.

        Raises:
            OSError: some may stand, none is seen by readers yet.
        """
        self.tree.write_many({path_of(tile): data for tile, data in tiles})

    def prune(self, tile: Tile) -> None:
        """Remove the partial tiles that a full one has replaced; readers fall back to it."""
        folder = self.tree.root / f"{path_of(tile._replace(width=WIDTH))}.p"
        shutil.rmtree(folder, ignore_errors=True)


def path_of(tile: Tile) -> str:
    """Where a tile stands in the published tree."""
    return f"{FOLDER}/{tile.path}"
