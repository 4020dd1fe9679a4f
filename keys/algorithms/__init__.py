"""Signature algorithms as a closed registry: how each makes, signs, verifies and names keys."""

from keys.algorithms.algorithm import Algorithm, PrivateKey
from keys.algorithms.encoding import Jwk, b64u, kid_of, thumbprint, unb64u
from keys.algorithms.registry import ALGORITHMS, algorithm, software_algorithm

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Jwk",
    "PrivateKey",
    "algorithm",
    "b64u",
    "kid_of",
    "software_algorithm",
    "thumbprint",
    "unb64u",
]
