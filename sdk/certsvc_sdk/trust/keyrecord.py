"""An issuer's public key as the trust record states it; reader and writer."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from certsvc_sdk.algorithms import PublicKey, kid_of
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json, members, text
from certsvc_sdk.trust.fields import check_window, moment, moment_or_null, only, texts

# A leaf and the authorities above it; the anchor is the reader's own.
MAX_X5C = 4
MAX_X5C_BYTES = 8 * 1024

_WHAT = "key record"
_TYPE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MEMBERS = frozenset(
    {
        "kid",
        "alg",
        "use",
        "public",
        "not_before",
        "not_after",
        "state",
        "types",
        "compromised_at",
        "accept_before_log_index",
    }
)
# Written only where there is one: records without it stay byte for byte what they were.
_OPTIONAL = "x5c"


class KeyUse(StrEnum):
    """What a key may sign; one key serves one purpose (threat T19)."""

    CERTIFICATE = "certificate"
    STATUS = "status"
    LOG = "log"


class KeyState(StrEnum):
    """Where a public key stands; the private key's life is longer (keys.lifecycle)."""

    PRE_PUBLISHED = "pre_published"
    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A public key with its limits. Times are Unix seconds; the window is [not_before, not_after).

    `types` are short type names (None: every type the issuer has a right to). `x5c` is a chain of
    X.509 certificates for this key as RFC 7517 section 4.7 writes it: base64 of DER, leaf first,
    without the anchor (None: there is none). No verdict depends on it; see `certsvc_sdk.x509`.
    """

    kid: str
    alg: str
    use: KeyUse
    public: PublicKey
    not_before: int
    not_after: int | None = None
    state: KeyState
    types: tuple[str, ...] | None = None
    compromised_at: int | None = None
    accept_before_log_index: int | None = None
    x5c: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Json]:
        """The member of `keys`."""
        members: dict[str, Json] = {
            "kid": self.kid,
            "alg": self.alg,
            "use": self.use.value,
            "public": dict(self.public.jwk),
            "not_before": self.not_before,
            "not_after": self.not_after,
            "state": self.state.value,
            "types": None if self.types is None else list(self.types),
            "compromised_at": self.compromised_at,
            "accept_before_log_index": self.accept_before_log_index,
        }
        if self.x5c is not None:
            members[_OPTIONAL] = list(self.x5c)
        return members


def read_key(obj: Mapping[str, Json]) -> KeyRecord:
    """Read a member of `keys`.

    Raises:
        Malformed: unknown members, use or state, a kid that is not the key's own, limits that
            contradict each other, or an `x5c` that is empty, too long or not base64.
        AlgorithmNotAllowed: the algorithm is not in the registry.
        KeyFormatInvalid: the JWK is not a usable key of the algorithm.
    """
    only(obj, _MEMBERS | {_OPTIONAL} if _OPTIONAL in obj else _MEMBERS, _WHAT)
    alg, jwk = text(obj, "alg", _WHAT), members(obj, "public", _WHAT)
    public = PublicKey.from_jwk(jwk, alg)
    # The kid is derived (RFC 7638), so two keys cannot share one and none can be chosen (T05).
    if text(obj, "kid", _WHAT) != kid_of(jwk) or dict(public.jwk) != jwk:
        raise Malformed(f"{_WHAT}: kid or JWK is not canonical")
    use, state = text(obj, "use", _WHAT), text(obj, "state", _WHAT)
    if use not in set(KeyUse) or state not in set(KeyState):
        raise Malformed(f"{_WHAT}: unknown use or state")
    types = None if obj["types"] is None else texts(obj, "types", _WHAT, _is_type_name)
    key = KeyRecord(
        kid=public.kid,
        alg=alg,
        use=KeyUse(use),
        public=public,
        not_before=moment(obj, "not_before", _WHAT),
        not_after=moment_or_null(obj, "not_after", _WHAT),
        state=KeyState(state),
        types=types,
        compromised_at=moment_or_null(obj, "compromised_at", _WHAT),
        accept_before_log_index=moment_or_null(obj, "accept_before_log_index", _WHAT),
        x5c=texts(obj, _OPTIONAL, _WHAT, _is_base64) if _OPTIONAL in obj else None,
    )
    _check(key)
    return key


def _check(key: KeyRecord) -> None:
    check_window(key.not_before, key.not_after, _WHAT)
    compromised = key.state is KeyState.COMPROMISED
    if compromised != (key.compromised_at is not None):
        raise Malformed(f"{_WHAT}: compromised_at stands exactly with state compromised")
    if key.accept_before_log_index is not None and not compromised:
        raise Malformed(f"{_WHAT}: accept_before_log_index is for compromised keys")
    if key.types == ():
        raise Malformed(f"{_WHAT}: an empty list of types allows nothing; leave the key out")
    if key.x5c is not None and not 0 < len(key.x5c) <= MAX_X5C:
        raise Malformed(f"{_WHAT}: x5c holds no certificate, or too many")


def _is_type_name(name: str) -> bool:
    return _TYPE_NAME.fullmatch(name) is not None


def _is_base64(certificate: str) -> bool:
    """Whether a text is the one spelling of some bytes (RFC 4648 section 4), not too long."""
    if not 0 < len(certificate) <= MAX_X5C_BYTES * 4 // 3:
        return False
    try:
        data = base64.b64decode(certificate, validate=True)
    except (binascii.Error, ValueError):
        return False
    return base64.b64encode(data).decode() == certificate
