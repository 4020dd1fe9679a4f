"""Lets python-tuf sign with a key of our key store, and names keys as TUF does."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

import keys
from certsvc.publishing.errors import SigningFailed
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import b64u_decode

ALGORITHM = "Ed25519"

AnyRole = Metadata[Root] | Metadata[Snapshot] | Metadata[Targets] | Metadata[Timestamp]


class TufSigner(Signer):
    """A `keys.Signer` as a securesystemslib signer.

    Args:
        signer: an Ed25519 signer.

    Raises:
        SigningFailed: another algorithm, or no usable public key.
    """

    def __init__(self, signer: keys.Signer) -> None:
        self._signer = signer
        if signer.alg != ALGORITHM:
            raise SigningFailed(f"trust roles sign with {ALGORITHM}, not {signer.alg}")
        self._key = key_of_jwk(signer.public_jwk)

    @property
    def public_key(self) -> Key:
        """The public key as TUF metadata carries it."""
        return self._key

    def sign(self, payload: bytes) -> Signature:
        """Sign canonical JSON.

        Raises:
            KeysError: the key may not sign any more, or the store failed.
        """
        return Signature(self._key.keyid, self._signer.sign(payload).hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "TufSigner":
        """Not offered: keys come from the key store.

        Raises:
            SigningFailed: always.
        """
        raise SigningFailed("trust keys come from the key store, not from an address")


def key_of_jwk(jwk: Mapping[str, str]) -> Key:
    """A public key of the key store as TUF metadata carries it.

    Raises:
        SigningFailed: no Ed25519 key.
    """
    try:
        return key_of(b64u_decode(jwk["x"]))
    except (KeyError, ValueError, Malformed) as error:
        raise SigningFailed("the key store gave no usable public key") from error


def key_of(public: bytes) -> Key:
    """An Ed25519 public key under its one key id: SHA-256 over the canonical JSON of the key.

    Raises:
        ValueError: not 32 bytes of a point.
    """
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public))


def is_plain_key(key: Key) -> bool:
    """Whether a key is an Ed25519 key under its own id; one key under two ids counted twice."""
    try:
        plain = key_of(bytes.fromhex(key.keyval["public"]))
    except (ValueError, KeyError, TypeError):
        return False
    return plain.keyid == key.keyid and plain.to_dict() == key.to_dict()


def sign(name: str, metadata: AnyRole, signer: TufSigner, *, append: bool = False) -> None:
    """Sign a role's metadata.

    Args:
        name: the role.
        metadata: gets the signature.
        signer: of one of the role's keys.
        append: keep the signatures of others.

    Raises:
        SigningFailed: the key store refused.
    """
    try:
        metadata.sign(signer, append=append)
    except UnsignedMetadataError as error:
        raise SigningFailed(f"{name} could not be signed: {error.__cause__}") from error
