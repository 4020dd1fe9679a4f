"""An active key for every purpose, however often set-up was broken off."""

import pytest

from keys import KeyStore, State
from keys.provision import ensure_active

NOW = 1_790_000_000


@pytest.mark.parametrize("left", [None, State.GENERATED, State.PRE_PUBLISHED, State.ACTIVE])
def test_whatever_an_earlier_run_left_one_key_becomes_active(
    store: KeyStore, left: State | None
) -> None:
    steps = [State.GENERATED, State.PRE_PUBLISHED, State.ACTIVE]
    if left is not None:
        key = store.generate(issuer_id="a", alg="ES256", purpose="status", now=NOW)
        for state in steps[1 : steps.index(left) + 1]:
            store.set_state("a", key.kid, state, now=NOW)
    for _ in range(2):
        ensure_active(store, issuer_id="a", alg="ES256", purpose="status", now=NOW + 1)
    (only,) = store.list("a")
    assert only.state is State.ACTIVE
    assert left is None or only.kid == key.kid


def test_roles_have_keys_of_their_own(store: KeyStore) -> None:
    for role in ("snapshot", "timestamp"):
        ensure_active(store, issuer_id="t", alg="Ed25519", purpose="trust", role=role, now=NOW)
    assert {key.role for key in store.list("t")} == {"snapshot", "timestamp"}
