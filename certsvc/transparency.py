"""The transparency log as the issuer service offers it: wired once at the edge."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint
from sqlalchemy.engine import Engine

from certsvc.api.log import LookUps, log_blueprint
from certsvc.api.log_answers import LogAnswers
from certsvc.publishing.errors import CosignatureRefused
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.log_signing import log_origin
from certsvc.publishing.log_witnesses import Witnesses, read_witnesses
from certsvc.publishing.tree import PublishedTree
from certsvc.service.limits import Limiter
from certsvc.service.settings import Settings, SettingsInvalid, variable
from keys import KeyStore


@dataclass(frozen=True, slots=True)
class Transparency:
    """Reads the log, finds places for answers, and has the routes below the log's address."""

    reader: LogReader
    answers: LogAnswers
    blueprint: Blueprint


def open_log(
    settings: Settings,
    engine: Engine,
    keys: KeyStore,
    limiter: Limiter,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
) -> Transparency:
    """The log of the settings.

    Args:
        settings: of the issuer.
        engine: the issuer's database.
        keys: the key store.
        limiter: counts look-ups by address.
        clock: Unix seconds.
        monotonic: clock in seconds that never goes back.

    Raises:
        SettingsInvalid: a witness's key cannot be read.
    """
    tree, origin = PublishedTree(settings.published), log_origin(settings.public_url)
    try:
        trusted = read_witnesses(settings.log_witnesses)
    except CosignatureRefused as error:
        raise SettingsInvalid(f"{variable('log_witnesses')}: {error}") from error
    reader = LogReader(tree, keys, origin=origin, witnesses=trusted)
    witnesses = Witnesses(tree, keys, origin=origin, witnesses=trusted)
    wait = settings.log_wait_ms / 1000
    return Transparency(
        reader,
        LogAnswers(engine, reader, wait=wait, monotonic=monotonic, clock=clock),
        log_blueprint(tree, LookUps(engine, reader, limiter, clock=clock), witnesses, limiter),
    )
