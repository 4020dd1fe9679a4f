"""The closed registry of digest names (`_sd_alg`, RFC 9901 section 4.1.1) and its profiles.

A profile is a set of names that a verifier switches on by itself; `gm` stands for SM2 and SM3 end
to end. Readers know every name, so that a token of a profile that is off is not called forged.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from certsvc_sdk.errors import AlgorithmNotAllowed, DisclosureInvalid

Digest: TypeAlias = Callable[[bytes], bytes]

# What an absent `_sd_alg` means.
DEFAULT_DIGEST: Final = "sha-256"
# Every digest here has this many bytes, and 43 characters of base64url.
DIGEST_BYTES: Final = 32
PROFILES: Final = frozenset({"gm"})
# Name of the digest → the profile that switches it on, None where it is always on.
DIGESTS: Final[Mapping[str, str | None]] = MappingProxyType({DEFAULT_DIGEST: None, "sm3": "gm"})


def digest_of(name: object, profiles: Collection[str] = ()) -> Digest:
    """Return the function from bytes to their 32-byte digest.

    Args:
        name: value of `_sd_alg`, as it stood in the token.
        profiles: profiles that are switched on.

    Raises:
        AlgorithmNotAllowed: the name is known, but its profile is off or its library is missing.
        DisclosureInvalid: no name of the registry.
    """
    if not isinstance(name, str) or name not in DIGESTS:
        raise DisclosureInvalid("_sd_alg is no digest of the registry")
    profile = DIGESTS[name]
    if profile is not None and profile not in profiles:
        raise AlgorithmNotAllowed(f"digest {name} needs the profile {profile}, which is off")
    return _sha256 if name == DEFAULT_DIGEST else _sm3()


def enabled_profiles(names: Collection[str]) -> frozenset[str]:
    """Return the profiles to switch on, checked for being known and usable here.

    Raises:
        AlgorithmNotAllowed: an unknown profile, or one whose library is missing.
    """
    if isinstance(names, str) or not PROFILES.issuperset(names):
        raise AlgorithmNotAllowed(f"profiles are names of {', '.join(sorted(PROFILES))}")
    enabled = frozenset(names)
    for digest, profile in DIGESTS.items():
        if profile in enabled:
            digest_of(digest, enabled)
    return enabled


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sm3() -> Digest:
    """SM3 (GB/T 32905) of the interpreter's OpenSSL where it has one, else of the extra `sm2`."""
    try:
        empty = hashlib.new("sm3")
    except ValueError:
        try:
            from gmssl_pyx import sm3_hash
        except ImportError as error:
            raise AlgorithmNotAllowed(
                "sm3 needs the extra: pip install 'certsvc-sdk[sm2]'"
            ) from error
        library: Digest = sm3_hash
        return library

    def sm3(data: bytes) -> bytes:
        # A copy spares the look-up of the name.
        state = empty.copy()
        state.update(data)
        return state.digest()

    return sm3
