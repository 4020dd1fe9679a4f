"""A nursery of workers, each killed at a random moment; what they were answered stands in a file.

With KILLS 0 one worker lives until it is killed from outside: then it is the database that dies.

Usage: kill_drill.py URL KEYS SAMPLES START ACKNOWLEDGED KILLS SEED
"""

import json
import os
import random  # noqa: TID251 — a drill that can be repeated by its seed
import signal
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keys
from certsvc.catalogue import Catalogue
from certsvc.issuing import errors
from certsvc.issuing.batch import issue_file
from certsvc.issuing.intake import read_rows
from certsvc.issuing.model import IssueRequest, SupersedeRequest
from certsvc.issuing.service import IssuingService
from certsvc.service.engine import make_engine, reading
from certsvc.service.principal import client
from certsvc.service.retries import Retries

URL, KEYS, SAMPLES, START, ACKNOWLEDGED, KILLS, SEED = sys.argv[1:]
MARKET = "119999000000000198"
TYPE = "business-licence"
CALLER = client(MARKET, "c-198", scopes={"issue", "read", "status"})
LINES = Path(SAMPLES).read_text(encoding="utf-8").splitlines()
CATALOGUE = Catalogue.builtin()
BEGAN = time.monotonic()


def clock() -> float:
    return float(START) + time.monotonic() - BEGAN


def request(number: int) -> IssueRequest:
    return IssueRequest(type=TYPE, claims=json.loads(LINES[number % len(LINES)]))


class Worker:
    """One process of threads that issue, supersede, change states and sweep until it dies."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.random = random.Random(f"{SEED} {number}")
        self.out = os.open(ACKNOWLEDGED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.service = IssuingService(
            engine=make_engine(URL),
            keys=keys.open_store(f"file:{KEYS}", passphrase=b"test only"),
            catalogue=CATALOGUE,
            settings=SimpleNamespace(
                public_url="https://certs.example/",
                status_list_size=131_072,
                second_person_types=frozenset(),
            ),
            clock=clock,
            retries=Retries(sleep=time.sleep),
        )

    def told(self, **answer: Any) -> None:
        os.write(self.out, json.dumps(answer).encode() + b"\n")

    def run(self) -> None:
        steps: list[Callable[[int], None]] = [self.single, self.single, self.file, self.change]
        steps += [self.supersede, self.sweep]
        threads = [threading.Thread(target=self.loop, args=(step,)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def loop(self, step: Callable[[int], None]) -> None:
        for turn in count():
            try:
                step(turn)
            except errors.RequestInProgress:
                continue
            except errors.StorageUnavailable as error:
                # Only where it is the database that dies; the next turn sends the same again.
                if int(KILLS):
                    self.told(fault=repr(error))
                    raise
                self.told(outage=str(error))
            except BaseException as error:
                self.told(fault=repr(error))
                raise

    def single(self, _turn: int) -> None:
        # Few keys, so that workers repeat what a dead one has begun.
        number = self.random.randrange(300)
        issued = self.service.issue(CALLER, request(number), f"s-{number}")
        self.told(key=f"s-{number}", number=number, id=issued.certificate_id)

    def file(self, _turn: int) -> None:
        number = self.random.randrange(12)
        text = "\n".join(LINES[(number * 7 + row) % len(LINES)] for row in range(8))
        rows = read_rows(text.encode(), "jsonl", known=())
        report = issue_file(self.service, CALLER, rows, TYPE)
        for row in report.rows:
            if row.ok:
                self.told(file=number, row=row.number, id=row.certificate_id)

    def change(self, turn: int) -> None:
        number = f"{self.number}-{turn}"
        one = self.service.issue(CALLER, request(turn), f"c-{number}").certificate_id
        for operation in ("suspend", "resume", "suspend", "revoke"):
            self.service.change_status(CALLER, one, operation)
            self.told(id=one, operation=operation)

    def supersede(self, turn: int) -> None:
        number = f"{self.number}-{turn}"
        former = self.service.issue(CALLER, request(turn), f"f-{number}").certificate_id
        claims = {**request(turn).claims, "domicile": "示例路 2 号"}
        wanted = SupersedeRequest(claims=claims)
        for round_ in range(2):
            made = self.service.supersede(CALLER, former, wanted, f"u-{number}-{round_}")
            self.told(id=made.certificate_id, former=former)
            former = made.certificate_id

    def sweep(self, _turn: int) -> None:
        self.service.sweep(int(clock()) + 10)


def versions() -> dict[str, int]:
    engine = make_engine(URL)  # its own each time: a forked child must not inherit a connection
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT issuer_id, list_no, version FROM status_list")
        found = {f"{row.issuer_id}/{row.list_no}": int(row.version) for row in rows}
    engine.dispose()
    return found


def main() -> None:
    if KILLS == "0":
        Worker(0).run()
        return
    moments = random.Random(SEED)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    seen = versions()
    for number in range(int(KILLS)):
        child = os.fork()
        if child == 0:
            Worker(number).run()
            os._exit(1)
        # Long enough to open the key store at least, and for a few issuances at most.
        signal.sigtimedwait({signal.SIGCHLD}, 0.1 + moments.random() * 0.9)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        signal.sigtimedwait({signal.SIGCHLD}, 0)  # this death must not cut the next life short
        assert os.WIFSIGNALED(status), "the worker ended by itself"
        now = versions()
        assert all(now[name] >= version for name, version in seen.items()), "a list went back"
        seen = now


main()
