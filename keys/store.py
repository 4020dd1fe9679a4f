"""The interface of every key store, and what it tells about a key."""

from dataclasses import dataclass
from typing import Protocol

from keys.algorithms import Jwk
from keys.datakey import SealingKey
from keys.lifecycle import State
from keys.signer import Signer

PURPOSES = frozenset({"certificate", "status", "log", "trust", "ca"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """The open part of a key. Times are Unix seconds; None: not yet.

    `types` lists the certificate types the key may sign; empty: not limited. What a compromised
    key signed counts only where the log held it below `accept_before_log_index`; None: not at all.
    """

    kid: str
    issuer_id: str
    alg: str
    purpose: str
    types: tuple[str, ...]
    role: str | None
    state: State
    public_jwk: Jwk
    created_at: int
    pre_published_at: int | None = None
    activated_at: int | None = None
    retired_at: int | None = None
    destroyed_at: int | None = None
    compromised_at: int | None = None
    accept_before_log_index: int | None = None

    @property
    def group(self) -> tuple[str, str, tuple[str, ...], str | None]:
        """At most one key of a group is active."""
        return self.issuer_id, self.purpose, self.types, self.role


KeyInfos = list[KeyInfo]


def is_read_only(store: object) -> bool:
    """Whether keys can be used through a store and not be changed; it says so itself."""
    return bool(getattr(store, "read_only", False))


class KeyStore(Protocol):
    """Custody of private keys. Every method raises only `KeysError`s."""

    def generate(
        self,
        *,
        issuer_id: str,
        alg: str,
        purpose: str,
        now: int,
        types: tuple[str, ...] = (),
        role: str | None = None,
    ) -> KeyInfo:
        """Makes a key in state generated; a clash of key ids is refused."""
        ...

    def list(self, issuer_id: str | None = None) -> KeyInfos:
        """The keys of one issuer, or of all, oldest first."""
        ...

    def get(self, issuer_id: str, kid: str) -> KeyInfo:
        """One key."""
        ...

    def set_state(self, issuer_id: str, kid: str, state: State, *, now: int) -> KeyInfo:
        """One step of the life cycle."""
        ...

    def compromise(
        self,
        issuer_id: str,
        kid: str,
        *,
        now: int,
        at: int,
        accept_before_log_index: int | None = None,
    ) -> KeyInfo:
        """Ends a key that others may use too; see `keys.moves.compromised`."""
        ...

    def rotate(self, issuer_id: str, kid: str, *, now: int) -> KeyInfo:
        """Activates a pre-published key and retires the group's active one."""
        ...

    def signer(self, issuer_id: str, kid: str) -> Signer:
        """A signer of an active key."""
        ...

    def active(
        self, issuer_id: str, purpose: str, *, type: str | None = None, role: str | None = None
    ) -> Signer:
        """The signer that serves this purpose, type and role now."""
        ...

    def data_key(self, name: str) -> SealingKey:
        """The named data key, made on first use."""
        ...
