"""What the chapters of the demo share: the running services, and how a step goes wrong."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from certsvc import bootstrap
from certsvc.cli.calls import Answer, Caller
from certsvc.cli.run import issuer_url, verifier_url
from certsvc.service.settings import Settings
from certsvc_sdk import Verifier


class UnexpectedError(Exception):
    """A step did something else than it should; the message says what."""


def expect(what: str, found: object, wanted: object) -> None:
    """Fail the chapter unless `found` is `wanted`."""
    if found != wanted:
        raise UnexpectedError(f"{what}: {found!r}, 应为 / expected {wanted!r}")


@dataclass
class Stage:
    """What the chapters share: the running services and what was issued so far."""

    settings: Settings
    issued: dict[str, dict[str, Any]] = field(default_factory=dict)
    qr_png: bytes = b""
    sdk: Verifier | None = None
    # A kept world hears the story again: its certificates are not those of the first time.
    telling: str = field(default_factory=lambda: secrets.token_hex(4))

    def key(self, name: str) -> str:
        """An Idempotency-Key of this telling."""
        return f"story-{self.telling}-{name}"

    @property
    def verifier(self) -> Caller:
        """The verifier service."""
        return Caller(verifier_url(self.settings))

    def department(self, type_name: str) -> Caller:
        """The demo department that issues this type, with its credentials."""
        for client in bootstrap.demo_clients(self.settings):
            if client.types == type_name:
                return Caller(issuer_url(self.settings), f"{client.client_id}:{client.secret}")
        raise UnexpectedError(f"no demo department issues {type_name}")

    def ask(self, text: str, policy: dict[str, Any] | None = None) -> dict[str, Any]:
        """The verifier service's verdict on one text."""
        body = {"items": [{"text": text}], **({"policy": policy} if policy else {})}
        return only_verdict(self.verifier.post("v1/verifications", body))

    def new_sdk(self, cache: str, *, offline: bool = False, later: int = 0) -> Verifier:
        """A department's own verifier: the SDK with the pinned root and its own cache.

        `later` seconds from now, so that data can have an age without anybody waiting for it.
        """
        return Verifier.from_root(
            self.settings.trust_root,
            url=issuer_url(self.settings),
            cache_dir=self.settings.home / cache,
            offline=offline,
            clock=lambda: time.time() + later,
        )


def only_verdict(answer: Answer) -> dict[str, Any]:
    """The single verdict of a verification answer."""
    expect("HTTP", answer.status, 200)
    entries = answer.json()["verifications"]
    expect("verdicts", len(entries), 1)
    verdict: dict[str, Any] = entries[0]["verdict"]
    return verdict
