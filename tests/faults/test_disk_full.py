"""A full disk under the database, the key store, the whole home (R10): 503, and on by itself.

Journal, published tree and backups on a full disk: tests/restoring/test_disk_full.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from drills.invariants import Reader, hold, rows, sound
from drills.world import MARKET, NOW, TYPE, build, key_store, life

from certsvc import bootstrap
from certsvc.app import create_app
from certsvc.cli.records import demo_records
from certsvc.service.settings import Settings
from keys import State
from keys.errors import KeysError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mount(tmp_path):
    """Function from a name and a size to a file system of its own; skipped where not allowed."""
    mounted = []

    def make(name, kib):
        folder = tmp_path / name
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0700", "tmpfs", str(folder)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a small file system cannot be mounted here")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Leave no room; returns the file to remove."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


class Issuer:
    """The issuer over HTTP, with everything that it has acknowledged."""

    def __init__(self, settings):
        self.settings = settings
        self.now = NOW + 100.0
        self.states = {}
        bootstrap.initialise(settings, now=NOW, report=lambda _line: None)
        self.settle()
        self._client = create_app(settings, clock=lambda: self.now).test_client()
        known = bootstrap.demo_clients(settings)[0]
        self._auth = (known.client_id, known.secret)

    def issue(self, number):
        answer = self._client.post(
            "/v1/certificates",
            json={"type": TYPE, "claims": demo_records(TYPE)[number % 6]},
            headers={"Idempotency-Key": f"key-{number}"},
            auth=self._auth,
        )
        if answer.status_code == 201:
            self.states[answer.get_json()["id"]] = "valid"
        return answer

    def get(self, path):
        return self._client.get(path, auth=self._auth)

    def settle(self):
        """The worker does what is left."""
        self.now += 60
        with self.life() as one:
            one.settle()

    def life(self):
        return life(self.settings, self.now, keys=bootstrap.open_keys(self.settings))


@pytest.mark.parametrize("kind", ["database", "home"])
def test_over_http_it_says_so_and_goes_on(mount, tmp_path, kind):
    """The issuer's answers while SQLite, or everything, has no room left."""
    small = mount("small", 4096)
    home = small if kind == "home" else tmp_path / "home"
    url = f"sqlite:///{small}/certsvc.db"
    settings = Settings(home=home, database_url=url, disk_reserve_mb=1, log_wait_ms=0)
    issuer = Issuer(settings)
    first = issuer.issue(0).get_json()["id"]
    assert issuer.get("/readyz").status_code == 200
    filler = fill(small)
    answers = (issuer.issue(number) for number in range(1, 200))
    refused = next(answer for answer in answers if answer.status_code != 201)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "database_unavailable")
    assert refused.headers["Retry-After"]
    assert {"check": "disk", "reason": "disk_low"} in issuer.get("/readyz").get_json()["reasons"]
    # It lives, and what was issued before can still be read.
    assert issuer.get("/healthz").status_code == 200
    assert issuer.get(f"/v1/certificates/{first}").get_json()["state"] == "valid"

    filler.unlink()
    number = len(issuer.states)
    if issuer.issue(number).status_code == 409:
        # A plan from before the disk was full; the sweeper finishes it.
        issuer.settle()
    assert issuer.issue(number).status_code == 201
    assert issuer.get("/readyz").status_code == 200
    issuer.settle()
    with issuer.life() as one:
        assert rows(one, "PRAGMA integrity_check") == [("ok",)]
        hold(one, Reader(settings), issuer.states)
        sound(one)


def test_a_key_that_does_not_fit_is_not_half_there(mount, tmp_path):
    """The key store's disk is full while a key is made: what was there stays, and signs."""
    small = mount("keys", 1536)
    settings = Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path}/certsvc.db")
    build(settings)
    keys = key_store(settings)
    before = list(keys.list(MARKET))
    filler = fill(small)
    with pytest.raises(KeysError) as caught:
        keys.generate(issuer_id=MARKET, alg="ES256", purpose="certificate", now=NOW)
    assert caught.value.code == "store_unavailable"
    active = keys.active(MARKET, "certificate").kid
    with pytest.raises(KeysError):
        keys.set_state(MARKET, active, State.RETIRED, now=NOW)
    # Another process reads the same: nothing half-written is taken for a key.
    assert list(key_store(settings).list(MARKET)) == before
    with life(settings, NOW + 60) as one:
        assert one.service().issue(one.caller, one.request(0), "key").state == "valid"
        one.settle()
        sound(one)
    filler.unlink()
    made = keys.generate(issuer_id=MARKET, alg="ES256", purpose="certificate", now=NOW)
    assert made.kid in {key.kid for key in key_store(settings).list(MARKET)}


@pytest.mark.parametrize("command", [["init"], ["backup", "one.backup"]])
def test_a_command_says_it_in_a_line(mount, tmp_path, command):
    small = mount("small", 1536)
    settings = Settings(home=small / "var")
    if command != ["init"]:
        bootstrap.initialise(settings, now=NOW, report=lambda _line: None)
    fill(small)
    done = subprocess.run(
        [sys.executable, "-m", "certsvc", *command],
        env={**os.environ, **settings.to_env(), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"},
        cwd=small,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "错误 / error: 磁盘已满 / disk full"
