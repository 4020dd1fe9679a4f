"""What a compromise drill is played with: a world to throw away, a thief, and onlookers."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certsvc import bootstrap
from certsvc.authority.world import open_authority
from certsvc.cli.demo import demo_settings
from certsvc.cli.records import demo_records
from certsvc.cli.stage import Stage, UnexpectedError, expect
from certsvc.home import at_work
from certsvc.service.settings import Settings
from certsvc_sdk import Verifier, jws
from certsvc_sdk.strict import b64u_decode, b64u_encode, dumps
from certsvc_sdk.verdict import Verdict
from keys import Signer, open_store

LICENCE = "business-licence"
AN_HOUR = 3600
#: Seconds until the worker has to have published what was issued.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of the drill; forged ones have no proof that they stand in the log."""

    text: str
    proof: str | None = None
    index: int | None = None


@dataclass
class Scene:
    """The running world of one drill.

    Attributes:
        stage: the services and who calls them.
        certificates: by the name of their row.
    """

    stage: Stage
    certificates: dict[str, Certificate] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The world's settings."""
        return self.stage.settings

    @property
    def office(self) -> str:
        """Whose key is stolen."""
        return next(each.issuer_id for each in bootstrap.departments() if each.type == LICENCE)

    def authority(self) -> Any:  # noqa: ANN401 - a context manager of `Authority`
        """The installation in the operator's hand, while its services run."""
        return open_authority(self.settings, clock_ns=time.time_ns, rng=secrets.token_bytes)

    def issue(self, row: str, number: int) -> Certificate:
        """Issue over HTTP, and wait until the log shows it."""
        answer = self.stage.department(LICENCE).post(
            "v1/certificates",
            {"type": LICENCE, "claims": demo_records(LICENCE)[number]},
            idempotency_key=self.stage.key(row),
        )
        expect("HTTP", answer.status, 201)
        issued = answer.json()
        until = time.monotonic() + PATIENCE
        while not (issued["log"] or {}).get("proof"):
            if time.monotonic() > until:
                raise UnexpectedError("日志未公布 / the log did not show the certificate")
            time.sleep(0.1)
            issued = self.stage.department(LICENCE).get(f"v1/certificates/{issued['id']}").json()
        made = Certificate(issued["token"], issued["log"]["proof"], issued["log"]["index"])
        self.certificates[row] = made
        return made

    def steal(self, purpose: str) -> Signer:
        """What a thief has who copied the key folder and read the passphrase (threat T51).

        Custody's word on a key reaches its own folder only; a copy goes on signing.
        """
        folder = self.settings.home / "thief"
        shutil.copytree(self.settings.home / "keys", folder)
        store = open_store(f"file:{folder}", passphrase=self.settings.keys_passphrase())
        owner = "log" if purpose == "log" else self.office
        return store.active(owner, purpose)

    def forge(self, row: str, thief: Signer, *, iat: int) -> None:
        """A certificate that nobody registered, signed by the stolen key."""
        honest = next(iter(self.certificates.values())).text
        payload = json.loads(b64u_decode(honest.split("~")[0].split(".")[1]))
        payload |= {"iat": iat, "name": "伪造有限公司"}
        payload["certificate_identifier"] += "-"
        header = {"alg": thief.alg, "typ": "dc+sd-jwt", "kid": thief.kid}
        draft = ".".join(b64u_encode(dumps(part)) for part in (header, payload)).encode()
        token = jws.attach(draft, thief.sign(draft))
        disclosed = honest.split("~", 1)[1]
        self.certificates[row] = Certificate(f"{token}~{disclosed}")

    def onlooker(self, name: str, *, later: int = 0, offline: bool = False) -> Verifier:
        """A verifier with a cache of its own; `later` seconds from now."""
        return self.stage.new_sdk(f"cache-{name}", offline=offline, later=later)

    def said(self, who: Verifier, row: str, *, proven: bool = True) -> Verdict:
        """What somebody answers about a certificate that came with its proof, or without."""
        certificate = self.certificates[row]
        return who.check(certificate.text, log_proof=certificate.proof if proven else None)


def throw_away(home: Path, like: Path | None) -> Settings:
    """Settings of a world to break: a new one, or a copy of a demo's that stands still.

    Raises:
        HomeInUse: services run on what shall be copied.
        UnexpectedError: it is no demo world.
    """
    if like is not None:
        with at_work(like, alone=True, wait=False):
            shutil.copytree(like, home, dirs_exist_ok=True)
    settings = demo_settings(home)
    if like is not None and not bootstrap.is_initialised(settings):
        raise UnexpectedError(f"{like}: 不是演示数据目录 / is no demo's data folder")
    bootstrap.initialise(settings, now=int(time.time()), report=lambda _line: None)
    return settings
