"""Presses that hang, die and babble; bounds on who waits."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from certsvc.face.errors import FaceError
from certsvc.printing import presses as module
from certsvc.printing.errors import PressBusy, PressTimeout, PressUnavailable, PrintingError
from certsvc.printing.presses import Presses

Make = Callable[..., Presses]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 5.0)


def test_one_process_prints_many(presses: Make) -> None:
    printing = presses(pdf=b"%PDF" * 100_000)
    for _ in range(3):
        assert printing.print(b"job" * 100_000, client="a") == b"%PDF" * 100_000
    (press,) = printing._all
    assert press.jobs == 3


def test_a_press_is_renewed(presses: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_JOBS", 2)
    printing = presses()
    for _ in range(2):
        printing.print(b"job", client="a")
    assert not printing._all


@pytest.mark.parametrize("how", ["dies", "cuts"])
def test_a_press_that_ends_is_said_so(presses: Make, how: str) -> None:
    printing = presses(how)
    with pytest.raises(PressUnavailable):
        printing.print(b"job", client="a")
    assert not printing._all


def test_a_press_that_died_idle_is_replaced(presses: Make) -> None:
    printing = presses("dies-later")
    assert printing.print(b"job", client="a") == b"%PDF"
    (press,) = printing._all
    press._process.kill()
    press._process.wait()
    assert printing.print(b"job", client="a") == b"%PDF"


def test_what_a_press_babbles_is_no_face(presses: Make) -> None:
    with pytest.raises((FaceError, PrintingError)):
        presses("babbles").print(b"job", client="a")


def test_a_press_that_hangs_is_ended(presses: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.0)
    printing = presses("hangs", seconds=0.2)
    with pytest.raises(PressTimeout):
        printing.print(b"job", client="a")
    assert not printing._all


def test_who_cannot_be_started(presses: Make) -> None:
    printing = Presses(1, monotonic=time.monotonic, command=("/no/such/program",))
    with pytest.raises(PressUnavailable):
        printing.print(b"job", client="a")
    with pytest.raises(PressUnavailable):
        # The place of the one that failed is free again.
        printing.print(b"job", client="a")


def _crowd(printing: Presses, client: str, count: int) -> list[Any]:
    outcomes: list[Any] = []
    begun = threading.Barrier(count + 1)

    def one() -> None:
        begun.wait()
        try:
            outcomes.append(printing.print(b"job", client=client))
        except PrintingError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for each in threads:
        each.start()
    begun.wait()
    for each in threads:
        each.join()
    return outcomes


def test_a_client_leaves_room_for_others(presses: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.5)
    printing = presses("hangs", seconds=0.1)
    outcomes = _crowd(printing, "a", module.MAX_OF_A_CLIENT + 4)
    refused = [one for one in outcomes if isinstance(one, PressBusy)]
    assert len(refused) >= 3
    assert all(isinstance(one, PrintingError) for one in outcomes)


def test_whoever_is_patient_is_not_refused(presses: Make) -> None:
    printing = presses(count=2)
    with ThreadPoolExecutor(40) as pool:
        faces = list(
            pool.map(lambda _: printing.print(b"job", client="a", patient=True), range(80))
        )
    assert faces == [b"%PDF"] * 80
    assert len(printing._all) <= 2


def test_a_press_knows_no_secrets(presses: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_KEYS_PASSPHRASE_FILE", "/secret")
    monkeypatch.setenv("TOKEN_PIN", "1234")
    printing = presses()
    printing.print(b"job", client="a")
    (press,) = printing._all
    with open(f"/proc/{press._process.pid}/environ", "rb") as file:
        environment = file.read()
    assert b"PIN" not in environment
    assert b"CERTSVC" not in environment
