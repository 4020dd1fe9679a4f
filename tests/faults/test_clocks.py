"""Clocks of real processes set by minutes and years (R13, T25, T26, T53), with libfaketime.

Never VALID where it should be INVALID, whichever clock is wrong; what is issued and published is
right again when the clock is.
"""

import base64
import json
import os
import time
from pathlib import Path

import pytest
from servers.processes import wait_until

MINUTES, DAY = 600, 86_400
STEPS = {"+10m": MINUTES, "-10m": -MINUTES, "-2y": -730 * DAY, "+400d": 400 * DAY}
NAMES = ("issuer", "worker", "verifier")
LIBRARY = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clocks:
    """A file for each process with how far its clock is off; read anew at every look."""

    def __init__(self, folder):
        self._folder = folder
        for name in NAMES:
            self.set(name, 0)

    def set(self, name, seconds):
        draft = self._folder / f"{name}.new"
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self._folder / name)

    def environment(self):
        return {
            name: {
                "LD_PRELOAD": str(LIBRARY[0]),
                "FAKETIME_TIMESTAMP_FILE": str(self._folder / name),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            for name in NAMES
        }


@pytest.fixture(scope="module")
def clocks(tmp_path_factory):
    if not LIBRARY:
        reason = "libfaketime is not installed: python tests/system_packages.py"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Clocks(tmp_path_factory.mktemp("clocks"))


@pytest.fixture(scope="module")
def services(new_services, clocks):
    return new_services(clocks.environment(), log_wait_ms=0)


@pytest.fixture(scope="module")
def certificates(services):
    """One in force and one that is revoked, both as the verifier sees them by a right clock."""
    valid, revoked = (services.issuer().issue(n, f"first-{n}") for n in range(2))
    services.issuer().change(revoked["id"], "revoke")
    await_verdict(services, revoked, "INVALID")
    await_verdict(services, valid, "VALID")
    return valid, revoked


def await_verdict(services, made, outcome):
    wait_until(lambda: services.verifier.verdict(made["token"])["outcome"] == outcome, outcome)


def issue_time(token):
    payload = token.split("~")[0].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iat"]


@pytest.mark.parametrize("step", ["-10m", "-2y", "+400d"])
def test_a_verifier_s_clock(services, clocks, certificates, step):
    valid, revoked = certificates
    clocks.set("verifier", STEPS[step])
    try:
        for _ in range(5):
            assert services.verifier.verdict(revoked["token"])["outcome"] != "VALID"
            assert services.verifier.verdict(valid["token"])["outcome"] == "UNKNOWN"
        if STEPS[step] < 0:
            reasons = services.ready("verifier")["reasons"]
            assert {"check": "clock", "reason": "clock_untrusted"} in reasons
    finally:
        clocks.set("verifier", 0)
    await_verdict(services, valid, "VALID")
    assert services.verifier.verdict(revoked["token"])["outcome"] == "INVALID"


@pytest.mark.parametrize("step", STEPS)
def test_an_issuer_s_clock(services, clocks, certificates, step):
    """Nobody but its own clock tells an issuer the time: verifiers do not believe its future."""
    _, revoked = certificates
    number = time.monotonic_ns()
    clocks.set("issuer", STEPS[step])
    try:
        answer = services.issuer().send("v1/certificates", services.body(0), f"off-{number}")
        if answer.status == 201:
            token = answer.json()["token"]
            assert abs(issue_time(token) - time.time() - STEPS[step]) < 60  # noqa: TID251 - a check
            if STEPS[step] > 0:
                assert services.verifier.verdict(token)["outcome"] != "VALID"
        if STEPS[step] < 0:
            reasons = services.ready("issuer")["reasons"]
            assert {"check": "clock", "reason": "clock_untrusted"} in reasons
        assert services.verifier.verdict(revoked["token"])["outcome"] == "INVALID"
    finally:
        clocks.set("issuer", 0)
    made = services.issuer().issue(1, f"right-{number}")
    assert abs(issue_time(made["token"]) - time.time()) < 60  # noqa: TID251 - what is checked
    await_verdict(services, made, "VALID")


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_s_clock(services, clocks, certificates, step):
    """What it signs by a wrong clock makes nobody valid, and is over when the clock is right."""
    _, revoked = certificates
    number = time.monotonic_ns()
    lost, kept = (services.issuer().issue(n, f"{number}-{n}") for n in range(2))
    clocks.set("worker", STEPS[step])
    try:
        services.issuer().change(lost["id"], "revoke")
        for _ in range(5):
            assert services.verifier.verdict(revoked["token"])["outcome"] != "VALID"
    finally:
        clocks.set("worker", 0)
    await_verdict(services, lost, "INVALID")
    await_verdict(services, kept, "VALID")


def test_a_verifier_whose_clock_was_ahead(services, clocks, certificates):
    """What only its own clock said is forgotten as soon as it looks by a right one."""
    valid, revoked = certificates
    clocks.set("verifier", STEPS["+10m"])
    try:
        for _ in range(5):
            assert services.verifier.verdict(revoked["token"])["outcome"] != "VALID"
            assert services.verifier.verdict(valid["token"])["outcome"] != "INVALID"
    finally:
        clocks.set("verifier", 0)
    assert services.verifier.verdict(revoked["token"])["outcome"] == "INVALID"
    await_verdict(services, valid, "VALID")
    services.kill("verifier")
    services.start("verifier")
    await_verdict(services, revoked, "INVALID")
    await_verdict(services, valid, "VALID")
