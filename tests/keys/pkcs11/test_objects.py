"""What lies in the token, and what becomes of it when somebody meddles with it."""

import json
from collections.abc import Callable

import PyKCS11
import pytest

from keys.algorithms import algorithm
from keys.algorithms.es256 import P256_ORDER
from keys.errors import AlgorithmUnsupported, FileTampered, KeysError, SoftwareSm2Refused
from keys.lifecycle import State
from keys.pkcs11 import Pkcs11KeyStore
from keys.pkcs11.objects import private_keys, template, values
from keys.pkcs11.records import DATA, KEY, label_of, write_record
from keys.pkcs11.token import UNNAMED, Token
from keys.store import KeyInfo

ISSUER = "119999000000000198"
Walk = Callable[..., KeyInfo]
Open = Callable[..., Pkcs11KeyStore]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(KeysError) as caught:
        call()
    return caught.value.code


def records(token: Token, kind: str = KEY) -> list[object]:
    def find(session: object) -> list[object]:
        found = session.findObjects(template(CLASS=PyKCS11.CKO_DATA, APPLICATION=kind))  # type: ignore[attr-defined]
        return list(found)

    return token.attempt(find)


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_private_keys_cannot_leave(
    store: Pkcs11KeyStore, walk: Walk, token: Token, alg: str
) -> None:
    info = walk(store, alg=alg)

    def look(session: object) -> None:
        (handle,) = private_keys(session, ID=info.kid.encode())
        names = ("SENSITIVE", "EXTRACTABLE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL")
        assert values(session, handle, *names) == [True, False, True, True, True]
        assert values(session, handle, "VALUE") == [None]
        assert values(session, handle, "LABEL") == [label_of(ISSUER, info.kid)]

    token.attempt(look)


def test_records_are_private_and_hold_no_secret(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    info = walk(store)
    store.data_key("rows")

    def look(session: object) -> None:
        for kind in (KEY, DATA):
            (handle,) = records(token, kind)
            assert values(session, handle, "PRIVATE") == [True]
        for label in ("certsvc records", "certsvc data keys"):
            (key,) = session.findObjects(template(CLASS=PyKCS11.CKO_SECRET_KEY, LABEL=label))  # type: ignore[attr-defined]
            assert values(session, key, "SENSITIVE", "EXTRACTABLE") == [True, False]
            assert values(session, key, "VALUE") == [None]

    token.attempt(look)
    (_, text), *_ = token.records(KEY, "", True)
    members = json.loads(text)
    assert (members["kid"], members["state"], members["revision"]) == (info.kid, "active", 3)


def test_es256_has_low_s_and_jose_form(store: Pkcs11KeyStore, walk: Walk) -> None:
    signer = store.signer(ISSUER, walk(store).kid)
    for number in range(20):
        signature = signer.sign(b"%d" % number)
        assert len(signature) == 64
        assert int.from_bytes(signature[32:], "big") <= P256_ORDER // 2


@pytest.mark.parametrize("alg", ["SM2", "ML-DSA-44", "ML-DSA-65", "RS256"])
def test_other_algorithms_are_refused_before_anything_is_made(
    store: Pkcs11KeyStore, alg: str
) -> None:
    with pytest.raises(AlgorithmUnsupported):
        store.generate(issuer_id=ISSUER, alg=alg, purpose="log", now=1)


@pytest.mark.parametrize("end", [State.DESTROYED, State.COMPROMISED])
def test_the_private_key_is_gone_from_the_token(
    store: Pkcs11KeyStore, walk: Walk, token: Token, end: State
) -> None:
    info = walk(store, State.RETIRED)
    store.set_state(ISSUER, info.kid, end, now=info.created_at)
    assert token.attempt(lambda session: private_keys(session)) == []
    assert store.get(ISSUER, info.kid).state is end


def forge(token: Token, info: KeyInfo, **changes: object) -> None:
    """Replaces the record's state, as who can write the token's files but has no key for codes."""

    def write(session: object) -> None:
        (handle,) = records(token)
        value = bytes(values(session, handle, "VALUE")[0])
        members = {**json.loads(value[32:]), **changes}
        session.destroyObject(handle)  # type: ignore[attr-defined]
        session.createObject(  # type: ignore[attr-defined]
            template(
                CLASS=PyKCS11.CKO_DATA,
                TOKEN=True,
                PRIVATE=True,
                APPLICATION=KEY,
                LABEL=label_of(ISSUER, info.kid),
                VALUE=value[:32] + json.dumps(members).encode(),
            )
        )

    token.attempt(write)


@pytest.mark.parametrize("change", [{"state": "active"}, {"revision": 9}, {"purpose": "log"}])
def test_a_forged_record_is_noticed(
    store: Pkcs11KeyStore, walk: Walk, token: Token, open_again: Open, change: dict[str, object]
) -> None:
    info = walk(store, State.RETIRED)
    forge(token, info, **change)
    for each in (store, open_again()):
        assert code_of(lambda each=each: each.get(ISSUER, info.kid)) == FileTampered.code
        assert code_of(lambda each=each: each.signer(ISSUER, info.kid)) == FileTampered.code
        assert code_of(each.list) == FileTampered.code


def test_a_running_signer_notices_a_forged_record(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    info = walk(store)
    signer = store.signer(ISSUER, info.kid)
    signer.sign(b"before")
    forge(token, info, activated_at=5)
    assert code_of(lambda: signer.sign(b"after")) == FileTampered.code


def test_a_record_counts_only_under_its_own_label(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    info = walk(store)
    token.create(KEY, label_of("other", info.kid), write_record(info, 4))
    assert code_of(lambda: store.get("other", info.kid)) == "key_file_misplaced"
    token.create(KEY, label_of("third", info.kid), b"{}")
    assert code_of(lambda: store.get("third", info.kid)) == "key_file_malformed"


def test_a_data_key_counts_only_under_its_own_name(store: Pkcs11KeyStore, token: Token) -> None:
    store.data_key("rows")
    ((_, text),) = token.records(DATA, "", True)
    token.create(DATA, "other", text)
    assert code_of(lambda: store.data_key("other")) == "key_file_malformed"
    token.create(DATA, "third", text.replace(b'"rows"', b'"third"'))
    assert code_of(lambda: store.data_key("third")) == FileTampered.code


def test_records_without_the_key_of_their_codes_are_not_believed(
    store: Pkcs11KeyStore, walk: Walk, token: Token, open_again: Open
) -> None:
    walk(store)

    def lose(session: object) -> None:
        which = template(CLASS=PyKCS11.CKO_SECRET_KEY, LABEL="certsvc records")
        for handle in session.findObjects(which):  # type: ignore[attr-defined]
            session.destroyObject(handle)  # type: ignore[attr-defined]

    token.attempt(lose)
    again = open_again()
    assert code_of(again.list) == "key_file_malformed"
    arguments = {"issuer_id": ISSUER, "alg": "ES256", "purpose": "log", "now": 1}
    assert code_of(lambda: again.generate(**arguments)) == "key_file_malformed"


def test_a_private_key_that_somebody_removed_signs_no_more(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    info = walk(store)
    signer = store.signer(ISSUER, info.kid)
    signer.sign(b"before")
    token.erase(info.kid, label_of(ISSUER, info.kid))
    assert code_of(lambda: signer.sign(b"after")) == "key_not_active"
    assert store.compromise(ISSUER, info.kid, now=info.created_at, at=info.created_at)


def test_another_private_key_of_the_same_name_signs_nothing_that_is_released(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    info = walk(store)
    label = label_of(ISSUER, info.kid)
    token.erase(info.kid, label)
    token.generate("ES256")

    def disguise(session: object) -> None:
        (handle,) = private_keys(session, LABEL=UNNAMED)
        session.setAttributeValue(handle, template(LABEL=label, ID=info.kid.encode()))  # type: ignore[attr-defined]

    token.attempt(disguise)
    for _ in range(2):
        assert code_of(lambda: store.signer(ISSUER, info.kid).sign(b"x")) == "signature_rejected"
    assert store.rejected[info.kid] == 2


def test_a_broken_off_generation_is_swept_by_the_next(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    walk(store)
    token.generate("Ed25519")
    named = token.generate("ES256")
    info = walk(store, State.GENERATED, purpose="log")  # sweeps both
    assert token.unnamed() == []
    assert len(token.attempt(lambda session: private_keys(session))) == 2
    del named

    def forget_name(session: object) -> None:
        (handle,) = private_keys(session, ID=info.kid.encode())
        session.setAttributeValue(handle, template(LABEL=UNNAMED))  # type: ignore[attr-defined]

    token.attempt(forget_name)
    walk(store, State.GENERATED, purpose="status")  # finds the record and names the key
    for state in (State.PRE_PUBLISHED, State.ACTIVE):
        store.set_state(ISSUER, info.kid, state, now=info.created_at)
    signature = store.signer(ISSUER, info.kid).sign(b"x")
    assert algorithm("ES256").verify(info.public_jwk, b"x", signature)


def test_a_clash_of_key_ids_is_refused(
    store: Pkcs11KeyStore, walk: Walk, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = walk(store)
    monkeypatch.setattr("keys.pkcs11.token.kid_of", lambda _: info.kid)
    assert code_of(lambda: token.generate("ES256")) == "key_clash"
    assert len(token.attempt(lambda session: private_keys(session))) == 1


def test_what_a_crash_between_two_revisions_leaves_counts_as_the_newer(
    store: Pkcs11KeyStore, walk: Walk, token: Token, open_again: Open
) -> None:
    info = walk(store)
    label = label_of(ISSUER, info.kid)
    retired = store.set_state(ISSUER, info.kid, State.RETIRED, now=info.created_at)
    token.create(KEY, label, write_record(info, 3))  # as if it had never been removed
    assert open_again().get(ISSUER, info.kid) == retired
    store.set_state(ISSUER, info.kid, State.DESTROYED, now=info.created_at)
    assert len(token.records(KEY, label, True)) == 1


def test_of_two_equal_revisions_the_stricter_counts(
    store: Pkcs11KeyStore, walk: Walk, token: Token, open_again: Open
) -> None:
    info = walk(store, State.PRE_PUBLISHED)
    label = label_of(ISSUER, info.kid)
    active = store.set_state(ISSUER, info.kid, State.ACTIVE, now=info.created_at)
    withdrawn = write_record(store.get(ISSUER, info.kid), 3)
    token.create(KEY, label, withdrawn.replace(b'"active"', b'"retired"'))
    assert open_again().get(ISSUER, info.kid).state is State.RETIRED
    assert active.state is State.ACTIVE
    with pytest.raises(KeysError):
        open_again().signer(ISSUER, info.kid)


def test_two_machines_at_once_change_nothing_twice(
    store: Pkcs11KeyStore, walk: Walk, token: Token
) -> None:
    """The lock holds on one machine; from another one the record itself tells."""
    info = walk(store, State.PRE_PUBLISHED)
    found = store._records.get(ISSUER, info.kid)
    label = label_of(ISSUER, info.kid)
    token.create(KEY, label, found.texts[0].replace(b'"revision":2', b'"revision":3'))
    after = store.get(ISSUER, info.kid)
    assert code_of(lambda: store._records.replace(found, after)) == "store_busy"
    rival = walk(store)
    active = found.info.__class__(**{**_fields(found.info), "state": State.ACTIVE})
    current = store._records.get(ISSUER, info.kid, fresh=True)
    assert code_of(lambda: store._records.replace(current, active)) == "active_key_exists"
    assert store.get(ISSUER, info.kid).state is State.PRE_PUBLISHED
    assert store.active(ISSUER, "certificate").kid == rival.kid


def _fields(info: KeyInfo) -> dict[str, object]:
    return {name: getattr(info, name) for name in info.__slots__}


def test_sm2_is_refused_as_an_algorithm_and_not_as_a_setting(store: Pkcs11KeyStore) -> None:
    with pytest.raises(KeysError) as caught:
        store.generate(issuer_id=ISSUER, alg="SM2", purpose="log", now=1)
    assert not isinstance(caught.value, SoftwareSm2Refused)
    assert "ES256 and Ed25519" in str(caught.value)
