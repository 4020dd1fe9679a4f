"""Signed notes (c2sp.org/signed-note): text, signatures, keys, and cosignatures of witnesses.

Signature types: 0x01 Ed25519; 0x04 timestamped Ed25519 cosignature (c2sp.org/tlog-cosignature);
ML-DSA-65 has no byte assigned, so its keys carry 0xff and a name of their own, as the note
specification recommends, and sign the note text (FIPS 204, pure, empty context).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final, NamedTuple

from certsvc_sdk import strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import (
    AlgorithmNotAllowed,
    KeyFormatInvalid,
    LogNoteInvalid,
    LogUntrusted,
    SignatureInvalid,
)
from certsvc_sdk.log import base64

# Sixteen signatures must be taken; a post-quantum one is nearly 5 kB in base64.
MAX_NOTE: Final = 128 * 1024
MAX_SIGNATURES: Final = 64
MAX_NAME: Final = 200
# tlog-cosignature: a time beyond is refused.
MAX_TIME: Final = 2**63 - 1
KEY_ID_BYTES: Final = 4

_TIME_BYTES = 8
_WHAT = "note signature"
# The text may hold anything printable; of control characters only the line feed.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAME = re.compile("[\\s+\x00-\x1f\ud800-\udfff]")


class Kind(Enum):
    """How a key signs a note; the value stands between name and key in the key's id."""

    ED25519 = b"\x01"
    COSIGNATURE = b"\x04"
    ML_DSA_65 = b"\xffnote-signature/ml-dsa-65/v1"


# By kind: the key's algorithm, the JWK member that holds it, and the rest of that JWK.
_JWKS: Final = {
    Kind.ED25519: ("Ed25519", "x", {"kty": "OKP", "crv": "Ed25519"}),
    Kind.COSIGNATURE: ("Ed25519", "x", {"kty": "OKP", "crv": "Ed25519"}),
    Kind.ML_DSA_65: ("ML-DSA-65", "pub", {"kty": "AKP", "alg": "ML-DSA-65"}),
}
_ALGORITHMS: Final = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ML-DSA-65": "ML-DSA-65"}


class NoteSignature(NamedTuple):
    """One signature line; which key made it is told by `name` and `key_id` together."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart; nothing in it is trusted yet.

    Attributes:
        text: what is signed; ends in a line feed.
        signatures: in their order.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """Return the note as it travels.

        Raises:
            LogNoteInvalid: it would not be read again as the same note.
        """
        lines = "".join(
            f"\u2014 {one.name} {base64.encode(one.key_id + one.signature)}\n"
            for one in self.signatures
        )
        try:
            data = f"{self.text}\n{lines}".encode()
        except UnicodeEncodeError as error:
            raise LogNoteInvalid("the text or a name holds a surrogate") from error
        if parse_note(data) != self:
            raise LogNoteInvalid("the text or a name does not fit into a note")
        return data


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that signs notes under a name.

    Attributes:
        name: for a log its origin.
        kind: how it signs.
        public: the key.
        key_id: four bytes that stand before its signatures.
    """

    name: str
    kind: Kind
    public: PublicKey
    key_id: bytes

    @classmethod
    def of(cls, name: str, public: PublicKey, kind: Kind | None = None) -> "NoteKey":
        """Return a key under a name.

        Args:
            name: without spaces and plus signs.
            public: an Ed25519 or ML-DSA-65 key.
            kind: how it signs; None: a plain note signature of its algorithm.

        Raises:
            LogNoteInvalid: the name cannot stand in a note, or the key cannot sign so.
        """
        algorithm = _ALGORITHMS.get(public.alg)
        if kind is None:
            kind = Kind.ML_DSA_65 if algorithm == "ML-DSA-65" else Kind.ED25519
        if _JWKS[kind][0] != algorithm:
            raise LogNoteInvalid(f"keys of {public.alg} do not sign notes in this way")
        _check_name(name)
        return cls(name, kind, public, _key_id(name, kind, _key_bytes(kind, public)))

    @classmethod
    def from_vkey(cls, vkey: str) -> "NoteKey":
        """Read a verifier key, `<name>+<key id in hex>+base64(type ‖ public key)`.

        Raises:
            LogNoteInvalid: it breaks that form, is of an unknown type, or its id is another's.
        """
        name, _, rest = vkey.partition("+")
        hex_id, _, material = rest.partition("+")
        if len(vkey) > MAX_NOTE:
            raise LogNoteInvalid("the verifier key is too long")
        raw = base64.decode(material, LogNoteInvalid, "verifier key")
        kind = next((one for one in Kind if raw.startswith(one.value)), None)
        if kind is None:
            raise LogNoteInvalid("the verifier key is of a type that is not read here")
        key = cls.from_bytes(name, raw[len(kind.value) :], kind)
        if key.key_id.hex() != hex_id:
            raise LogNoteInvalid("the verifier key's id is not its own")
        return key

    @classmethod
    def from_bytes(cls, name: str, key: bytes, kind: Kind) -> "NoteKey":
        """Return a key from the bytes that stand in verifier keys (RFC 8032, FIPS 204).

        Raises:
            LogNoteInvalid: the name cannot stand in a note, or the bytes are no key.
        """
        algorithm, member, rest_of_jwk = _JWKS[kind]
        encoded = strict.b64u_encode(key)
        try:
            public = PublicKey.from_jwk({**rest_of_jwk, member: encoded}, algorithm)
        except KeyFormatInvalid as error:
            raise LogNoteInvalid(f"these bytes are no public key: {error}") from error
        return cls.of(name, public, kind)

    @property
    def vkey(self) -> str:
        """The verifier key as text."""
        material = self.kind.value + _key_bytes(self.kind, self.public)
        return f"{self.name}+{self.key_id.hex()}+{base64.encode(material)}"

    def line(self, signature: bytes) -> NoteSignature:
        """Return the signature line for what the private key made over the note text."""
        return NoteSignature(self.name, self.key_id, signature)

    def made(self, one: NoteSignature) -> bool:
        """Return whether a line claims to be this key's; whether it is tells `verify`."""
        return one.key_id == self.key_id and one.name == self.name

    def verify(self, text: str, signature: bytes) -> None:
        """Check a signature over a note text.

        Raises:
            SignatureInvalid: it does not verify.
            AlgorithmNotAllowed: this installation lacks the algorithm.
        """
        message = text.encode()
        if self.kind is Kind.COSIGNATURE:
            message = cosigned_message(text, cosigned_at(signature))
            signature = signature[_TIME_BYTES:]
        self.public.verify(message, signature)


def parse_note(data: bytes) -> Note:
    """Take a note apart.

    Raises:
        LogNoteInvalid: too long, not UTF-8, control characters, no signature or too many, or a
            signature line that breaks its form.
    """
    if len(data) > MAX_NOTE:
        raise LogNoteInvalid(f"a note has at most {MAX_NOTE} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogNoteInvalid("the note is not UTF-8") from error
    # The text may hold empty lines: the last one ends it.
    text, separator, signed = whole.rpartition("\n\n")
    if not separator or _CONTROL.search(whole) or not signed.endswith("\n"):
        raise LogNoteInvalid("the note has no signatures, or holds control characters")
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise LogNoteInvalid(f"a note has at most {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def verified(note: Note, keys: Iterable[NoteKey]) -> dict[NoteKey, NoteSignature]:
    """Return which of some keys signed a note; lines of other keys are passed over.

    Raises:
        LogUntrusted: a line names one of the keys and does not verify under it: then nothing in
            the note is to be believed.
    """
    found: dict[NoteKey, NoteSignature] = {}
    for key in keys:
        for one in filter(key.made, note.signatures):
            try:
                key.verify(note.text, one.signature)
            except SignatureInvalid as error:
                raise LogUntrusted(f"a signature of {key.name} does not verify") from error
            except AlgorithmNotAllowed:
                continue  # cannot be judged here, so it counts for nothing
            found[key] = one
    return found


def cosigned_at(signature: bytes) -> int:
    """Return the time of a cosignature, Unix seconds.

    Raises:
        SignatureInvalid: it has no possible time.
    """
    moment = int.from_bytes(signature[:_TIME_BYTES], "big")
    if len(signature) <= _TIME_BYTES or moment > MAX_TIME:
        raise SignatureInvalid("a cosignature begins with its time")
    return moment


def cosigned_message(text: str, at: int) -> bytes:
    """Return what a witness signs (tlog-cosignature, Ed25519 signed message).

    Args:
        text: of the checkpoint's note.
        at: Unix seconds.
    """
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosignature(at: int, signature: bytes) -> bytes:
    """Return a cosignature as it stands in a line: its time, then the signature.

    Raises:
        LogNoteInvalid: an impossible time.
    """
    if not 0 <= at <= MAX_TIME:
        raise LogNoteInvalid("a cosignature has no such time")
    return at.to_bytes(_TIME_BYTES, "big") + signature


def _signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "\u2014":
        raise LogNoteInvalid("a signature line begins with a dash")
    _check_name(name)
    raw = base64.decode(encoded, LogNoteInvalid, _WHAT)
    if len(raw) <= KEY_ID_BYTES:
        raise LogNoteInvalid("a signature line holds no signature")
    return NoteSignature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or _NOT_IN_NAME.search(name):
        raise LogNoteInvalid("a key's name is empty, too long, or holds a space or plus sign")


def _key_bytes(kind: Kind, public: PublicKey) -> bytes:
    return strict.b64u_decode(public.jwk[_JWKS[kind][1]], what="JWK member")


def _key_id(name: str, kind: Kind, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + kind.value + key).digest()[:KEY_ID_BYTES]
