"""The signer's client is a key store like any other, but for changes."""

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import keys
from keys.algorithms import algorithm
from keys.errors import (
    DataSealInvalid,
    KeyNotActive,
    KeysError,
    KeyUnknown,
    NameInvalid,
    NoActiveKey,
    StoreReadOnly,
    UseForbidden,
)
from keys.lifecycle import State
from keys.signing import frames
from keys.signing.line import Line
from keys.signing.rights import read_grants

ISSUER = "119999000000000198"
OTHER = "119999000000000273"


def test_what_there_is_reads_alike(serving, client, store, make):
    infos = [make(State.RETIRED), make(), make(purpose="log", issuer_id="log", role="lasting")]
    with serving():
        assert client.list() == store.list()
        assert client.list(ISSUER) == store.list(ISSUER)
        assert client.list("nobody") == []
        assert [client.get(info.issuer_id, info.kid) for info in infos] == infos
        with pytest.raises(KeyUnknown):
            client.get(ISSUER, "A" * 11)


def test_a_compromised_key_keeps_its_cut(serving, client, store, make):
    info = make()
    store.compromise(ISSUER, info.kid, now=info.created_at + 9, at=info.created_at + 1,
                     accept_before_log_index=7)  # fmt: skip
    with serving():
        assert client.get(ISSUER, info.kid) == store.get(ISSUER, info.kid)
        assert client.get(ISSUER, info.kid).accept_before_log_index == 7


@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "ML-DSA-65"])
@pytest.mark.parametrize("data", [b"", b"x" * 1000, bytes(3_000_000)], ids=len)
def test_signatures_verify(serving, client, make, alg, data):
    info = make(alg=alg)
    with serving():
        signer = client.signer(ISSUER, info.kid)
        assert (signer.kid, signer.alg, signer.public_jwk) == (info.kid, alg, info.public_jwk)
        assert algorithm(alg).verify(info.public_jwk, data, signer.sign(data))


def test_the_serving_key_is_found(serving, client, make):
    general, special = make(), make(types=("business-licence",))
    with serving():
        assert client.active(ISSUER, "certificate").kid == general.kid
        assert client.active(ISSUER, "certificate", type="business-licence").kid == special.kid
        with pytest.raises(NoActiveKey):
            client.active(ISSUER, "certificate", role="lasting")


def test_what_is_not_active_does_not_sign(serving, client, store, make):
    info, waiting = make(), make(State.PRE_PUBLISHED)
    with serving():
        signer = client.signer(ISSUER, info.kid)
        signer.sign(b"x")
        with pytest.raises(KeyNotActive):
            client.signer(ISSUER, waiting.kid)
        store.set_state(ISSUER, info.kid, State.RETIRED, now=info.created_at)
        with pytest.raises(KeyNotActive):
            signer.sign(b"x")


def test_data_keys_are_used_and_not_given_away(serving, client, store):
    secret_side = store.data_key("rows")
    with serving():
        key = client.data_key("rows")
        sealed = key.seal(b"name", context=b"row 1")
        assert secret_side.open(sealed, context=b"row 1") == b"name"
        assert key.open(secret_side.seal(b"", context=b""), context=b"") == b""
        assert key.hmac(b"x") == secret_side.hmac(b"x")
        for wrong in (sealed[:-1], b"", b"\x02" + sealed[1:]):
            with pytest.raises(DataSealInvalid):
                key.open(wrong, context=b"row 1")
        with pytest.raises(DataSealInvalid):
            key.open(sealed, context=b"row 2")
        # Made on first use, and there for everybody then.
        client.data_key("new").hmac(b"x")
    assert store.data_key("new").hmac(b"x")


def test_nothing_can_be_changed(serving, client, make, path, store):
    info = make()
    changes = [
        lambda: client.generate(issuer_id=ISSUER, alg="ES256", purpose="log", now=1),
        lambda: client.set_state(ISSUER, info.kid, State.RETIRED, now=1),
        lambda: client.rotate(ISSUER, info.kid, now=1),
        lambda: client.compromise(ISSUER, info.kid, now=1, at=1),
        # And neither by who leaves the client out.
        *(
            lambda name=name: Line(path).ask(name, {"issuer": ISSUER, "kid": info.kid})
            for name in ("generate", "set_state", "rotate", "compromise")
        ),
    ]
    with serving():
        for change in changes:
            with pytest.raises(StoreReadOnly) as caught:
                change()
            assert caught.value.code == "store_read_only"
    assert store.list() == [info]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\0", "ü", "x" * 65])
def test_names_that_are_none_do_not_leave_the_house(client, name):
    """No signer runs: these are refused before anybody is asked."""
    for ask in (
        lambda: client.list(name),
        lambda: client.get(name, "A" * 11),
        lambda: client.get(ISSUER, name),
        lambda: client.active(name, "certificate"),
        lambda: client.data_key(name),
    ):
        with pytest.raises(NameInvalid):
            ask()


def test_a_purpose_that_is_not_served_is_not_signed_for(serving, client, make, caplog):
    """The issuer's web workers sign certificates, and cannot sign trust metadata."""
    mine, trust = make(), make(purpose="trust", role="timestamp", alg="Ed25519")
    foreign = make(issuer_id=OTHER)
    grants = read_grants(f"certificate@{ISSUER},data@certificates-{ISSUER}")
    with serving(users={os.geteuid(): grants}), caplog.at_level(logging.WARNING):
        client.signer(ISSUER, mine.kid).sign(b"x")
        client.data_key(f"certificates-{ISSUER}").hmac(b"x")
        refused = [
            lambda: client.signer(ISSUER, trust.kid),
            lambda: client.active(ISSUER, "trust", role="timestamp"),
            lambda: client.signer(OTHER, foreign.kid),
            lambda: client.active(OTHER, "certificate"),
            lambda: client.data_key(f"certificates-{OTHER}"),
        ]
        for ask in refused:
            with pytest.raises(UseForbidden):
                ask()
        # Whoever skips the first question gets the same answer to the second one.
        line = client._line
        for texts in ({"issuer": ISSUER, "kid": trust.kid}, {"issuer": OTHER, "kid": foreign.kid}):
            with pytest.raises(UseForbidden):
                line.ask("sign", texts, b"secret payload")
        for operation in ("seal", "open", "hmac"):
            texts = {"name": f"certificates-{OTHER}"}
            if operation != "hmac":
                texts["context"] = ""
            with pytest.raises(UseForbidden):
                line.ask(operation, texts, b"secret payload")
        assert len(client.list()) == 3
    lines = [record for record in caplog.records if record.name == "keys.signing"]
    assert [record.code for record in lines] == ["use_forbidden"] * 10
    assert all(f"user {os.geteuid()}, process {os.getpid()}" in each.message for each in lines)
    assert "secret payload" not in caplog.text


def test_signatures_are_counted_in_the_log(serving, client, make, caplog):
    info = make()
    with caplog.at_level(logging.INFO), serving():
        signer = client.signer(ISSUER, info.kid)
        for _ in range(3):
            signer.sign(b"secret payload")
    assert f"signed: 3 times with key {info.kid}, 3 in all" in caplog.messages
    assert "secret payload" not in caplog.text


def test_many_threads_get_their_own_signatures(serving, client, make):
    """Each signature is verified against its own payload."""
    info = make(alg="Ed25519")
    threads, each = 16, 40
    together = threading.Barrier(threads)

    def work(number):
        together.wait()
        signer = client.signer(ISSUER, info.kid)
        return [
            algorithm("Ed25519").verify(info.public_jwk, data, signer.sign(data))
            for data in (f"{number} {turn}".encode() for turn in range(each))
        ]

    with serving(), ThreadPoolExecutor(threads) as pool:
        assert all(all(found) for found in pool.map(work, range(threads)))


def test_a_fork_connects_anew(serving, client, make):
    """Two processes on one connection would read each other's answers."""
    info = make(alg="Ed25519")
    with serving() as server:
        signer = client.signer(ISSUER, info.kid)
        signer.sign(b"before")
        children = []
        for number in range(2):
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    for turn in range(50):
                        signer.sign(f"child {number} {turn}".encode())
                    code = 0
                finally:
                    os._exit(code)
            children.append(pid)
        for turn in range(50):
            signer.sign(f"parent {turn}".encode())
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
        assert server._desk.counted()[ISSUER, info.kid] == 151


def test_a_uri_opens_it(serving, path, make):
    make()
    with serving():
        store = keys.open_store(f"signer:{path}")
        assert [info.issuer_id for info in store.list()] == [ISSUER]
        store.close()


def test_too_much_is_refused_here(client):
    with pytest.raises(KeysError):
        client._line.ask("hmac", {"name": "rows"}, bytes(frames.MAX_REQUEST + 1))
