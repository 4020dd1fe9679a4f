"""Signature algorithms and digests as closed registries, and the public keys bound to them."""

from certsvc_sdk.algorithms.jwk import KID_LENGTH, is_kid, kid_of, thumbprint
from certsvc_sdk.algorithms.publickey import PublicKey
from certsvc_sdk.algorithms.registry import ALGORITHMS

__all__ = ["ALGORITHMS", "KID_LENGTH", "PublicKey", "is_kid", "kid_of", "thumbprint"]
