"""A small log with real keys: leaves, tiles, checkpoints, proofs and histories, as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certsvc_sdk import jws, strict
from certsvc_sdk.log import history, merkle, tiles
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.leaf import Changed, Event, Issued, issued_of
from certsvc_sdk.log.memory import LeafHashes
from certsvc_sdk.log.note import Kind, Note, NoteKey, NoteSignature, cosignature, cosigned_message
from certsvc_sdk.log.proof import LogProof
from certsvc_sdk.log.tiles import Tile
from certsvc_sdk.log.view import LogView


class LogBook:
    """One log; what it publishes stands in `files` by its path below the log's address."""

    def __init__(self, origin: str, signer: Any) -> None:
        self.origin = origin
        self.signer = signer
        self.key = NoteKey.of(origin, signer.public)
        self.view = LogView.of(origin, [signer.public])
        self.leaves: list[bytes] = []
        self.hashes = LeafHashes()
        self.edge = Edge()
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    def add(self, leaf: bytes | Issued | Changed) -> int:
        """Append a leaf; return its place."""
        data = leaf if isinstance(leaf, bytes) else leaf.to_bytes()
        self.leaves.append(data)
        self.hashes.append(merkle.leaf_hash(data))
        self.edge.append(merkle.leaf_hash(data))
        return len(self.leaves) - 1

    def fill(self, count: int, iat: int = 1_799_000_000) -> None:
        """Append leaves of other certificates."""
        for number in range(len(self.leaves), len(self.leaves) + count):
            self.add(other_leaf(number, iat))

    def issue(self, token: str) -> int:
        """Append the issue of a certificate."""
        return self.add(issued_of(signing_input(token)))

    def change(self, token: str, event: str, at: int, *, before: Sequence[int]) -> int:
        """Append a status event; `before` are the places of the certificate's leaves so far."""
        issued = issued_of(signing_input(token))
        return self.add(
            Changed(
                at=at,
                certificate_identifier=issued.certificate_identifier,
                event=Event(event),
                iss=issued.iss,
                prev=merkle.leaf_hash(self.leaves[before[-1]]),
                seq=len(before),
            )
        )

    def tree(self, size: int | None = None) -> Checkpoint:
        """The checkpoint of a size."""
        size = len(self.leaves) if size is None else size
        return Checkpoint(
            origin=self.origin, size=size, root=merkle.root_of(size, self.hashes.read)
        )

    def note(self, size: int | None = None, *more: NoteSignature) -> bytes:
        """The signed checkpoint of a size."""
        return self.sign(self.tree(size), *more)

    def sign(self, tree: Checkpoint, *more: NoteSignature) -> bytes:
        """Any checkpoint, signed by the log."""
        text = tree.to_text()
        line = self.key.line(self.signer.sign(text.encode()))
        return Note(text, (line, *more)).to_bytes()

    def path(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """An inclusion proof."""
        size = len(self.leaves) if size is None else size
        return merkle.inclusion_proof(index, size, self.hashes.read)

    def proof(self, index: int, size: int | None = None, note: bytes | None = None) -> str:
        """The text of a proof."""
        checkpoint = self.note(size) if note is None else note
        made = LogProof(index=index, hashes=self.path(index, size), checkpoint=checkpoint)
        return made.to_text()

    def history(self, places: Sequence[int], iat: int) -> history.History:
        """The history of a certificate whose leaves stand at these places."""
        entries = [
            history.Entry(leaf=self.leaves[place], index=place, proof=self.path(place))
            for place in places
        ]
        hashes = [merkle.leaf_hash(entry.leaf) for entry in entries]
        data = history.draft_statement(
            header=self.signer.header(history.TYP),
            issued=hashes[0],
            events=hashes[1:],
            checkpoint=self.tree(),
            iat=iat,
        )
        return history.History(
            checkpoint=self.note(),
            issued=entries[0],
            events=tuple(entries[1:]),
            statement=jws.attach(data, self.signer.sign(data)),
        )

    def publish(self) -> None:
        """Write the tiles, bundles and checkpoint of the present size."""
        for tile, data in self.edge.take():
            self.files[tile.path] = data
        size = len(self.leaves)
        for tile in tiles.bundles(0, size):
            chosen = self.leaves[tile.start : tile.start + tile.width]
            self.files[tile.path] = tiles.pack_entries(chosen)
        self.files["checkpoint"] = self.note()

    def serve_proof(self, index: int) -> None:
        """Offer the proof of a leaf."""
        name = strict.b64u_encode(merkle.leaf_hash(self.leaves[index]))
        self.files[f"proof/{name}"] = self.proof(index).encode()

    def serve_history(self, places: Sequence[int], iat: int) -> None:
        """Offer the history of a certificate."""
        name = strict.b64u_encode(merkle.leaf_hash(self.leaves[places[0]]))
        self.files[f"history/{name}"] = self.history(places, iat).to_bytes()

    def read_tile(self, tile: Tile) -> bytes:
        """A tile's bytes (`tiles.TileSource`)."""
        return self.files[tile.path]

    def write(self, folder: Path) -> None:
        """Write all files below a folder."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def other_leaf(number: int, iat: int = 1_799_000_000) -> Issued:
    """A leaf of somebody's certificate."""
    return Issued(
        certificate_identifier=f"1.2.156.{number}",
        iat=iat,
        iss="https://other.example/i/119999000000000198",
        kid="otherkidxyz",
        sha256=number.to_bytes(32, "big"),
        vct="https://other.example/vct/licence/1",
    )


def signing_input(token: str) -> bytes:
    """What the issuer of a token signed."""
    return token.partition("~")[0].rpartition(".")[0].encode()


def cosign(note: bytes, key: NoteKey, signer: Any, at: int) -> NoteSignature:
    """A witness's line for a checkpoint."""
    assert key.kind is Kind.COSIGNATURE
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return key.line(cosignature(at, signer.sign(cosigned_message(text, at))))
