"""The three services as real processes that may be killed, started again and lied to."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from servers.processes import free_port, wait_until

from certsvc import bootstrap
from certsvc.cli.calls import Answer, Caller
from certsvc.cli.processes import Supervisor, answers
from certsvc.cli.records import demo_records
from certsvc.cli.run import issuer_url, verifier_url
from certsvc.service.settings import Settings
from drills.world import TYPE

REASONS = {"revoke": "cancelled"}
COMMANDS = {
    "worker": ("certsvc", "worker"),
    "issuer": ("certsvc", "serve"),
    "verifier": ("verifier",),
}


def request_of(number: int) -> dict[str, Any]:
    """A request for a certificate over HTTP."""
    records = demo_records(TYPE)
    return {"type": TYPE, "claims": records[number % len(records)]}


def settings_of(home: Path, **values: Any) -> Settings:
    """Settings of a world on free ports, one process a service, so that counts add up."""
    ports = {f"{name}_port": free_port() for name in COMMANDS}
    return Settings(home=home, verifier_workers=1, **{**ports, **values})


class Services:
    """Issuer, worker and verifier of one world.

    Args:
        settings: of all three.
        extra: further variables of each one, by its name.
    """

    def __init__(
        self, settings: Settings, extra: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.settings = settings
        self.lines: list[str] = []
        self._extra = extra or {}
        self._running: dict[str, Supervisor] = {}

    def initialise(self) -> None:
        """Set the world up."""
        now = int(time.time())  # noqa: TID251 - real processes live in real time
        bootstrap.initialise(self.settings, now=now, report=self.lines.append)

    def start(self, *names: str) -> None:
        """Start some, or all three, and wait until they are ready."""
        for name in names or COMMANDS:
            environment = {**self.settings.to_env(), **self._extra.get(name, {})}
            supervisor = self._running[name] = Supervisor(environment, self.lines.append)
            supervisor.start(name, *COMMANDS[name])
        for name in names or COMMANDS:
            if name in self._urls:
                # Not `readyz` alone: what is late there is told at once by what is asked of it.
                wait_until(lambda url=self._urls[name]: answers(f"{url}readyz"), f"{name}, ready")

    @property
    def _urls(self) -> dict[str, str]:
        return {"issuer": issuer_url(self.settings), "verifier": verifier_url(self.settings)}

    def kill(self, name: str) -> None:
        """SIGKILL."""
        supervisor = self._running.pop(name)
        supervisor.children[0].process.kill()
        supervisor.stop()

    def stop(self) -> None:
        """End all in order."""
        for supervisor in self._running.values():
            supervisor.stop()
        self._running.clear()

    def issuer(self, port: int | None = None) -> "Department":
        """The department's client, perhaps through a relay."""
        credentials = bootstrap.demo_clients(self.settings)[0]
        base = issuer_url(self.settings) if port is None else f"http://127.0.0.1:{port}/"
        return Department(Caller(base, f"{credentials.client_id}:{credentials.secret}"))

    def body(self, number: int) -> dict[str, Any]:
        """A request for a certificate."""
        return request_of(number)

    @property
    def verifier(self) -> "Counter":
        return Counter(Caller(verifier_url(self.settings)))

    def counted(self, name: str, metric: str) -> dict[str, float]:
        """A metric of one service, by its one label."""
        found = {}
        for line in Caller(self._urls[name]).get("metrics").body.decode().splitlines():
            head, _, value = line.rpartition(" ")
            if head.startswith(f"certsvc_{metric}{{"):
                found[head.split('"')[1]] = float(value)
        return found

    def ready(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = Caller(self._urls[name]).get("readyz").json()
        return body


class Department:
    """A department's system, which sends what failed again under the same Idempotency-Key."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.repeated = 0

    def issue(self, number: int, key: str, *, tries: int = 1) -> dict[str, Any]:
        body = request_of(number)
        answer = self._insist("v1/certificates", body, key, tries)
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def change(self, certificate: str, operation: str, *, tries: int = 1) -> dict[str, Any]:
        path, key = f"v1/certificates/{certificate}/{operation}", f"{operation}-{certificate}"
        answer = self._insist(path, {"reason": REASONS[operation]}, key, tries)
        assert answer.status == 200, answer.body
        view: dict[str, Any] = answer.json()
        return view

    def send(self, path: str, body: Any, key: str) -> Answer:
        return self._caller.post(path, body, idempotency_key=key)

    def _insist(self, path: str, body: Any, key: str, tries: int) -> Answer:
        for left in reversed(range(tries)):
            with suppress(*([OSError, EOFError] if left else [])):
                answer = self._try(path, body, key)
                if answer.status not in {409, 503} or not left:
                    return answer
            self.repeated += 1
            # What is down comes back in its time; a real client waits as long as it is told.
            time.sleep(0.05)
        raise AssertionError("unreachable")

    def _try(self, path: str, body: Any, key: str) -> Answer:
        import http.client

        try:
            return self.send(path, body, key)
        except http.client.HTTPException as error:
            raise EOFError("half an answer") from error


class Counter:
    """A counter where certificates are shown."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def verdict(self, token: str) -> dict[str, Any]:
        answer = self._caller.post("v1/verifications", {"items": [{"text": token}]})
        assert answer.status == 200, answer.body
        verdict: dict[str, Any] = answer.json()["verifications"][0]["verdict"]
        return verdict

    def nonce(self) -> Answer:
        return self._caller.post("v1/nonces", {"audience": "https://counter.example/"})
