"""The life of one certificate out of the log: its leaves, their proofs, and the log's statement.

All proofs lead to one checkpoint. Proofs show that what is listed happened; only the signed
statement says that nothing else did, so a hidden event is a provable lie. JSON:

    {"checkpoint": <signed note>, "events": [<entry>…], "issued": <entry>, "statement": <JWS>,
     "v": 1}     with <entry> = {"index": …, "leaf": <text of the leaf>, "proof": [<base64url>…]}

The statement is a JWS of type `log-history+jwt` by an Ed25519 key of the log over
`{"events": [<leaf hash>…], "iat", "issued": <leaf hash>, "origin", "root", "size", "v": 1}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from certsvc_sdk import jws, strict
from certsvc_sdk.errors import CertsvcError, LogHistoryInvalid, LogInvalid, Malformed
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.leaf import FINAL_EVENTS, Changed, Event, Issued, read_leaf
from certsvc_sdk.log.note import Kind
from certsvc_sdk.log.view import LogView, Opened
from certsvc_sdk.strict import Json

TYP: Final = "log-history+jwt"
VERSION: Final = 1
# A certificate that was suspended and resumed every month for ten years has 240.
MAX_EVENTS: Final = 512
MAX_HISTORY: Final = 2 * 1024 * 1024

_WHAT = "history"
_MEMBERS = frozenset({"checkpoint", "events", "issued", "statement", "v"})
_ENTRY_MEMBERS = frozenset({"index", "leaf", "proof"})
# No proof is longer than a path up the largest tree.
_MAX_PATH = merkle.MAX_SIZE.bit_length()
# Lets as many values through as the longest history holds; its members are named one by one.
_MAX_VALUES = MAX_EVENTS * (_MAX_PATH + 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A leaf with its place and the proof of it.

    Attributes:
        leaf: exact bytes.
        index: place in the log.
        proof: inclusion proof under the history's checkpoint.
    """

    leaf: bytes
    index: int
    proof: tuple[bytes, ...]

    def to_json(self) -> dict[str, Json]:
        """The member of a history."""
        return {
            "index": self.index,
            "leaf": self.leaf.decode("utf-8"),
            "proof": [strict.b64u_encode(one) for one in self.proof],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What is proven of a certificate's life.

    Attributes:
        issued: its issue.
        index: place of the issue in the log.
        events: what happened since, in order.
        indexes: their places in the log.
        as_of: when the log said that this is all, Unix seconds.
        opened: the checkpoint under which all is proven.
    """

    issued: Issued
    index: int
    events: tuple[Changed, ...]
    indexes: tuple[int, ...]
    as_of: int
    opened: Opened

    def last(self, at: int) -> Changed | None:
        """Return the event that rules at a moment, None where none had happened.

        What ended stays so. Where clocks were set back, a certificate is resumed no earlier than
        the event before says, and every other event counts from its own time.

        Args:
            at: Unix seconds.
        """
        found, since = None, 0
        for event in self.events:
            since = max(since, event.at)
            # A clock that was ahead before must not put off a suspension or an end.
            begin = since if event.event is Event.RESUMED else event.at
            if begin <= at:
                found = event
                if event.event in FINAL_EVENTS:
                    break
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A history as it travels; nothing in it is trusted before `prove`.

    Attributes:
        checkpoint: the signed note.
        issued: the issue.
        events: what happened since.
        statement: compact JWS.
    """

    checkpoint: bytes
    issued: Entry
    events: tuple[Entry, ...]
    statement: str

    def to_json(self) -> dict[str, Json]:
        """The JSON object."""
        return {
            "checkpoint": self.checkpoint.decode("utf-8"),
            "events": [entry.to_json() for entry in self.events],
            "issued": self.issued.to_json(),
            "statement": self.statement,
            "v": VERSION,
        }

    def to_bytes(self) -> bytes:
        """Return the JSON text."""
        return strict.dumps(self.to_json())

    def prove(self, view: LogView, leaf_hash: bytes) -> Life:
        """Return the proven life of the certificate whose issue has that leaf hash.

        Args:
            view: the trust in the log.
            leaf_hash: computed from the certificate's token, 32 bytes.

        Raises:
            LogHistoryInvalid: another certificate's, a broken chain, or a statement that is not
                the log's or says something else.
            LogInvalid: another failure of checkpoint, leaves or proofs.
        """
        opened = view.open(self.checkpoint)
        tree = opened.checkpoint
        entries = (self.issued, *self.events)
        hashes = [merkle.leaf_hash(entry.leaf) for entry in entries]
        if hashes[0] != leaf_hash:
            raise LogHistoryInvalid("the history is another certificate's")
        for entry, one in zip(entries, hashes, strict=True):
            merkle.verify_inclusion(one, entry.index, tree.size, entry.proof, tree.root)
        indexes = [entry.index for entry in entries]
        if any(one >= after for one, after in pairwise(indexes)):
            raise LogHistoryInvalid("the events do not stand in the log in their order")
        issued, events = _chain([read_leaf(entry.leaf) for entry in entries], hashes)
        as_of = _check_statement(self.statement, view, tree, hashes)
        return Life(
            issued=issued,
            index=indexes[0],
            events=events,
            indexes=tuple(indexes[1:]),
            as_of=as_of,
            opened=opened,
        )


def draft_statement(
    *,
    header: Mapping[str, Json],
    issued: bytes,
    events: Sequence[bytes],
    checkpoint: Checkpoint,
    iat: int,
) -> bytes:
    """Return the JWS signing input of the statement that a certificate has no other leaves.

    Args:
        header: exactly `alg`, `typ` (`log-history+jwt`) and `kid` of an Ed25519 key of the log.
        issued: leaf hash of the issue, 32 bytes.
        events: leaf hashes of all its status events under the checkpoint, in their order.
        checkpoint: of the tree that the statement is about.
        iat: signed at, Unix seconds.

    Raises:
        LogHistoryInvalid: another `typ`, or more events than a history may have.
    """
    if header.get("typ") != TYP:
        raise LogHistoryInvalid(f"header typ is not {TYP}")
    if len(events) > MAX_EVENTS:
        raise LogHistoryInvalid(f"a history has at most {MAX_EVENTS} events")
    claims = _claims(checkpoint, [issued, *events]) | {"iat": iat}
    return jws.signing_input(header, strict.dumps(claims))


def read_history(data: bytes) -> History:
    """Take a history apart.

    Raises:
        LogHistoryInvalid: too long, not JSON, or anything unknown, missing or of a wrong type.
    """
    try:
        obj = strict.loads_object(data, max_bytes=MAX_HISTORY, what=_WHAT, max_members=_MAX_VALUES)
        if obj.keys() != _MEMBERS or strict.integer(obj, "v", _WHAT) != VERSION:
            raise Malformed("a history of another version")
        events = strict.array(obj, "events", _WHAT)
        if len(events) > MAX_EVENTS:
            raise Malformed("a history with too many events")
        return History(
            checkpoint=strict.text(obj, "checkpoint", _WHAT).encode(),
            issued=_entry(obj["issued"]),
            events=tuple(_entry(one) for one in events),
            statement=strict.text(obj, "statement", _WHAT),
        )
    except Malformed as error:
        raise LogHistoryInvalid(str(error)) from error


def _entry(value: Json) -> Entry:
    if not isinstance(value, dict) or value.keys() != _ENTRY_MEMBERS:
        raise Malformed("an entry has leaf, index and proof")
    proof = strict.array(value, "proof", "entry")
    if len(proof) > _MAX_PATH or not all(isinstance(one, str) for one in proof):
        raise Malformed("an entry's proof is a list of hashes")
    return Entry(
        leaf=strict.text(value, "leaf", "entry").encode(),
        index=strict.integer(value, "index", "entry"),
        proof=tuple(strict.b64u_decode(str(one), what="proof") for one in proof),
    )


def _chain(
    leaves: Sequence[Issued | Changed], hashes: Sequence[bytes]
) -> tuple[Issued, tuple[Changed, ...]]:
    """Return issue and events of one certificate, each naming the one before it."""
    issued, *rest = leaves
    if not isinstance(issued, Issued):
        raise LogHistoryInvalid("the history does not begin with an issue")
    events: list[Changed] = []
    for number, leaf in enumerate(rest, 1):
        if not isinstance(leaf, Changed) or leaf.seq != number or leaf.prev != hashes[number - 1]:
            raise LogHistoryInvalid("the events are not chained")
        same = (leaf.iss, leaf.certificate_identifier)
        if same != (issued.iss, issued.certificate_identifier):
            raise LogHistoryInvalid("an event is another certificate's")
        events.append(leaf)
    return issued, tuple(events)


def _check_statement(
    statement: str, view: LogView, tree: Checkpoint, hashes: Sequence[bytes]
) -> int:
    """Check that the log itself says that these leaves are all; return when it said so."""
    try:
        compact = jws.parse(statement)
        kid = compact.header.get("kid")
        key = next((k for k in view.keys if k.kind is Kind.ED25519 and k.public.kid == kid), None)
        if key is None:
            raise LogHistoryInvalid("the statement is not signed by the log")
        jws.require_header(compact.header, typ=TYP, alg=key.public.alg)
        key.public.verify(compact.signing_input, compact.signature)
        said = strict.loads_object(compact.payload, max_bytes=strict.MAX_TOKEN, what=_WHAT)
        iat = strict.integer(said, "iat", _WHAT)
    except LogInvalid:
        raise
    except CertsvcError as error:
        raise LogHistoryInvalid(f"the statement is not believed: {error}") from error
    if said != _claims(tree, hashes) | {"iat": iat} or iat < 0:
        raise LogHistoryInvalid("the statement is about another history")
    return iat


def _claims(tree: Checkpoint, hashes: Sequence[bytes]) -> dict[str, Json]:
    issued, *events = map(strict.b64u_encode, hashes)
    return {
        "events": [*events],
        "iat": 0,
        "issued": issued,
        "origin": tree.origin,
        "root": strict.b64u_encode(tree.root),
        "size": tree.size,
        "v": VERSION,
    }
