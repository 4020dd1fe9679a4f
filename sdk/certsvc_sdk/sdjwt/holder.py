"""The holder's side: choose what is shown, and sign it for one verifier (RFC 9901 section 7.2)."""

from collections.abc import Callable, Collection

from certsvc_sdk import jws
from certsvc_sdk.algorithms.digests import DEFAULT_DIGEST, PROFILES
from certsvc_sdk.errors import HolderBindingInvalid, Malformed
from certsvc_sdk.sdjwt.binding import check_key_binding, holder_jwk, key_binding_input
from certsvc_sdk.sdjwt.disclosure import SD_ALG
from certsvc_sdk.sdjwt.presenting import present
from certsvc_sdk.sdjwt.reading import parse


def present_bound(
    token: str,
    keep: Collection[str],
    *,
    alg: str,
    sign: Callable[[bytes], bytes],
    aud: str,
    nonce: str,
    iat: int,
) -> str:
    """Make the whole presentation: chosen disclosures and the holder's signature over them.

    Args:
        token: compact SD-JWT as it was issued, without key binding.
        keep: JSON pointers of what is shown, as `present` takes them.
        alg: algorithm of the holder's key, as its JOSE header says it.
        sign: signs bytes with the holder's key, in JOSE form (ES256: r and s, 64 bytes).
        aud: identifier of the verifier, as it gave it.
        nonce: the verifier's nonce for this presentation.
        iat: now, Unix seconds.

    Returns:
        Compact SD-JWT+KB `<jws>~<disclosure>~…~<kb-jwt>`; nothing withheld can be guessed from it.

    Raises:
        Malformed: the token breaks its grammar or is bound already, `aud` or `nonce` is empty.
        DisclosureInvalid: its disclosures do not fit, or a pointer does not start with `/`.
        HolderBindingInvalid: the token is bound to no key, or not to the one that signed.
    """
    parsed = parse(token)
    if parsed.kb_jwt is not None:
        # RFC 9901 section 7.2: an issuer gives out no key binding; this one is somebody else's.
        raise Malformed("the token to present carries a key binding already")
    # The holder follows the token's digest; which profiles are good is the verifier's to say.
    jwk = holder_jwk(parsed.claims(profiles=PROFILES).claims.get("cnf"))
    shown = present(token, keep)
    data = key_binding_input(
        shown,
        alg=alg,
        aud=aud,
        nonce=nonce,
        iat=iat,
        digest_algorithm=parsed.payload().get(SD_ALG, DEFAULT_DIGEST),
        profiles=PROFILES,
    )
    bound = shown + jws.attach(data, sign(data))
    try:
        # Refused here rather than at the counter; a device may hold several keys.
        check_key_binding(
            parse(bound),
            jwk,
            aud=aud,
            nonce=nonce,
            now=iat,
            algorithms=(alg,),
            profiles=PROFILES,
        )
    except HolderBindingInvalid as error:
        raise HolderBindingInvalid("the signing key is not the one of cnf") from error
    return bound
