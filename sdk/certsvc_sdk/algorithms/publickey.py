"""A public key bound to its one algorithm (RFC 8725 section 3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from certsvc_sdk.algorithms.algorithm import Check
from certsvc_sdk.algorithms.jwk import is_kid, kid_of, required_members
from certsvc_sdk.algorithms.registry import ALGORITHMS
from certsvc_sdk.errors import AlgorithmNotAllowed, KeyFormatInvalid, SignatureInvalid
from certsvc_sdk.strict import Json

# What other JWK writers add; checked where it says something about the algorithm.
_OPTIONAL_MEMBERS: Final = frozenset({"kid", "alg", "use"})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key bound to its one algorithm, parsed once.

    Attributes:
        kid: key identifier, by default the first 11 characters of the thumbprint.
        alg: algorithm in the record's own spelling; headers must repeat it byte for byte.
        jwk: the required members only.
    """

    kid: str
    alg: str
    jwk: Mapping[str, str] = field(hash=False)
    _size: int = field(repr=False, compare=False)
    _check: Check = field(repr=False, compare=False)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Json], alg: str, *, kid: str | None = None) -> "PublicKey":
        """Load a public JWK (RFC 7517) for one algorithm.

        Args:
            jwk: exactly the required members of its type, at most `kid`, `alg`, `use` beside.
            alg: the algorithm the key record states.
            kid: key identifier; None derives it from the thumbprint.

        Raises:
            AlgorithmNotAllowed: `alg` is not in the registry.
            KeyFormatInvalid: key type, curve, members or point do not fit the algorithm.
        """
        algorithm = ALGORITHMS.get(alg)
        if algorithm is None:
            raise AlgorithmNotAllowed(f"algorithm {alg!r} is not supported")
        required = required_members(jwk, algorithm)
        if not set(jwk) <= _OPTIONAL_MEMBERS.union(required):
            raise KeyFormatInvalid("JWK holds members that a public key has not")
        if jwk.get("use", "sig") != "sig" or jwk.get("alg", alg) not in algorithm.spellings:
            raise KeyFormatInvalid("JWK is meant for another use or algorithm")
        if kid is not None and not is_kid(kid):
            raise KeyFormatInvalid("kid breaks its grammar")
        check = algorithm.load(required)
        return cls(kid or kid_of(required), alg, required, algorithm.signature_bytes, check)

    def verify(self, signing_input: bytes, signature: bytes) -> None:
        """Check a signature in JOSE form.

        Raises:
            SignatureInvalid: wrong length, a value out of range, or it does not verify.
            AlgorithmNotAllowed: this installation lacks the library for the algorithm.
        """
        if len(signature) != self._size:
            raise SignatureInvalid(f"signature is not {self._size} bytes long")
        if not self._check(signing_input, signature):
            raise SignatureInvalid("signature does not verify")
