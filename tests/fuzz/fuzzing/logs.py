"""The transparency log as a target: whatever arrives, only what was logged is ever proven."""

from collections.abc import Callable
from typing import Any

from fuzzing import aims, world
from fuzzing.draws import Draws
from fuzzing.properties import Finding, hold
from fuzzing.tokens import mutate_json

from certsvc_sdk import jws
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import LogInvalid
from certsvc_sdk.log import history, merkle, tiles
from certsvc_sdk.log.checkpoint import Checkpoint, parse_checkpoint
from certsvc_sdk.log.leaf import Changed, Event, Issued, read_leaf
from certsvc_sdk.log.memory import LeafHashes
from certsvc_sdk.log.note import Note, NoteKey, parse_note
from certsvc_sdk.log.proof import LogProof, parse_proof
from certsvc_sdk.log.view import LogView

SIZE, PLACES = 11, (3, 6, 8)


class LogTarget:
    """Proofs, histories, notes, leaves and bundles, each altered in structure or as bytes."""

    def __init__(self) -> None:
        public = PublicKey.from_jwk(world.ISSUER_TOO.jwk, "Ed25519")
        self.key = NoteKey.of("certs.example/log", public)
        self.view = LogView.of("certs.example/log", [public])
        self.leaves = _leaves()
        self.tree = LeafHashes()
        for leaf in self.leaves:
            self.tree.append(merkle.leaf_hash(leaf))
        self.note = self._sign(SIZE)
        self.history = self._history()
        self.life = self.history.prove(self.view, merkle.leaf_hash(self.leaves[PLACES[0]]))

    def __call__(self, draws: Draws) -> None:
        draws.pick((self._proof, self._life, self._texts))(draws)

    def _proof(self, draws: Draws) -> None:
        """A proof shows this leaf at its own place in a tree that the log signed, or nothing."""
        index, size = draws.below(SIZE), 1 + draws.below(SIZE)
        path = list(merkle.inclusion_proof(index % size, size, self.tree.read))
        if draws.below(2) and path:
            path[draws.place(path)] = draws.pick((draws.blob(33), bytes(32), path[-1]))
        proof = LogProof(
            index=draws.pick((index % size, index, draws.below(2 * SIZE))),
            hashes=tuple(path[: draws.pick((None, 1, 2))]),  # type: ignore[misc]
            checkpoint=_spoilt(self._sign(draws.pick((size, SIZE))), draws),
            extra=draws.pick((None, b"x")),
        )
        place = draws.below(SIZE)
        proven = _only(lambda: self.view.prove(proof, merkle.leaf_hash(self.leaves[place])), proof)
        if proven is not None:
            hold(proven.index == place, "a leaf is proven at another's place", proof)
        text = _only(proof.to_text, proof)
        if text is not None:
            again = _only(lambda: parse_proof(_spoilt(text.encode(), draws).decode()), text)
            hold(again is None or again.to_text() is not None, "read and not written", text)

    def _life(self, draws: Draws) -> None:
        """A history tells the one life there is, or nothing."""
        whole = self.history.to_bytes()
        data = draws.rest() if draws.one_in(8) else mutate_json(whole, draws, aims.HISTORY)
        read = _only(lambda: history.read_history(data), data)
        if read is None:
            return
        leaf_hash = merkle.leaf_hash(self.leaves[draws.pick(PLACES)])
        life = _only(lambda: read.prove(self.view, leaf_hash), data)
        hold(life is None or life == self.life, "another life is proven", data)

    def _texts(self, draws: Draws) -> None:
        """What is read is written back as the very same bytes."""
        note = _spoilt(self.note, draws)
        read = _only(lambda: parse_note(note), note)
        hold(read is None or read.to_bytes() == note, "a note of two spellings", note)
        _only(lambda: parse_checkpoint(note), note)
        leaf = mutate_json(self.leaves[draws.place(self.leaves)], draws)
        found = _only(lambda: read_leaf(leaf), leaf)
        hold(found is None or found.to_bytes() == leaf, "a leaf of two spellings", leaf)
        bundle = _spoilt(tiles.pack_entries(self.leaves), draws)
        count = draws.pick((SIZE, SIZE - 1, 256))
        entries = _only(lambda: tiles.unpack_entries(bundle, count), bundle)
        same = entries is None or tiles.pack_entries(entries) == bundle
        hold(same, "a bundle of two spellings", bundle)
        path = draws.pick(("tile/0/x001/234.p/7", "tile/entries/000", "tile/63/001"))
        path = _spoilt(path.encode(), draws).decode("latin-1")
        tile = _only(lambda: tiles.Tile.parse(path), path)
        hold(tile is None or tile.path == path, "a tile of two paths", path)
        vkey = _spoilt(self.key.vkey.encode(), draws).decode("latin-1")
        key = _only(lambda: NoteKey.from_vkey(vkey), vkey)
        hold(key is None or key.vkey == vkey, "a key of two spellings", vkey)

    def _sign(self, size: int) -> bytes:
        root = merkle.root_of(size, self.tree.read)
        text = Checkpoint(origin=self.view.origin, size=size, root=root).to_text()
        line = self.key.line(world.ISSUER_TOO.sign(text.encode()))
        return Note(text, (line,)).to_bytes()

    def _history(self) -> history.History:
        entries = [
            history.Entry(
                leaf=self.leaves[place],
                index=place,
                proof=merkle.inclusion_proof(place, SIZE, self.tree.read),
            )
            for place in PLACES
        ]
        hashes = [merkle.leaf_hash(entry.leaf) for entry in entries]
        data = history.draft_statement(
            header=world.ISSUER_TOO.header(history.TYP),
            issued=hashes[0],
            events=hashes[1:],
            checkpoint=parse_checkpoint(self.note).checkpoint,
            iat=world.NOW,
        )
        return history.History(
            checkpoint=self.note,
            issued=entries[0],
            events=tuple(entries[1:]),
            statement=jws.attach(data, world.ISSUER_TOO.sign(data)),
        )


def _leaves() -> list[bytes]:
    made = [_issued(number).to_bytes() for number in range(SIZE)]
    for seq, event in enumerate((Event.SUSPENDED, Event.REVOKED), 1):
        before = made[PLACES[seq - 1]]
        made[PLACES[seq]] = Changed(
            at=world.NOW - 100 + seq,
            certificate_identifier=_issued(PLACES[0]).certificate_identifier,
            event=event,
            iss=world.ISS,
            prev=merkle.leaf_hash(before),
            seq=seq,
        ).to_bytes()
    return made


def _issued(number: int) -> Issued:
    return Issued(
        certificate_identifier=f"1.2.156.{number}",
        iat=world.NOW - 1000,
        iss=world.ISS,
        kid=world.ISSUER.kid,
        sha256=bytes([number]) * 32,
        vct="https://certs.example/vct/business-licence/1",
    )


def _spoilt(data: bytes, draws: Draws) -> bytes:
    """The bytes as they are, or with one place changed, cut or doubled."""
    at = draws.place(data)
    return draws.pick(
        (
            lambda: data,
            lambda: data[:at] + bytes((data[at] ^ 1 << draws.below(8),)) + data[at + 1 :],
            lambda: data[:at],
            lambda: data[:at] + draws.blob(4) + data[at:],
            lambda: data[at:] + data[:at],
        )
    )()


def _only(work: Callable[[], Any], given: object) -> Any:
    """Run a reader; only the errors of logs may leave it (and UTF-8 of the test's own making)."""
    try:
        return work()
    except (LogInvalid, UnicodeDecodeError):
        return None
    except Exception as error:
        raise Finding(f"a reader of logs raised {error!r}", given) from error
