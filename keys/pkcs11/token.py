"""What the store asks of a token: sealed records, key pairs, signatures.

Records are private data objects: CKA_APPLICATION tells the kind, CKA_LABEL whose record it is,
CKA_VALUE is the code of its text (HMAC-SHA256, 32 bytes, by a key of the token) and the text.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import PyKCS11

from keys.algorithms import Jwk, kid_of
from keys.errors import (
    AlgorithmUnsupported,
    FileTampered,
    KeyClash,
    KeyNotActive,
    StoreUnavailable,
)
from keys.pkcs11 import curves
from keys.pkcs11.address import TokenAddress
from keys.pkcs11.objects import Handle, ObjectIndex, Session, private_keys, search, template, values
from keys.pkcs11.secretkeys import MAC_LABEL, SEAL_LABEL, secret_key
from keys.pkcs11.session import TokenSession

MAC_BYTES = 32
#: Label of a key pair whose record is not written yet.
UNNAMED = "certsvc unnamed"
NONCE_BYTES = 12
_MAC = PyKCS11.Mechanism(PyKCS11.CKM_SHA256_HMAC, None)
_SEAL_REFUSED = frozenset(
    {
        PyKCS11.CKR_GENERAL_ERROR,
        PyKCS11.CKR_ENCRYPTED_DATA_INVALID,
        PyKCS11.CKR_ENCRYPTED_DATA_LEN_RANGE,
        PyKCS11.CKR_AEAD_DECRYPT_FAILED,
    }
)
#: Attributes that a fresh private key must have: it was made inside and stays there.
_CAPTIVE = {"SENSITIVE": True, "EXTRACTABLE": False, "LOCAL": True, "TOKEN": True}


class Token(TokenSession):
    """Operations of the agent; bytes in, bytes out. Each raises `KeysError`s only."""

    def __init__(self, address: TokenAddress, *, seen: Sequence[str | None] = (None, None)) -> None:
        super().__init__(address, seen=seen)
        self._index = ObjectIndex()
        self._keys: dict[str, Any] = {}
        self._genuine: set[tuple[str, bytes]] = set()

    def forget(self) -> None:
        """Handles belong to one session."""
        self._index = ObjectIndex()
        self._keys = {}

    def identity(self, session: Session) -> str | None:
        """A code that only the key for the records' codes can make; None before there is one."""
        if not search(session, template(CLASS=PyKCS11.CKO_SECRET_KEY, LABEL=MAC_LABEL)):
            return None
        key = self._secret(session, MAC_LABEL, make=False)
        return bytes(session.sign(key, b"certsvc identity", _MAC)).hex()

    def records(self, kind: str, prefix: str, fresh: bool) -> list[tuple[str, bytes]]:
        """Label and text of each record of the kind whose label begins so.

        Args:
            kind: of the records.
            prefix: of the labels.
            fresh: whether records that others have added within the last second must be among
                them; what is read is read now either way.

        Raises:
            FileTampered: a record's code is not of this token's key.
            FileMalformed: there are records, and no key for their codes.
        """

        def read(session: Session) -> list[tuple[str, bytes]]:
            if fresh:
                self._index.refresh(session)
            found = self._index.read(session, kind, lambda label: label.startswith(prefix))
            return [(label, self._checked(session, kind, value)) for label, value in found]

        return self.attempt(read)

    def create(self, kind: str, label: str, text: bytes) -> None:
        """Writes a record beside those that stand under the label."""

        def write(session: Session) -> None:
            key = self._secret(session, MAC_LABEL, make=not self._index.any(session))
            value = bytes(session.sign(key, _framed(kind, text), _MAC)) + text
            handle = session.createObject(
                template(
                    CLASS=PyKCS11.CKO_DATA,
                    TOKEN=True,
                    PRIVATE=True,
                    APPLICATION=kind,
                    LABEL=label,
                    VALUE=value,
                )
            )
            self._index.add(kind, label, handle)
            self._remember(self.identity(session))

        self.attempt(write)

    def drop(self, kind: str, label: str, texts: Iterable[bytes]) -> None:
        """Removes the records of the label that have one of the texts."""
        unwanted = set(texts)

        def remove(session: Session) -> None:
            self._index.refresh(session)
            for handle, value in self._index.handles(session, kind, label):
                if value[MAC_BYTES:] in unwanted:
                    session.destroyObject(handle)
            self._index.refresh(session)

        self.attempt(remove)

    def generate(self, alg: str) -> Jwk:
        """Makes a key pair whose private half cannot leave; it has no name yet.

        Raises:
            AlgorithmUnsupported: the token cannot make such a pair.
            KeyClash: a key of this id is there.
        """
        curve = curves.curve(alg)
        if curve.generating not in self.mechanisms():
            raise AlgorithmUnsupported(f"this token makes no {alg} keys")

        def make(session: Session) -> Jwk:
            public, private = curves.make_pair(session, curve, label=UNNAMED)
            captive = values(session, private, *_CAPTIVE)
            jwk = curve.jwk(*values(session, public, "EC_POINT"))
            session.destroyObject(public)
            if captive != list(_CAPTIVE.values()):
                session.destroyObject(private)
                raise StoreUnavailable("the token made a private key that could leave it")
            kid = kid_of(jwk)
            if private_keys(session, ID=kid.encode()):
                session.destroyObject(private)
                raise KeyClash(f"key {kid} is in the token")
            session.setAttributeValue(private, template(ID=kid.encode()))
            return jwk

        return self.attempt(make)

    def name(self, kid: str, label: str) -> None:
        """Gives a fresh private key the label of its record."""

        def rename(session: Session) -> None:
            for handle in private_keys(session, ID=kid.encode(), LABEL=UNNAMED):
                session.setAttributeValue(handle, template(LABEL=label))

        self.attempt(rename)

    def unnamed(self) -> list[str]:
        """Key ids of private keys that a broken-off generation left."""

        def find(session: Session) -> list[str]:
            found = private_keys(session, LABEL=UNNAMED)
            return [
                bytes(values(session, each, "ID")[0]).decode("ascii", "replace") for each in found
            ]

        return self.attempt(find)

    def erase(self, kid: str, label: str) -> None:
        """Destroys the private key, whichever of its names it bears."""

        def destroy(session: Session) -> None:
            for name in (label, UNNAMED):
                for handle in private_keys(session, ID=kid.encode(), LABEL=name):
                    session.destroyObject(handle)
            self._keys.pop(label, None)
            if private_keys(session, ID=kid.encode(), LABEL=label):
                raise StoreUnavailable(f"the token did not erase key {kid}")

        self.attempt(destroy)

    def sign(
        self, alg: str, kid: str, label: str, data: bytes, known: list[bytes], kind: str
    ) -> bytes | None:
        """Signs if the records under the label are those that the caller has judged.

        Args:
            alg: ES256 or Ed25519.
            kid: which key.
            label: of the key and of its records.
            data: SHA-256 digest for ES256; the message for Ed25519.
            known: texts of the records, in any order.
            kind: of the records.

        Returns:
            The signature as the token makes it; None where the records are others.

        Raises:
            KeyNotActive: the private key is gone.
        """
        curve = curves.curve(alg)

        def make(session: Session) -> bytes | None:
            found = self._index.read(session, kind, lambda each: each == label)
            if sorted(value[MAC_BYTES:] for _, value in found) != sorted(known):
                return None
            for _, value in found:
                self._checked(session, kind, value)
            return bytes(session.sign(self._signing(session, kid, label), data, curve.signing))

        return self.attempt(make)

    def seal(self, data: bytes, aad: bytes) -> bytes:
        """nonce:12 | ciphertext | tag:16 under the token's AES key (NIST SP 800-38D)."""
        nonce = secrets.token_bytes(NONCE_BYTES)

        def encrypt(session: Session) -> bytes:
            key = self._secret(
                session, SEAL_LABEL, make=not self._index.any(session, "certsvc data")
            )
            sealed = session.encrypt(key, data, PyKCS11.AES_GCM_Mechanism(nonce, aad, 128))
            return nonce + bytes(sealed)

        return self.attempt(encrypt)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """The plaintext.

        Raises:
            FileTampered: sealed by another key, for another place, or changed.
        """
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]

        def decrypt(session: Session) -> bytes:
            key = self._secret(session, SEAL_LABEL, make=False)
            try:
                return bytes(session.decrypt(key, body, PyKCS11.AES_GCM_Mechanism(nonce, aad, 128)))
            except PyKCS11.PyKCS11Error as error:
                if error.value in _SEAL_REFUSED:
                    raise FileTampered("the sealed part does not open") from error
                raise

        return self.attempt(decrypt)

    def _signing(self, session: Session, kid: str, label: str) -> Handle:
        handle = self._keys.get(label)
        if handle is None:
            found = private_keys(session, ID=kid.encode(), LABEL=label)
            if len(found) != 1:
                raise KeyNotActive(f"the token has {len(found)} private keys {kid}")
            handle = self._keys[label] = found[0]
        return handle

    def _secret(self, session: Session, label: str, *, make: bool) -> Handle:
        handle = self._keys.get(label)
        if handle is not None:
            return handle
        handle = self._keys[label] = secret_key(session, label, make=make)
        return handle

    def _checked(self, session: Session, kind: str, value: bytes) -> bytes:
        text = value[MAC_BYTES:]
        if (kind, value) not in self._genuine:
            key = self._secret(session, MAC_LABEL, make=False)
            code = bytes(session.sign(key, _framed(kind, text), _MAC))
            if not secrets.compare_digest(code, value[:MAC_BYTES]):
                raise FileTampered("a record's authentication code does not match")
            self._genuine.add((kind, value))
        return text


def _framed(kind: str, text: bytes) -> bytes:
    return kind.encode() + b"\0" + text
