"""Key binding: the holder's signature over one presentation (RFC 9901 sections 4.3 and 7.3)."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from certsvc_sdk import jws, strict
from certsvc_sdk.errors import CertsvcError, HolderBindingInvalid, Malformed
from certsvc_sdk.jws import ALGORITHMS, Compact, PublicKey
from certsvc_sdk.sdjwt.reading import Parsed
from certsvc_sdk.strict import MAX_TOKEN, Json

KB_TYP: Final = "kb+jwt"
# A holder's telephone may run fast; its presentation is still of this minute.
MAX_CLOCK_SKEW: Final = 60


def sd_hash(presentation: str) -> str:
    """Return SHA-256 of a presentation up to and including its last `~`, base64url."""
    return strict.b64u_encode(hashlib.sha256(presentation.encode("ascii")).digest())


def key_binding_input(presentation: str, *, alg: str, aud: str, nonce: str, iat: int) -> bytes:
    """Return the signing input of a key-binding JWT; the holder's key signs it.

    Args:
        presentation: compact SD-JWT that ends in `~`.
        alg: algorithm of the holder's key.
        aud: identifier of the verifier.
        nonce: nonce the verifier issued.
        iat: now, Unix seconds.

    Raises:
        Malformed: the presentation does not end in `~` or is no ASCII text.
    """
    if not presentation.endswith("~") or not presentation.isascii():
        raise Malformed("a presentation without key binding ends in ~")
    payload = {"iat": iat, "aud": aud, "nonce": nonce, "sd_hash": sd_hash(presentation)}
    return jws.signing_input({"alg": alg, "typ": KB_TYP}, strict.dumps(payload))


def check_key_binding(
    parsed: Parsed,
    holder_jwk: Mapping[str, Json],
    *,
    aud: str,
    nonce: str,
    now: int,
    max_age: int = 120,
) -> None:
    """Check that the holder of `cnf` made this very presentation for this verifier, now.

    Args:
        parsed: the presentation, its issuer signature already checked.
        holder_jwk: `cnf.jwk` of the credential.
        aud: this verifier's identifier.
        nonce: the nonce this verifier issued; that it is used once is the caller's part.
        now: Unix seconds.
        max_age: largest age of the key-binding JWT in seconds.

    Raises:
        HolderBindingInvalid: absent, or any part of it is wrong.
    """
    if parsed.kb_jwt is None:
        raise HolderBindingInvalid("the presentation has no key binding")
    try:
        binding = jws.parse(parsed.kb_jwt)
        _holder_key(binding, holder_jwk).verify(binding.signing_input, binding.signature)
        payload = strict.loads_object(binding.payload, max_bytes=MAX_TOKEN, what="kb-jwt")
        iat = strict.integer(payload, "iat", "kb-jwt")
        expected = {"aud": aud, "nonce": nonce, "sd_hash": sd_hash(parsed.issuer_part)}
        differing = [
            name
            for name, value in expected.items()
            if not _equal(strict.text(payload, name, "kb-jwt"), value)
        ]
    except CertsvcError as error:
        raise HolderBindingInvalid(f"key binding: {error}") from error
    if differing:
        raise HolderBindingInvalid(f"key binding is for another {', '.join(differing)}")
    if not now - max_age <= iat <= now + MAX_CLOCK_SKEW:
        raise HolderBindingInvalid("key binding is not of this moment")


def _holder_key(binding: Compact, holder_jwk: Mapping[str, Json]) -> PublicKey:
    """Load the holder's key for the algorithm that its own type and curve allow."""
    header = binding.header
    if header.keys() != {"alg", "typ"} or header["typ"] != KB_TYP:
        raise HolderBindingInvalid(f"key-binding header must hold alg and typ {KB_TYP} only")
    alg = header["alg"]
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise HolderBindingInvalid("key-binding algorithm is not allowed")
    # The key decides: `from_jwk` refuses an algorithm of another type or curve.
    return PublicKey.from_jwk(holder_jwk, alg)


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8"), right.encode("utf-8"))
