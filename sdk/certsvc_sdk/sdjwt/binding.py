"""Key binding: the holder's signature over one presentation (RFC 9901 sections 4.3 and 7.3)."""

import hmac
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from certsvc_sdk import jws, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.algorithms.digests import DEFAULT_DIGEST, digest_of
from certsvc_sdk.errors import CertsvcError, HolderBindingInvalid, Malformed, PresentationExpired
from certsvc_sdk.sdjwt.disclosure import SD_ALG
from certsvc_sdk.sdjwt.reading import Parsed
from certsvc_sdk.strict import MAX_TOKEN, Json

KB_TYP: Final = "kb+jwt"
# What telephones and wallets hold keys of; whoever enables another algorithm names it at the call.
HOLDER_ALGORITHMS: Final = frozenset({"ES256", "Ed25519", "EdDSA"})
# What a profile adds to them.
_OF_PROFILE: Final = MappingProxyType({"gm": frozenset({"SM2"})})
# A clerk and a holder need a minute for one presentation; an older one was made for another matter.
MAX_AGE: Final = 120
# A holder's telephone may run fast; its presentation is still of this minute.
MAX_CLOCK_SKEW: Final = 60
# RFC 9901 section 4.3; more members would only say what no reader of this system obeys.
_HEADER_MEMBERS: Final = frozenset({"alg", "typ"})


def sd_hash(
    presentation: str, algorithm: Json = DEFAULT_DIGEST, profiles: Collection[str] = ()
) -> str:
    """Return the digest of a presentation up to and including its last `~`, base64url.

    Args:
        presentation: ASCII text, `<jws>~<disclosure>~…~`.
        algorithm: the `_sd_alg` of its payload: the digest of the disclosures serves here too
            (RFC 9901 section 4.3.1).
        profiles: algorithm profiles that are switched on.

    Raises:
        AlgorithmNotAllowed, DisclosureInvalid: a digest that is off, or none at all.
    """
    return strict.b64u_encode(digest_of(algorithm, profiles)(presentation.encode("ascii")))


def key_binding_input(
    presentation: str,
    *,
    alg: str,
    aud: str,
    nonce: str,
    iat: int,
    digest_algorithm: Json = DEFAULT_DIGEST,
    profiles: Collection[str] = (),
) -> bytes:
    """Return the signing input of a key-binding JWT; the holder's key signs it.

    Args:
        presentation: compact SD-JWT that ends in `~`.
        alg: algorithm of the holder's key.
        aud: identifier of the verifier.
        nonce: nonce the verifier issued.
        iat: now, Unix seconds.
        digest_algorithm: `_sd_alg` of the presentation.
        profiles: algorithm profiles that are switched on.

    Raises:
        Malformed: the presentation does not end in `~` or is no ASCII text, or `aud` or `nonce`
            is empty.
        AlgorithmNotAllowed, DisclosureInvalid: a digest that is off, or none at all.
    """
    if not presentation.endswith("~") or not presentation.isascii():
        raise Malformed("a presentation without key binding ends in ~")
    if not aud or not nonce:
        raise Malformed("a key binding names its verifier and the verifier's nonce")
    digest = sd_hash(presentation, digest_algorithm, profiles)
    payload = {"iat": iat, "aud": aud, "nonce": nonce, "sd_hash": digest}
    return jws.signing_input({"alg": alg, "typ": KB_TYP}, strict.dumps(payload))


def holder_jwk(cnf: Json) -> Mapping[str, Json]:
    """Return the holder's key out of a `cnf` claim (RFC 7800 section 3.2).

    A key by reference (`kid`, `jku`) or encrypted (`jwe`) would be another's word about the holder.

    Raises:
        HolderBindingInvalid: anything but an object with exactly the member `jwk`, an object.
    """
    jwk = cnf.get("jwk") if isinstance(cnf, dict) and len(cnf) == 1 else None
    if not isinstance(jwk, dict):
        raise HolderBindingInvalid("cnf does not hold the holder's key as jwk and nothing else")
    return jwk


def check_key_binding(
    parsed: Parsed,
    jwk: Mapping[str, Json],
    *,
    aud: str,
    nonce: str,
    now: int,
    max_age: int = MAX_AGE,
    algorithms: Collection[str] = HOLDER_ALGORITHMS,
    profiles: Collection[str] = (),
) -> None:
    """Check that the holder of `cnf` made this very presentation for this verifier, now.

    Members beside `iat`, `aud`, `nonce` and `sd_hash` are ignored (RFC 7519 section 4) but for
    `exp` and `nbf`, which can only narrow the time.

    Args:
        parsed: the presentation, its issuer signature already checked.
        jwk: the holder's key, `holder_jwk` of the credential's `cnf`.
        aud: this verifier's identifier.
        nonce: the nonce this verifier issued; that it is used once is for a store to say
            (`certsvc_sdk.nonces`).
        now: Unix seconds.
        max_age: largest age of the key-binding JWT in seconds.
        algorithms: what the holder may sign with; a name outside the SDK's registry stays refused.
        profiles: algorithm profiles that are switched on; `gm` adds SM2 to the algorithms.

    Raises:
        PresentationExpired: all of it is right but for its age.
        HolderBindingInvalid: absent, or any part of it is wrong.
    """
    if parsed.kb_jwt is None:
        raise HolderBindingInvalid("the presentation has no key binding")
    if not aud or not nonce:
        # Fails closed: an empty nonce would make every presentation a fresh one.
        raise HolderBindingInvalid("this verifier named no audience or no nonce")
    try:
        binding = jws.parse(parsed.kb_jwt)
        allowed = {*algorithms, *(name for each in profiles for name in _OF_PROFILE.get(each, ()))}
        key = PublicKey.from_jwk(jwk, _algorithm(binding.header, allowed))
        key.verify(binding.signing_input, binding.signature)
        payload = strict.loads_object(binding.payload, max_bytes=MAX_TOKEN, what="kb-jwt")
        digest_algorithm = parsed.payload().get(SD_ALG, DEFAULT_DIGEST)
        digest = sd_hash(parsed.issuer_part, digest_algorithm, profiles)
        _check_equal(payload, {"aud": aud, "nonce": nonce, "sd_hash": digest})
        _check_time(payload, now=now, max_age=max_age)
    except HolderBindingInvalid:
        raise
    except CertsvcError as error:
        raise HolderBindingInvalid(f"key binding: {error}") from error


def _algorithm(header: Mapping[str, Json], algorithms: Collection[str]) -> str:
    """Return the header's algorithm; the key then refuses one of another type or curve."""
    if header.keys() != _HEADER_MEMBERS or header["typ"] != KB_TYP:
        raise HolderBindingInvalid(f"key-binding header must hold alg and typ {KB_TYP} only")
    alg = header["alg"]
    if not isinstance(alg, str) or alg not in algorithms:
        raise HolderBindingInvalid("key-binding algorithm is not allowed")
    return alg


def _check_equal(payload: Mapping[str, Json], expected: Mapping[str, str]) -> None:
    # RFC 9901 section 4.3: `aud` is a single string here; an array would serve other verifiers too.
    differing = [
        name
        for name, value in expected.items()
        if not _same(strict.text(payload, name, "kb-jwt"), value)
    ]
    if differing:
        raise HolderBindingInvalid(f"key binding is for another {', '.join(differing)}")


def _check_time(payload: Mapping[str, Json], *, now: int, max_age: int) -> None:
    issued = strict.integer(payload, "iat", "kb-jwt")
    begin = strict.optional_integer(payload, "nbf", "kb-jwt")
    end = strict.optional_integer(payload, "exp", "kb-jwt")
    if max(issued, issued if begin is None else begin) > now + MAX_CLOCK_SKEW:
        raise HolderBindingInvalid("key binding is of a later moment")
    if issued < now - max_age or (end is not None and end <= now):
        raise PresentationExpired("key binding is of an earlier moment")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8"), right.encode("utf-8"))
