"""Makes sure that a purpose has its active key; what a broken-off run left is taken on."""

from keys.errors import NoActiveKey
from keys.lifecycle import State
from keys.store import KeyStore


def ensure_active(
    store: KeyStore, *, issuer_id: str, alg: str, purpose: str, now: int, role: str | None = None
) -> None:
    """One active key of the purpose and role, made on the first call.

    Args:
        store: where it lives.
        issuer_id: whose key it is.
        alg: algorithm of a new key.
        purpose: one of `keys.store.PURPOSES`.
        now: Unix seconds.
        role: a role within the purpose.

    Raises:
        KeysError: the store refused.
    """
    try:
        store.active(issuer_id, purpose, role=role)
        return
    except NoActiveKey:
        waiting = [
            key
            for key in store.list(issuer_id)
            if (key.purpose, key.role) == (purpose, role)
            and key.state in (State.GENERATED, State.PRE_PUBLISHED)
        ]
    key = (
        waiting[0]
        if waiting
        else store.generate(issuer_id=issuer_id, alg=alg, purpose=purpose, role=role, now=now)
    )
    if key.state is State.GENERATED:
        store.set_state(issuer_id, key.kid, State.PRE_PUBLISHED, now=now)
    store.set_state(issuer_id, key.kid, State.ACTIVE, now=now)
