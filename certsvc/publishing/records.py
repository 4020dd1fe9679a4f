"""Builds an issuer's trust record from its keys and rights."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse, Level, Right
from keys import KeyInfo, State

# Seconds that clocks of issuing hosts may be apart, the leeway that verifiers give `iat`. The key
# itself signs no longer than to its retirement, so nobody gains by it.
HOST_CLOCKS = 60
# A destroyed key's certificates live on: its public half stays published.
_STATES: Mapping[State, KeyState] = {
    State.PRE_PUBLISHED: KeyState.PRE_PUBLISHED,
    State.ACTIVE: KeyState.ACTIVE,
    State.RETIRED: KeyState.RETIRED,
    State.DESTROYED: KeyState.RETIRED,
    State.COMPROMISED: KeyState.COMPROMISED,
}
_USES: Mapping[str, KeyUse] = {use.value: use for use in KeyUse}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerProfile:
    """Who an issuer is, apart from its keys and rights.

    `names` has `zh` and `en`; the other members are those of `IssuerRecord`.
    """

    uscc: str
    names: Mapping[str, str]
    level: Level
    log_origin: str | None = None
    aliases: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    successor: str | None = None


def build_record(
    issuer: IssuerProfile,
    keys: Iterable[KeyInfo],
    rights: Sequence[Right],
    base_url: str,
    *,
    chains: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> IssuerRecord:
    """Build an issuer's record.

    Args:
        issuer: who it is.
        keys: its keys in any state; keys that never were published are left out, public halves
            of retired ones are kept as long as the key store knows them.
        rights: what it may issue.
        base_url: the published tree's own address, ends in `/`.
        chains: X.509 certificates by key id, as `KeyRecord.x5c`; keys without one have none.
    """
    prefix = f"{base_url}status/{issuer.uscc}/"
    ordered = sorted(keys, key=lambda key: (key.created_at, key.kid))
    published = (_key_record(key, chains.get(key.kid)) for key in ordered)
    return IssuerRecord(
        iss=f"{base_url}i/{issuer.uscc}",
        uscc=issuer.uscc,
        division=issuer.uscc[2:8],
        names=dict(issuer.names),
        level=issuer.level,
        keys=tuple(key for key in published if key is not None),
        rights=tuple(rights),
        status_prefix=prefix,
        status_aggregation=f"{prefix}lists.json",
        log_origin=issuer.log_origin,
        aliases=issuer.aliases,
        mirrors=issuer.mirrors,
        successor=issuer.successor,
    )


def _key_record(key: KeyInfo, chain: tuple[str, ...] | None) -> KeyRecord | None:
    use, state = _USES.get(key.purpose), _STATES.get(key.state)
    if use is None or state is None or key.pre_published_at is None:
        return None
    if state is KeyState.RETIRED and key.activated_at is None:
        return None  # withdrawn before it signed anything
    return KeyRecord(
        kid=key.kid,
        alg=key.alg,
        use=use,
        public=PublicKey.from_jwk(dict(key.public_jwk), key.alg),
        # The same moment in every edition: a verifier with yesterday's record agrees.
        not_before=key.pre_published_at,
        # The window is half open, and a host whose clock is ahead may have signed to the last.
        not_after=None if key.retired_at is None else key.retired_at + 1 + HOST_CLOCKS,
        state=state,
        types=key.types or None,
        compromised_at=key.compromised_at if state is KeyState.COMPROMISED else None,
        accept_before_log_index=key.accept_before_log_index,
        x5c=chain or None,
    )
