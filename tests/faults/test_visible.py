"""Revocations while publisher and PostgreSQL die: none lost, none flaps back (R14).

A poller reads the public address all the time, as a verifier does. CERTSVC_FAULTS=large: 10,000.
"""

import random  # noqa: TID251 — faults that can be repeated by their seed
import threading

import pytest
from drills.world import MARKET

from certsvc.cli.calls import Caller
from certsvc.cli.run import issuer_url
from certsvc_sdk import statuslist
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.statuslist import INVALID

PATH = f"status/{MARKET}/1"
TRIES = 600


class Poller:
    """Reads the list again and again, and remembers what it saw."""

    def __init__(self, settings):
        self._caller = Caller(issuer_url(settings))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.faults = []
        self.looks = 0
        self.version = 0
        self.gone = set()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.02):
            try:
                self._look()
            except OSError:
                continue
            except CertsvcError as error:
                self.faults.append(f"what is published does not read: {error!r}")

    def _look(self):
        answer = self._caller.get(PATH)
        if answer.status != 200:
            self.faults.append(f"HTTP {answer.status}")
            return
        token = statuslist.read(answer.body.decode())
        if token.version < self.version:
            self.faults.append(f"version {self.version} went back to {token.version}")
        packed = token.bits()
        lost = [place for place in self.gone if packed.get(place) != INVALID]
        if lost:
            self.faults.append(f"places {lost} were revoked once")
        self.version = token.version
        near = (4 * i + k for i, byte in enumerate(packed.data) if byte for k in range(4))
        self.gone |= {place for place in near if packed.get(place) == INVALID}
        self.looks += 1


@pytest.fixture(scope="module")
def services(new_services):
    return new_services(log_wait_ms=0)


def test_no_revocation_is_lost(services, postgres_server, large, wait_until):
    count = 10_000 if large else 300
    moments = random.Random(14)
    department = services.issuer()
    ids = [department.issue(n, f"gone-{n}")["id"] for n in range(count)]
    kills = {moments.randrange(count) for _ in range(max(3, count // 100))}
    restarts = {moments.randrange(count) for _ in range(max(2, count // 2000))}
    starts = []
    with Poller(services.settings) as poller:
        wait_until(lambda: poller.looks > 0, "the poller's first look")
        for number, one in enumerate(ids):
            if number in restarts:
                postgres_server.crash()
                starts.append(threading.Thread(target=postgres_server.start))
                starts[-1].start()
            if number in kills:
                services.kill("worker")
                services.start("worker")
            view = department.change(one, "revoke", tries=TRIES)
            assert view["state"] == "revoked"
        for thread in starts:
            thread.join()
        wait_until(lambda: len(poller.gone) >= count, "every revocation, seen by a reader")
    assert poller.faults == []
    assert len(poller.gone) == count
    assert poller.version > 1
    # And nobody was told of another one.
    assert len(set(ids)) == count


def test_answers_that_get_lost_make_no_second_certificate(services, lossy, large):
    """R25: 5 and 50 % of good requests fail after their commit; clients repeat them."""
    for share in (0.05, 0.5):
        count = 500 if large else 30
        with lossy(services.settings.issuer_port, share) as proxy:
            department = services.issuer(proxy.port)
            prefix = f"lossy-{share}"
            made = [department.issue(n, f"{prefix}-{n}", tries=50) for n in range(count)]
            gone = [department.change(one["id"], "revoke", tries=50) for one in made[::3]]
        plain = services.issuer()
        again = [plain.issue(n, f"{prefix}-{n}") for n in range(count)]
        assert [one["id"] for one in again] == [one["id"] for one in made]
        assert len({one["id"] for one in made}) == count
        assert {one["state"] for one in gone} == {"revoked"}
        assert department.repeated >= (share == 0.5) * count // 4
