from collections.abc import Callable
from typing import Any

from certsvc_sdk.trust import KeyState, KeyUse, parse_record
from keys import KeyInfo, State
from keys.filestore import FileKeyStore

NOW = 1_800_000_000


def test_record_has_the_addresses_of_the_tree(make_record: Callable[..., Any]) -> None:
    record = make_record()
    assert record.iss == "https://certs.example/i/119999000000000198"
    assert record.status_prefix == "https://certs.example/status/119999000000000198/"
    assert record.status_aggregation == record.status_prefix + "lists.json"
    assert record.division == "999900"
    assert parse_record(record.to_bytes()) == record


def test_each_purpose_has_its_key(
    make_record: Callable[..., Any], make_key: Callable[..., KeyInfo]
) -> None:
    certificate = make_key("certificate", types=("business-licence",))
    status = make_key("status", alg="Ed25519")
    trust = make_key("trust", alg="Ed25519", role="root")
    record = make_record(keys=(certificate, status, trust))
    assert [(key.kid, key.use) for key in record.keys] == sorted(
        [(certificate.kid, KeyUse.CERTIFICATE), (status.kid, KeyUse.STATUS)]
    )
    assert record.key(certificate.kid, "certificate").types == ("business-licence",)
    assert record.key(status.kid, "status").types is None
    assert parse_record(record.to_bytes()) == record


def test_states_of_keys(
    make_record: Callable[..., Any], make_key: Callable[..., KeyInfo], store: FileKeyStore
) -> None:
    made = {
        state: make_key("certificate", state, types=(f"type-{number}",))
        for number, state in enumerate(State)
        if state is not State.COMPROMISED
    }
    stolen = make_key("certificate", types=("type-9",))
    stolen = store.set_state(stolen.issuer_id, stolen.kid, State.COMPROMISED, now=NOW + 9)
    withdrawn = make_key("certificate", State.PRE_PUBLISHED, types=("type-8",))
    withdrawn = store.set_state(withdrawn.issuer_id, withdrawn.kid, State.RETIRED, now=NOW)
    record = make_record(keys=(*made.values(), stolen, withdrawn))
    states = {key.kid: key.state for key in record.keys}
    assert states == {
        made[State.PRE_PUBLISHED].kid: KeyState.PRE_PUBLISHED,
        made[State.ACTIVE].kid: KeyState.ACTIVE,
        made[State.RETIRED].kid: KeyState.RETIRED,
        made[State.DESTROYED].kid: KeyState.RETIRED,
        stolen.kid: KeyState.COMPROMISED,
    }
    assert record.key(stolen.kid, "certificate").compromised_at == NOW + 9
    assert parse_record(record.to_bytes()) == record


def test_windows_of_keys(
    make_record: Callable[..., Any], make_key: Callable[..., KeyInfo], store: FileKeyStore
) -> None:
    key = store.generate(issuer_id="a", alg="ES256", purpose="certificate", now=NOW - 9)
    for step, (state, at) in enumerate(
        [(State.PRE_PUBLISHED, NOW), (State.ACTIVE, NOW + 50), (State.RETIRED, NOW + 99)]
    ):
        key = store.set_state("a", key.kid, state, now=at)
        (published,) = make_record(keys=(key,)).keys
        # The start never moves: verifiers with an older record agree with the newer one.
        assert published.not_before == NOW
        # The last second in which it may have signed, by any host's clock, lies inside the window.
        assert published.not_after == (NOW + 160 if step == 2 else None)
