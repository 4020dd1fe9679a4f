"""Signs in the token; nothing leaves that does not verify."""

import hashlib
from collections import Counter

from keys.algorithms import Jwk, algorithm
from keys.algorithms.es256 import P256_ORDER
from keys.errors import KeyNotActive, KeyUnknown, SignatureRejected, StoreBusy
from keys.lifecycle import State
from keys.pkcs11.link import Link
from keys.pkcs11.records import KEY, KeyRecord, Records, label_of

ALGORITHMS = ("ES256", "Ed25519")
_ATTEMPTS = 3


class TokenSigner:
    """Signs while the record in the token says that the key is active.

    The agent compares the record with the one that was judged here, and signs in the same breath:
    a key that was retired anywhere signs no more.
    """

    def __init__(
        self, known: KeyRecord, *, link: Link, records: Records, rejected: Counter[str]
    ) -> None:
        info = known.info
        self.kid = info.kid
        self.alg = info.alg
        self._issuer_id = info.issuer_id
        self._public = dict(info.public_jwk)
        self._known = known
        self._link = link
        self._records = records
        self._rejected = rejected

    @property
    def public_jwk(self) -> Jwk:
        """The public key, a copy."""
        return dict(self._public)

    def sign(self, data: bytes) -> bytes:
        """Signs, then verifies before anything is released.

        Args:
            data: the signing input.

        Returns:
            The signature in JOSE form: r ‖ s with low s for ES256 (RFC 7518 section 3.4), R ‖ S
            for Ed25519 (RFC 8032 section 5.1.6).

        Raises:
            KeyNotActive: the key was retired, destroyed or compromised meanwhile.
            SignatureRejected: the signature does not verify under the recorded public key.
            StoreUnavailable: the token does not answer.
        """
        signature = _jose(self.alg, self._signed(data))
        if not algorithm(self.alg).verify(self._public, data, signature):
            self._rejected[self.kid] += 1
            raise SignatureRejected(f"signature of key {self.kid} failed verification")
        return signature

    def _signed(self, data: bytes) -> bytes:
        known = self._known
        # Tokens hash for ECDSA by mechanisms that not all of them offer.
        message = hashlib.sha256(data).digest() if self.alg == "ES256" else data
        for _ in range(_ATTEMPTS):
            if known.info.state is not State.ACTIVE:
                raise KeyNotActive(f"key {self.kid} is {known.info.state}")
            signature: bytes | None = self._link.call(
                "sign",
                alg=self.alg,
                kid=self.kid,
                label=label_of(self._issuer_id, self.kid),
                data=message,
                known=list(known.texts),
                kind=KEY,
            )
            if signature is not None:
                self._known = known
                return signature
            try:
                known = self._records.get(self._issuer_id, self.kid)
            except KeyUnknown as error:
                raise KeyNotActive(f"key {self.kid} is gone") from error
        raise StoreBusy(f"the record of key {self.kid} changes all the time")


def _jose(alg: str, signature: bytes) -> bytes:
    if alg != "ES256" or len(signature) != 64:
        return signature
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + min(s, max(P256_ORDER - s, 0)).to_bytes(32, "big")
