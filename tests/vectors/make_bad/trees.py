"""Transparency logs by hand (RFC 6962, C2SP): leaves, trees, notes, proofs and histories."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from signing import Key, b64u, js, unb64u
from tokens import BASE, NOW

ORIGIN = "certs.example/log"
ADDRESS = f"{BASE}log/"
LOGGER = Key("transparency log", "Ed25519")
LATER_LOGGER = Key("transparency log, later", "Ed25519")
WITNESS = Key("witness", "Ed25519")
ED25519, COSIGNATURE = b"\x01", b"\x04"
ML_DSA_65 = b"\xffnote-signature/ml-dsa-65/v1"


def b64(data: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(hashes: list[bytes]) -> bytes:
    """The hash of a tree with these leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    k = _split(len(hashes))
    return hashlib.sha256(b"\x01" + root(hashes[:k]) + root(hashes[k:])).digest()


def path(index: int, hashes: list[bytes]) -> list[bytes]:
    """The inclusion proof of a leaf."""
    if len(hashes) < 2:
        return []
    k = _split(len(hashes))
    if index < k:
        return [*path(index, hashes[:k]), root(hashes[k:])]
    return [*path(index - k, hashes[k:]), root(hashes[:k])]


def _split(size: int) -> int:
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def canonical(members: dict[str, Any]) -> bytes:
    """A leaf's bytes: sorted members, no white space."""
    return js(dict(sorted(members.items())))


def issued(token: str, **changes: Any) -> dict[str, Any]:
    """The members of the leaf that stands for a token's issue."""
    signing_input = token.partition("~")[0].rpartition(".")[0]
    header, payload = (_json(part) for part in signing_input.split("."))
    return {
        "certificate_identifier": payload["certificate_identifier"],
        "event": "issued",
        "iat": payload["iat"],
        "iss": payload["iss"],
        "kid": header["kid"],
        "sha256": b64u(hashlib.sha256(signing_input.encode()).digest()),
        "v": 1,
        "vct": payload["vct"],
    } | changes


def changed(before: bytes, event: str, at: int, seq: int) -> dict[str, Any]:
    """The members of a status event's leaf; `before` is the certificate's leaf before."""
    former = _parse(before)
    return {
        "at": at,
        "certificate_identifier": former["certificate_identifier"],
        "event": event,
        "iss": former["iss"],
        "prev": b64u(leaf_hash(before)),
        "seq": seq,
        "v": 1,
    }


def _json(part: str) -> Any:
    return _parse(unb64u(part))


def _parse(data: bytes) -> Any:
    return json.loads(data)


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """Four bytes that stand before a key's signatures."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def public_bytes(key: Key) -> bytes:
    """The bytes of a public key as notes know them."""
    return unb64u(key.jwk.get("x") or key.jwk["pub"])


def line(
    text: str, key: Key = LOGGER, name: str = ORIGIN, *, kind: bytes = ED25519,
    signature: bytes | None = None,
) -> str:  # fmt: skip
    """A signature line over a note text."""
    made = key.sign(text.encode()) if signature is None else signature
    return f"\u2014 {name} {b64(key_id(name, kind, public_bytes(key)) + made)}\n"


def cosigned(text: str, at: int = NOW, key: Key = WITNESS, name: str = "witness.example/w") -> str:
    """A witness's line."""
    made = key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    return line(text, key, name, kind=COSIGNATURE, signature=at.to_bytes(8, "big") + made)


@dataclass
class Tree:
    """A log: its leaves, and what it signs about them."""

    leaves: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes | dict[str, Any]) -> int:
        """Append a leaf."""
        self.leaves.append(leaf if isinstance(leaf, bytes) else canonical(leaf))
        return len(self.leaves) - 1

    def fill(self, count: int) -> "Tree":
        """Append leaves of other certificates."""
        for _ in range(count):
            self.add(f"another certificate, {len(self.leaves)}".encode())
        return self

    @property
    def hashes(self) -> list[bytes]:
        """Leaf hashes."""
        return [leaf_hash(leaf) for leaf in self.leaves]

    def text(self, size: Any = None, *, top: Any = None, origin: str = ORIGIN) -> str:
        """The text of a checkpoint."""
        size = len(self.leaves) if size is None else size
        if top is None:
            top = b64(root(self.hashes[: int(size)]))
        return f"{origin}\n{size}\n{top}\n"

    def note(self, size: int | None = None) -> str:
        """The signed checkpoint."""
        text = self.text(size)
        return text + "\n" + line(text)

    def proof(
        self, index: int, *, size: int | None = None, note: str | None = None,
        hashes: list[bytes] | None = None, place: Any = None, extra: str = "",
    ) -> str:  # fmt: skip
        """The text of a proof; what is given stands in place of what is right."""
        chosen = self.hashes[:size] if size is not None else self.hashes
        found = path(index, chosen) if hashes is None else hashes
        lines = "".join(f"{b64(one)}\n" for one in found)
        at = index if place is None else place
        checkpoint = self.note(size) if note is None else note
        return f"c2sp.org/tlog-proof@v1\n{extra}index {at}\n{lines}\n{checkpoint}"

    def entry(self, index: int) -> dict[str, Any]:
        """A member of a history."""
        return {
            "index": index,
            "leaf": self.leaves[index].decode(),
            "proof": [b64u(one) for one in path(index, self.hashes)],
        }

    def statement(
        self, places: list[int], *, iat: Any = NOW, key: Key = LOGGER, header: Any = None,
        signature: bytes | None = None, **changes: Any,
    ) -> str:  # fmt: skip
        """The log's word that these leaves of a certificate are all."""
        hashes = [b64u(leaf_hash(self.leaves[place])) for place in places]
        claims = {
            "events": hashes[1:],
            "iat": iat,
            "issued": hashes[0],
            "origin": ORIGIN,
            "root": b64u(root(self.hashes)),
            "size": len(self.leaves),
            "v": 1,
        } | changes
        kept = {name: value for name, value in claims.items() if value is not ...}
        head = key.header("log-history+jwt") if header is None else header
        signing_input = f"{b64u(js(head))}.{b64u(js(kept))}"
        made = key.sign(signing_input.encode()) if signature is None else signature
        return f"{signing_input}.{b64u(made)}"

    def history(self, places: list[int], **changes: Any) -> dict[str, Any]:
        """The history of a certificate whose leaves stand at these places."""
        usual = {
            "checkpoint": self.note(),
            "events": [self.entry(place) for place in places[1:]],
            "issued": self.entry(places[0]),
            "statement": self.statement(places),
            "v": 1,
        }
        return {name: value for name, value in (usual | changes).items() if value is not ...}


def served_proof(token: str, text: str) -> dict[str, str]:
    """The proof that the log gives for a token."""
    return {f"{ADDRESS}proof/{b64u(leaf_hash(canonical(issued(token))))}": text}


def served_history(token: str, found: dict[str, Any] | str) -> dict[str, str]:
    """The history that the log gives for a token."""
    text = found if isinstance(found, str) else js(found).decode()
    return {f"{ADDRESS}history/{b64u(leaf_hash(canonical(issued(token))))}": text}
