"""The signer process killed and held still under load, and what never leaves it (R12, T51).

The three services ask a signer on a socket; they hold neither keys nor passphrase.
CERTSVC_FAULTS=large keeps the signer away for ten minutes.
"""

import re
import secrets
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from drills.services import COMMANDS, Services, request_of, settings_of
from servers.signer import SignerProcess

from certsvc.cli.calls import Caller
from certsvc.cli.run import issuer_url
from certsvc.custody import open_keys
from keys import record
from keys.algorithms import algorithm, b64u
from keys.unlock import unlock

LOAD = 3
KEPT_SECONDS = 61


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Services and their signer; the services know its socket only."""
    settings = settings_of(tmp_path_factory.mktemp("signer") / "var", log_wait_ms=0)
    address = {"CERTSVC_KEYS_URL": f"signer:{settings.signer_socket}"}
    # No file of that name: whoever tried to read the passphrase would end.
    address["CERTSVC_KEYS_PASSPHRASE_FILE"] = str(settings.home / "none")
    services = Services(settings, dict.fromkeys(COMMANDS, address))
    services.initialise()
    signer = SignerProcess(settings, services.lines.append)
    try:
        signer.start()
        services.start()
        yield services, signer
    finally:
        services.stop()
        signer.end()


class Load:
    """Departments that issue without pause, and send again what was not answered."""

    def __init__(self, services, *, prefix):
        self._services = services
        self._prefix = prefix
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(LOAD)]
        self.issued = {}
        self.refused = []
        self.open = set()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, thread):
        number = 0
        while not self._stop.is_set():
            key = f"{self._prefix}-{thread}-{number}"
            if not self.send(key, number):
                self._stop.wait(0.2)
            number += 1

    def send(self, key, number):
        """One request; whether it is answered with a certificate."""
        answer = self._services.issuer().send("v1/certificates", request_of(number), key)
        if answer.status == 201:
            self.issued[key] = answer.json()
            return True
        self.open.add((key, number))
        self.refused.append((answer.status, answer.json()["code"], answer.headers))
        return False


def codes(load):
    return {(status, code) for status, code, _ in load.refused}


def away(services, load, wait_until, large):
    """The signer is away until this returns; some requests are refused meanwhile."""
    before = len(load.refused)
    wait_until(lambda: len(load.refused) >= before + 8, "refusals")
    if large:
        threading.Event().wait(600)
    ready = services.ready("issuer")
    assert {"check": "keys", "reason": "store_unavailable"} in ready["reasons"]


def back(load, wait_until):
    before = len(load.issued)
    wait_until(lambda: len(load.issued) >= before + 10, "certificates")


def test_nothing_wrong_and_nothing_lost_without_the_signer(world, wait_until, large):
    services, signer = world
    with Load(services, prefix=secrets.token_hex(4)) as load:
        back(load, wait_until)
        signer.kill()
        away(services, load, wait_until, large)
        signer.start()
        back(load, wait_until)
        signer.pause()
        away(services, load, wait_until, large)
        signer.resume()
        back(load, wait_until)
    # One stable code, and a word on when to come back.
    assert codes(load) == {(503, "signing_unavailable")}
    assert all(int(headers["retry-after"]) > 0 for _, _, headers in load.refused)
    if not large:
        # The worker sweeps each 20 s, and when it starts.
        services._running.pop("worker").stop()
        services.start("worker")
    # Every request is sent again with its key; what has a plan is finished by the sweeper.
    for key, number in load.open - {
        (key, number) for key, number in load.open if key in load.issued
    }:
        wait_until(
            lambda key=key, number=number: load.send(key, number),
            "what waited, issued",
            seconds=2 * KEPT_SECONDS,
        )
    assert codes(load) <= {(503, "signing_unavailable"), (409, "request_in_progress")}
    ids = [one["id"] for one in load.issued.values()]
    assert len(set(ids)) == len(ids)
    verdicts = [services.verifier.verdict(one["token"]) for one in load.issued.values()]
    assert {verdict["outcome"] for verdict in verdicts} == {"VALID"}


def needles(settings):
    """Every secret of the key store in each form that it could lie in, and what it is."""
    found = {}
    passphrase = settings.keys_passphrase()
    found["passphrase"] = [passphrase]
    root = settings.home / "keys"
    envelope = unlock(root, passphrase=passphrase, scrypt_n=2, rng=secrets.token_bytes)
    found["key-encryption key"] = [envelope.seal_key]
    for path in sorted((root / "issuers").glob("*/*.json")):
        info, sealed = record.read_key(
            path.read_bytes(), envelope, issuer_id=path.parent.name, kid=path.stem
        )
        plain = envelope.open(sealed, aad=record.aad_of(info))
        secret = secret_half(info.alg, record.open_private(info, sealed, envelope), plain)
        found[f"private key {info.kid}"] = [
            plain,
            secret,
            secret[::-1],  # as big numbers lie in memory
            b64u(secret).encode(),
        ]
    return found


def secret_half(alg, private, plain):
    """What makes the private key, without the form around it."""
    if hasattr(private, "private_numbers"):
        return private.private_numbers().private_value.to_bytes(32, "big")
    if hasattr(private, "private_bytes_raw"):
        return private.private_bytes_raw()
    assert algorithm(alg)
    return plain


def memory_of(pid):
    """The readable memory of a process, region by region."""
    regions = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for region in regions:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r(.).. \S+ \S+ \d+\s*(.*)", region)
            if match is None or match[4].startswith("[v"):
                continue
            start, end = int(match[1], 16), int(match[2], 16)
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except OSError:
                continue  # a guard page


def seen(parts, wanted):
    """Which secrets lie in some bytes."""
    found = set()
    for part in parts:
        for name, forms in wanted.items():
            if name not in found and any(form in part for form in forms):
                found.add(name)
    return found


def processes_of(pid):
    """A process and everything that it has started."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in below for each in processes_of(int(child)))]


@pytest.fixture
def readable(world):
    """Root may read the signer's memory; a look that could not find anything proves nothing."""
    _, signer = world
    try:
        next(memory_of(signer.pid))
    except PermissionError:
        pytest.skip("reading other processes' memory needs root")


@pytest.mark.usefixtures("readable")
def test_no_secret_lies_in_the_services_memory(world):
    services, signer = world
    department = services.issuer()
    for number in range(20):
        department.issue(number, f"memory-{number}")
    wanted = needles(services.settings)
    kids = [info.kid for info in open_keys(services.settings).list()]
    assert {name.split()[-1] for name in wanted} >= set(kids)
    for name in ("issuer", "worker"):
        for pid in processes_of(services._running[name].children[0].process.pid):
            parts = list(memory_of(pid))
            assert sum(map(len, parts)) > 10_000_000
            assert seen(parts, wanted) == set(), f"{name}, process {pid}"
            # And neither do they carry them in their environment.
            assert seen([Path(f"/proc/{pid}/environ").read_bytes()], wanted) == set()
    # The same look finds what is there: the process that signs holds the keys that have signed.
    held = seen(memory_of(signer.pid), wanted)
    assert any(name.startswith("private key") for name in held)


def test_no_secret_lies_in_files_or_logs(world, tmp_path):
    """Database, journal, published tree, caches, a backup, logs: everything but the store (T51)."""
    from click.testing import CliRunner

    from certsvc.cli import cli

    services, _ = world
    settings = services.settings
    services.issuer().issue(0, "files-0")
    wanted = needles(settings)
    archive = tmp_path / "backup.tar"
    done = CliRunner(env=settings.to_env()).invoke(cli, ["backup", str(archive)])
    assert done.exit_code == 0, done.output
    looked = 0
    for path in [*settings.home.rglob("*"), *tmp_path.rglob("*")]:
        if path.is_file() and path != settings.keys_passphrase_file:
            assert seen([path.read_bytes()], wanted) == set(), path
            looked += 1
    assert looked > 20
    with closing(sqlite3.connect(settings.home / "certsvc.db")) as database:
        dump = "\n".join(database.iterdump()).encode()
    assert seen([dump, "\n".join(services.lines).encode()], wanted) == set()


def test_the_signer_s_memory_is_closed_to_its_own_user(world):
    """Another process of the same user may not read it: a stolen web worker is no key thief."""
    _, signer = world
    status = Path(f"/proc/{signer.pid}/status").read_text()
    uid = int(re.search(r"^Uid:\s+(\d+)", status, re.M)[1])
    assert Path(f"/proc/{signer.pid}/mem").stat().st_uid == 0
    limits = Path(f"/proc/{signer.pid}/limits").read_text()
    assert re.search(r"^Max core file size\s+0\s+0\s", limits, re.M)
    assert uid == signer_uid(signer)


def signer_uid(signer):
    return Path(f"/proc/{signer.pid}").stat().st_uid


def test_the_services_say_who_is_missing_and_go_on(world, wait_until):
    """Stopped in order and started anew; readers notice nothing."""
    services, signer = world
    made = services.issuer().issue(0, "restart-0")
    signer.end()
    assert not services.settings.signer_socket.exists()
    assert services.verifier.verdict(made["token"])["outcome"] == "VALID"
    assert Caller(issuer_url(services.settings)).get("healthz").status == 200
    assert Caller(issuer_url(services.settings)).get("readyz").status == 503
    signer.start()
    wait_until(
        lambda: Caller(issuer_url(services.settings)).get("readyz").status == 200, "ready again"
    )
    assert services.issuer().issue(1, "restart-1", tries=100)["id"] != made["id"]
    assert any('"signer ended"' in line for line in services.lines)
    assert any("signed: " in line for line in services.lines)
