"""Threads, workers and forks over one token (threat T56): no signature is mixed up or lost."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from servers.softhsm import SoftHsm

from keys.algorithms import algorithm
from keys.errors import KeyNotActive
from keys.lifecycle import State
from keys.pkcs11 import Pkcs11KeyStore
from keys.store import KeyInfo

ISSUER = "119999000000000198"
STRANGE = Path(__file__).parent / "strange_agent.py"
#: Signatures of each thread; 2,000 is the figure of the goal.
SIGNATURES = int(os.environ.get("CERTSVC_HSM_SIGNATURES", "50"))
WORKERS, THREADS = 2, 4
Walk = Callable[..., KeyInfo]
Open = Callable[..., Pkcs11KeyStore]


def sign_and_verify(store: Pkcs11KeyStore, infos: list[KeyInfo], count: int, name: str) -> int:
    """Signs by turns with each key, every signature checked against its own payload; the good."""
    good = 0
    for number in range(count):
        info = infos[number % len(infos)]
        data = f"{name} {number}".encode()
        signature = store.signer(ISSUER, info.kid).sign(data)
        good += algorithm(info.alg).verify(info.public_jwk, data, signature)
    return good


def worker(uri: str, infos: list[KeyInfo], count: int, strange: tuple[str, ...]) -> int:
    more = {"command": (sys.executable, str(STRANGE), *strange)} if strange else {}
    store = Pkcs11KeyStore(uri, **more)
    with ThreadPoolExecutor(THREADS) as pool:
        names = [f"{os.getpid()} {each}" for each in range(THREADS)]
        done = sum(pool.map(partial(sign_and_verify, store, infos, count), names))
    store.close()
    return done


# Pools call with one argument.
def _call(arguments: tuple[object, ...]) -> int:
    return worker(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("strange", [(), ("logout",)], ids=["calm", "forced logouts"])
def test_workers_and_threads_sign_what_they_were_asked(
    hsm: SoftHsm, store: Pkcs11KeyStore, walk: Walk, strange: tuple[str, ...]
) -> None:
    infos = [walk(store, alg=alg, role=alg) for alg in ("ES256", "Ed25519")]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        task = (hsm.uri("office"), infos, SIGNATURES, strange)
        good = list(pool.map(_call, [task] * WORKERS))
    assert good == [THREADS * SIGNATURES] * WORKERS


def test_a_fork_gets_a_session_of_its_own(store: Pkcs11KeyStore, walk: Walk) -> None:
    """Children of a process that already signs, forked while its threads sign."""
    infos = [walk(store)]
    signer = store.signer(ISSUER, infos[0].kid)
    signer.sign(b"parent")
    agent = store._link._here().agent
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(sign_and_verify, store, infos, 60, f"t{each}") for each in range(2)]
        children = [_forked(store, infos) for _ in range(3)]
        assert [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children] == [0] * 3
        assert [each.result() for each in busy] == [60, 60]
    assert store._link._here().agent is agent  # which no child has ended
    assert sign_and_verify(store, infos, 3, "parent") == 3


def _forked(store: Pkcs11KeyStore, infos: list[KeyInfo]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = 0 if sign_and_verify(store, infos, 20, "child") == 20 else 2
        store.close()
    finally:
        os._exit(code)


def test_a_key_retired_while_many_sign(open_again: Open, walk: Walk) -> None:
    """Once the change has returned, nobody gets another signature."""
    operator, workers = open_again(), open_again()
    info = walk(operator)

    def sign_until_refused() -> int:
        signed = 0
        while True:
            try:
                workers.signer(ISSUER, info.kid).sign(b"%d" % signed)
            except KeyNotActive:
                return signed
            signed += 1

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(sign_until_refused) for _ in range(3)]
        operator.set_state(ISSUER, info.kid, State.RETIRED, now=info.created_at)
        signer = partial(workers.signer, ISSUER, info.kid)
        with pytest.raises(KeyNotActive):
            signer()
        assert all(each.result(60) >= 0 for each in running)


def test_a_rotation_never_leaves_workers_without_a_key(open_again: Open, walk: Walk) -> None:
    operator, workers = open_again(), open_again()
    walk(operator)
    for _ in range(3):
        following = walk(operator, State.PRE_PUBLISHED)
        before = workers.active(ISSUER, "certificate").kid
        operator.rotate(ISSUER, following.kid, now=following.created_at)
        after = workers.active(ISSUER, "certificate")
        assert before != after.kid == following.kid
        after.sign(b"x")
