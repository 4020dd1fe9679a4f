"""Where a log is read: its address follows from its origin, its resources lie below that."""

from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.errors import FetchFailed
from certsvc_sdk.fetch import Fetcher
from certsvc_sdk.log import checkpoint, history, note, proof, tiles
from certsvc_sdk.log.tiles import Tile
from certsvc_sdk.sources import Sources
from certsvc_sdk.trust.urls import parse_url

#: Below the log's address: what stands for one leaf, named by its hash.
PROOF_PATH: Final = "proof/"
HISTORY_PATH: Final = "history/"


def address_of(origin: str, *, demo: bool) -> str:
    """Return the address of a log (tlog-tiles: the origin is the address without its scheme).

    Args:
        origin: name of the log.
        demo: the trust data is a demonstration's; only there is plain http to this machine meant.
    """
    plain = f"http://{origin}/"
    return plain if demo and parse_url(plain) is not None else f"https://{origin}/"


class LogSource:
    """Reads one log.

    Args:
        address: of the log, ends in `/`.
        sources: where addresses are read.
        fetcher: brings bytes.
    """

    def __init__(self, address: str, sources: Sources, fetcher: Fetcher) -> None:
        self._address = address
        self._sources = sources
        self._fetcher = fetcher

    def read(self, path: str, max_bytes: int) -> bytes:
        """Return what is served at a path below the address.

        Raises:
            FetchFailed: it cannot be read.
        """
        source = self._sources.resolve(self._address + path)
        body = self._fetcher.get(source, max_bytes=max_bytes).body
        if body is None:
            raise FetchFailed("the log gave an answer without a body")
        return body

    def checkpoint(self) -> bytes:
        """Return the log's newest checkpoint; nothing is believed.

        Raises:
            FetchFailed: it cannot be read.
        """
        return self.read(checkpoint.PATH, note.MAX_NOTE)

    def proof(self, leaf_hash: bytes) -> str:
        """Return the proof of a leaf; nothing is believed.

        Raises:
            FetchFailed: it cannot be read, for instance because the leaf is not in the log.
        """
        data = self.read(PROOF_PATH + strict.b64u_encode(leaf_hash), proof.MAX_TEXT)
        return data.decode("utf-8", errors="replace")

    def history(self, leaf_hash: bytes) -> bytes:
        """Return the history of the certificate whose issue has that leaf hash.

        Raises:
            FetchFailed: it cannot be read.
        """
        return self.read(HISTORY_PATH + strict.b64u_encode(leaf_hash), history.MAX_HISTORY)

    def tile(self, tile: Tile) -> bytes:
        """Return a tile or entry bundle.

        Raises:
            FetchFailed: it cannot be read.
            LogTileInvalid: a full one that was read in place of a partial one is malformed.
        """
        return tiles.fetched(self.read, tile)
