"""Several processes on one database, and one of them killed (R07, R08)."""

import os
import subprocess
import sys
from pathlib import Path

from certsvc.service.engine import reading
from certsvc.storage.audit import Audit
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh

MARKET = "119999000000000198"
ROOT = Path(__file__).parents[2]

WORKER = """
import itertools, json, sys
from types import SimpleNamespace
import keys
from certsvc.catalogue import Catalogue
from certsvc.issuing.errors import RequestInProgress
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.service.engine import make_engine
from certsvc.service.principal import client

url, store, samples, now, rounds, prefix = sys.argv[1:]
service = IssuingService(
    engine=make_engine(url),
    keys=keys.open_store(f"file:{store}", passphrase=b"test only", scrypt_n=2**14),
    catalogue=Catalogue.builtin(),
    settings=SimpleNamespace(
        public_url="https://certs.example/",
        status_list_size=131_072,
        second_person_types=frozenset(),
    ),
    clock=lambda: float(now),
)
caller = client("119999000000000198", "c-198", scopes={"issue"})
lines = open(samples, encoding="utf-8").read().splitlines()
for number in range(int(rounds)):
    claims = json.loads(lines[number % len(lines)])
    request = IssueRequest(type="business-licence", claims=claims)
    try:
        issued = service.issue(caller, request, f"{prefix}{number}")
    except RequestInProgress:
        print("in progress", flush=True)
    else:
        print(number, issued.certificate_identifier, flush=True)
"""


def start(world, samples, *, rounds: int, prefix: str) -> subprocess.Popen:
    arguments = (
        world.url,
        str(world.folder / "keys"),
        str(samples / "business-licences.jsonl"),
        str(world.clock.now),
        str(rounds),
        prefix,
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_three_processes_with_the_same_keys_issue_each_once(world, samples):
    workers = [start(world, samples, rounds=12, prefix="key-") for _ in range(3)]
    lines = []
    for worker in workers:
        out, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        lines += out.split("\n")
    issued = {line for line in lines if line and line != "in progress"}
    assert len({line.split()[0] for line in issued}) == 12
    assert len(issued) == 12
    assert world.rows("SELECT count(*) FROM certificate") == [(12,)]
    assert world.rows("SELECT sum(used) FROM status_list") == [(12,)]
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None


def test_what_was_answered_before_a_kill_is_there_after_it(world, samples, licence):
    worker = start(world, samples, rounds=100_000, prefix="key-")
    assert worker.stdout is not None
    acknowledged = [worker.stdout.readline().split() for _ in range(25)]
    worker.kill()
    rest = worker.stdout.read().split("\n")
    worker.stdout.close()
    worker.wait(timeout=60)
    acknowledged += [line.split() for line in rest if line.count(".") == 9]

    world.service.sweep(world.clock.now + 10)
    assert world.rows("SELECT count(*) FROM certificate WHERE state <> 'valid'") == [(0,)]
    for number, identifier in acknowledged:
        again = world.service.issue(world.caller(), licence(int(number)), f"key-{number}")
        assert again.replayed
        assert again.certificate_identifier == identifier
        verdict = check_fresh(again.token, world.records[MARKET], world.clock.now)
        assert verdict.outcome is Outcome.VALID
    places = world.rows("SELECT count(*), count(DISTINCT list_index) FROM certificate")[0]
    assert places[0] == places[1] >= len(acknowledged)
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None
