"""What signs: a key id, an algorithm, a public key and `sign(bytes)`."""

from collections.abc import Callable
from typing import Protocol

from keys.algorithms import Jwk, PrivateKey, algorithm
from keys.errors import SignatureRejected


class Signer(Protocol):
    """A private key that can be used and not read."""

    @property
    def kid(self) -> str:
        """First 11 characters of the public key's RFC 7638 thumbprint."""
        ...

    @property
    def alg(self) -> str:
        """Name of a registered algorithm."""
        ...

    @property
    def public_jwk(self) -> Jwk:
        """The public key (RFC 7517): the members that its type requires."""
        ...

    def sign(self, data: bytes) -> bytes:
        """A signature in JOSE form; ES256 with low s."""
        ...


class StoredSigner:
    """Signs with a private key held in memory while the store says that it is active."""

    def __init__(
        self, *, kid: str, alg: str, public_jwk: Jwk, private: PrivateKey, guard: Callable[[], None]
    ) -> None:
        self.kid = kid
        self.alg = alg
        self._public = dict(public_jwk)
        self._private = private
        self._guard = guard

    @property
    def public_jwk(self) -> Jwk:
        """The public key, a copy."""
        return dict(self._public)

    def sign(self, data: bytes) -> bytes:
        """Signs, then verifies before anything is released.

        Args:
            data: the signing input.

        Returns:
            The signature in JOSE form: r ‖ s for ES256 (low s) and SM2, else as the
            algorithm makes it.

        Raises:
            KeyNotActive: the key was retired, destroyed or compromised meanwhile.
            SignatureRejected: the signature does not verify under the recorded public key.
        """
        self._guard()
        chosen = algorithm(self.alg)
        signature = chosen.sign(self._private, data)
        if not chosen.verify(self._public, data, signature):
            raise SignatureRejected(f"signature of key {self.kid} failed verification")
        return signature
