"""Typed codes: whom this service asks for them, and how often somebody may ask in vain."""

import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

from flask import has_request_context, request

from certsvc.service.limits import Budget, RateLimiter
from certsvc.service.settings import Settings, SettingsInvalid, variable
from certsvc.service.shared.connection import Shared
from certsvc.service.shared.limiter import SharedLimiter
from certsvc_sdk.errors import CertsvcError, CodeUnavailable, CodeUnknown
from certsvc_sdk.resolver import HttpResolver, Resolver, Resolvers

#: Codes that nobody has, of one address: 20 at once, then three a minute. The issuers bound what
#: this service asks in vain; no stranger at its page may use that up.
MISSES_PER_SECOND = 0.05
SAVED_SECONDS = 400


class LimitedResolver:
    """A resolver that each address may ask in vain a few times only.

    Args:
        resolver: looks codes up.
        misses: counts; every look-up is taken for a miss until it turns out to be none.
        address: who asks now.
    """

    def __init__(self, resolver: Resolver, misses: Budget, address: Callable[[], str]) -> None:
        self._resolver = resolver
        self._misses = misses
        self._address = address

    def resolve(self, code: str) -> str:
        """Return the token that a code stands for.

        Raises:
            CodeUnknown: every resolver answered, and none knows it.
            CodeUnavailable: they cannot be asked, or not for this address.
        """
        address = self._address()
        if self._misses.wait(address):
            raise CodeUnavailable("too many unknown codes from this address")
        try:
            token = self._resolver.resolve(code)
        except CodeUnknown:
            raise
        except BaseException:
            self._misses.give_back(address)
            raise
        self._misses.give_back(address)
        return token


def open_resolver(settings: Settings, shared: Shared | None) -> Resolver | None:
    """Whom the settings say to ask; None: nobody, and typed codes are `code_unavailable`.

    Raises:
        SettingsInvalid: the file of clients is open to others, or has another number of lines.
        OSError: the folder for what is counted cannot be written.
    """
    clients = None if settings.resolvers == "none" else _clients(settings)
    if clients is None:
        return None
    bases, name = settings.resolvers.split(","), variable("resolver_clients")
    if len(clients) != len(bases):
        raise SettingsInvalid(f"{name}: a line client_id:secret for each resolver is needed")
    try:
        each = [
            HttpResolver(base, client_id=client_id, secret=secret)
            for base, (client_id, _, secret) in zip(bases, clients, strict=True)
        ]
    except CertsvcError as error:
        raise SettingsInvalid(f"{variable('resolvers')}: {error}") from error
    return LimitedResolver(Resolvers(each), _misses(settings, shared), client_address)


def code_rates_file(settings: Settings) -> Path:
    """Where the workers count each address's misses together."""
    return settings.verifier_cache / "code-rates"


def client_address() -> str:
    """The address that the present request came from."""
    return (request.remote_addr or "") if has_request_context() else ""


def _misses(settings: Settings, shared: Shared | None) -> Budget:
    local = RateLimiter(
        MISSES_PER_SECOND,
        monotonic=time.monotonic,
        burst_seconds=SAVED_SECONDS,
        shared=code_rates_file(settings),
    )
    if shared is None:
        return local
    return SharedLimiter(
        shared,
        MISSES_PER_SECOND,
        local=local,
        kind="verifier-codes",
        burst_seconds=SAVED_SECONDS,
    )


def _clients(settings: Settings) -> list[tuple[str, str, str]] | None:
    path, name = settings.resolver_clients, variable("resolver_clients")
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{name}: the file cannot be read") from error
    if stat.S_IMODE(mode) & 0o077:
        raise SettingsInvalid(f"{name}: the file must have mode 0600")
    if not all(re.fullmatch("[^:]+:[^:]+", line) for line in lines):
        raise SettingsInvalid(f"{name}: a line is client_id:secret")
    return [line.partition(":") for line in lines]
