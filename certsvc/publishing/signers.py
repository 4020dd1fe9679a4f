"""Lets python-tuf sign with a key of our key store."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

import keys
from certsvc.publishing.errors import SigningFailed
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import b64u_decode

ALGORITHM = "Ed25519"


class TufSigner(Signer):
    """A `keys.Signer` as a securesystemslib signer.

    Args:
        signer: an Ed25519 signer.

    Raises:
        SigningFailed: another algorithm, or no usable public key.
    """

    def __init__(self, signer: keys.Signer) -> None:
        self._signer = signer
        try:
            if signer.alg != ALGORITHM:
                raise SigningFailed(f"trust roles sign with {ALGORITHM}, not {signer.alg}")
            point = b64u_decode(signer.public_jwk["x"])
            # The key id is TUF's: SHA-256 over the canonical JSON of the key.
            self._key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(point))
        except (KeyError, ValueError, Malformed) as error:
            raise SigningFailed("the key store gave no usable public key") from error

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
