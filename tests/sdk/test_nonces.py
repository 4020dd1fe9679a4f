"""Nonces: given out, good once, for a short time, and refused when in doubt (T34)."""

import threading
from typing import Any

import pytest

from certsvc_sdk.errors import HolderBindingInvalid, PresentationExpired, PresentationReplayed
from certsvc_sdk.nonces import (
    NONCE_LIFE,
    NonceCheck,
    NonceStore,
    NonceUse,
    ProcessNonces,
    new_nonce,
)

NOW = 1_800_000_000


def test_a_nonce_is_good_once() -> None:
    store: NonceStore = ProcessNonces()
    store.issue("a", now=NOW)
    assert store.take("a", now=NOW + 1) is NonceUse.FRESH
    assert store.take("a", now=NOW + 1) is NonceUse.USED
    # Given out again by mistake it stays used.
    store.issue("a", now=NOW + 2)
    assert store.take("a", now=NOW + 2) is NonceUse.USED


@pytest.mark.parametrize(
    ("after", "use"),
    [
        (0, NonceUse.FRESH),
        (NONCE_LIFE - 1, NonceUse.FRESH),
        (NONCE_LIFE, NonceUse.UNKNOWN),
        (NONCE_LIFE + 1, NonceUse.UNKNOWN),
    ],
)
def test_a_nonce_has_an_end(after: int, use: NonceUse) -> None:
    store = ProcessNonces()
    store.issue("a", now=NOW)
    assert store.take("a", now=NOW + after) is use


def test_what_was_never_given_out_is_unknown() -> None:
    store = ProcessNonces()
    assert store.take("a", now=NOW) is NonceUse.UNKNOWN
    store.issue("b", now=NOW)
    assert store.take("a", now=NOW) is NonceUse.UNKNOWN
    # To ask for a nonce does not make one.
    assert store.take("a", now=NOW) is NonceUse.UNKNOWN
    # Another process, or this one after a restart, knows nothing: it fails closed.
    assert ProcessNonces().take("b", now=NOW) is NonceUse.UNKNOWN


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    store = ProcessNonces(capacity=3)
    for name in "abcd":
        store.issue(name, now=NOW)
    assert store.take("a", now=NOW) is NonceUse.UNKNOWN
    assert [store.take(name, now=NOW) for name in "bcd"] == [NonceUse.FRESH] * 3
    none = ProcessNonces(capacity=0)
    none.issue("a", now=NOW)
    assert none.take("a", now=NOW) is NonceUse.FRESH


def test_of_many_threads_one_gets_the_nonce() -> None:
    store = ProcessNonces()
    store.issue("a", now=NOW)
    found: list[NonceUse] = []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        found.append(store.take("a", now=NOW))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [NonceUse.FRESH] + [NonceUse.USED] * 7


def test_a_nonce_is_128_random_bits() -> None:
    assert new_nonce(lambda size: bytes(size)) == "A" * 22
    assert len({new_nonce() for _ in range(1000)}) == 1000


def test_one_check_uses_a_nonce_up_once() -> None:
    store = ProcessNonces()
    store.issue("a", now=NOW)
    check = NonceCheck(store, now=NOW)
    check("a")
    check("a")  # the same check, worked out again
    with pytest.raises(PresentationReplayed) as replayed:
        NonceCheck(store, now=NOW)("a")
    assert replayed.value.code == "presentation_replayed"
    late = NonceCheck(store, now=NOW + NONCE_LIFE)
    for _ in range(2):
        with pytest.raises(PresentationExpired) as expired:
            late("a")
        assert expired.value.code == "presentation_expired"


def test_an_answer_that_is_none_of_the_three_is_no_fresh_one() -> None:
    class Broken:
        def issue(self, nonce: str, *, now: int) -> None:
            """Keep nothing."""

        def take(self, nonce: str, *, now: int) -> Any:
            return "yes"

    with pytest.raises(HolderBindingInvalid):
        NonceCheck(Broken(), now=NOW)("a")
