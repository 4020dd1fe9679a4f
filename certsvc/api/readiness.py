"""What the issuer service needs before it can issue: database, keys, a published status list."""

from collections.abc import Callable

from sqlalchemy.engine import Engine

from certsvc.api.log_answers import merge_stands_still
from certsvc.publishing.expiring import expiring
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.roles import RoleFiles
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.service.health import ReadyCheck
from certsvc.storage import database
from certsvc.storage.issuers import Issuers
from certsvc.storage.status_lists import StatusLists
from keys import KeyStore, State

PURPOSE = "certificate"
NO_ISSUER = "issuer_not_registered"
NO_KEY = "no_active_key"
NO_LIST = "status_list_unpublished"
MERGE_STILL = "log_not_merged"
TRUST_EXPIRES = "trust_expires"
# Officers need weeks to meet; reading every role each second would help nobody.
TRUST_LOOK_SECONDS = 600


def readiness(
    engine: Engine, keys: KeyStore, log: LogReader, *, clock: Callable[[], float]
) -> list[ReadyCheck]:
    """The checks of `/readyz`, in the order in which a set-up fulfils them.

    Args:
        engine: the issuer's database.
        keys: the key store.
        log: reads the published log.
        clock: Unix seconds.
    """
    return [
        ReadyCheck("database", _database(engine)),
        ReadyCheck("keys", _keys(engine, keys)),
        ReadyCheck("status_list", _status_list(engine)),
        ReadyCheck("log", _log(log)),
        # A worker that died must not take the issuing services down with it.
        ReadyCheck("log_merge", _merge(engine, log, clock), needed=False),
    ]


def trust_check(tree: PublishedTree, clock: Callable[[], float]) -> ReadyCheck:
    """Whether some role of the trust repository runs out soon; the service works on.

    Args:
        tree: the published tree.
        clock: Unix seconds.
    """
    known: tuple[float, str | None] | None = None

    def probe() -> str | None:
        nonlocal known
        now = clock()
        if known is None or not known[0] <= now < known[0] + TRUST_LOOK_SECONDS:
            soon = any(True for _ in expiring(RoleFiles(tree), int(now)))
            known = now, TRUST_EXPIRES if soon else None
        return known[1]

    return ReadyCheck("trust", probe, needed=False)


def _issuer_ids(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [issuer.issuer_id for issuer in Issuers(connection).all()]


def _database(engine: Engine) -> Callable[[], str | None]:
    def probe() -> None:
        database.check(engine)

    return probe


def _keys(engine: Engine, keys: KeyStore) -> Callable[[], str | None]:
    def probe() -> str | None:
        issuer_ids = _issuer_ids(engine)
        for issuer_id in issuer_ids:
            active = [
                key.kid
                for key in keys.list(issuer_id)
                if key.purpose == PURPOSE and key.state is State.ACTIVE
            ]
            for kid in active:
                keys.signer(issuer_id, kid)  # opens the private key, and raises where it cannot
            if not active:
                return NO_KEY
        return None if issuer_ids else NO_ISSUER

    return probe


def _status_list(engine: Engine) -> Callable[[], str | None]:
    def probe() -> str | None:
        issuer_ids = _issuer_ids(engine)
        with reading(engine) as connection:
            lists = StatusLists(connection)
            for issuer_id in issuer_ids:
                if not any(
                    one.published_version and one.used < one.size for one in lists.all(issuer_id)
                ):
                    return NO_LIST
        return None if issuer_ids else NO_ISSUER

    return probe


def _log(log: LogReader) -> Callable[[], str | None]:
    def probe() -> None:
        log.checkpoint()  # raises where it is missing, damaged or not ours

    return probe


def _merge(engine: Engine, log: LogReader, clock: Callable[[], float]) -> Callable[[], str | None]:
    def probe() -> str | None:
        return MERGE_STILL if merge_stands_still(engine, log, clock) else None

    return probe
