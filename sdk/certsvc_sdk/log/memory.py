"""A whole tree in memory: for small logs, and to hold other readers to."""

from collections.abc import Sequence
from hashlib import sha256

from certsvc_sdk.errors import LogProofInvalid
from certsvc_sdk.log.merkle import Place


class LeafHashes:
    """A tree in memory: every complete subtree's hash, for proofs at any size so far."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf_hash: bytes) -> None:
        """Let the tree grow by one leaf."""
        level = 0
        row = self._levels[0]
        row.append(leaf_hash)
        while not len(row) & 1:
            leaf_hash = sha256(b"\x01" + row[-2] + row[-1]).digest()
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            row = self._levels[level]
            row.append(leaf_hash)

    def read(self, places: Sequence[Place]) -> list[bytes]:
        """Return hashes of complete subtrees; this is a `HashReader`.

        Raises:
            LogProofInvalid: a subtree that is not complete yet.
        """
        try:
            return [self._levels[level][number] for level, number in places]
        except IndexError as error:
            raise LogProofInvalid("the tree has no such subtree") from error
