"""What stands open while an operator changes keys or trust: opened together, closed together."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import Connection, Engine

from certsvc.custody import open_keys
from certsvc.home import at_work
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.storage.errors import IssuerUnknown
from certsvc.storage.issuers import Issuer, Issuers
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk.strict import dumps
from certsvc_sdk.trust.record import IssuerRecord
from keys import KeyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An installation's keys and trust, in an operator's hand.

    Attributes:
        settings: of the installation.
        keys: its key store.
        engine: the issuer's database.
        tree: the published tree.
        trust: writes the trust repository in it.
    """

    settings: Settings
    keys: KeyStore
    engine: Engine
    tree: PublishedTree
    trust: TrustPublisher


@contextmanager
def open_authority(
    settings: Settings,
    *,
    clock_ns: Callable[[], int],
    rng: Callable[[int], bytes],
    writes: bool = True,
) -> Iterator[Authority]:
    """Open an installation to look at its keys and trust, or to change them.

    Args:
        settings: of the installation.
        clock_ns: Unix time in nanoseconds, for the journal.
        rng: source of random bytes.
        writes: keep every other writer of the published tree out until the block ends; the
            worker's heart-beat waits so long. Whoever holds this must not take
            `PublishedTree.exclusive` again.

    Raises:
        HomeInUse: the data folder is being set up or removed.
        SettingsInvalid: the key store or the journal does not open.
        RecoveryNeeded: the database lags behind what is known outside of it.
        DatabaseUnavailable: the database cannot be reached.
        OSError: the data folder cannot be written.
    """
    with ExitStack() as stack:
        stack.enter_context(at_work(settings.home, alone=False, wait=False))
        keys = open_keys(settings)
        engine = make_engine(settings.database_url)
        stack.callback(engine.dispose)
        tree = PublishedTree(settings.published)
        if writes:
            fence_of(settings, engine).require()
            journal = attach_journal(settings, engine, clock_ns=clock_ns, rng=rng)
            if journal is not None:
                stack.callback(journal.close)
            stack.enter_context(tree.exclusive())
        trust = TrustPublisher(tree, keys)
        yield Authority(settings=settings, keys=keys, engine=engine, tree=tree, trust=trust)


def keep_issuer(
    connection: Connection, record: IssuerRecord, authority: Authority, *, now: int
) -> bool:
    """Write a record to the database; a new issuer is registered, and gets its first status list.

    Args:
        connection: one that writes.
        record: what to keep.
        authority: the installation.
        now: Unix seconds.

    Returns:
        Whether something was written.
    """
    changed = keep_record(Issuers(connection), record, now=now)
    sealing = Sealing(record.uscc, authority.keys.data_key(data_key_name(record.uscc)))
    lists = StatusLists(connection, size=authority.settings.status_list_size)
    if changed and not lists.all(record.uscc):
        lists.ensure_open(sealing, now=now)
    return changed


def keep_record(issuers: Issuers, record: IssuerRecord, *, now: int) -> bool:
    """Write a record to the database, where it is another one; registers a new issuer.

    Args:
        issuers: on a connection that writes.
        record: what to keep.
        now: Unix seconds.

    Returns:
        Whether something was written.
    """
    text = dumps(record.to_json()).decode()
    try:
        before = issuers.get(record.uscc).record
    except IssuerUnknown:
        issuers.add(Issuer(issuer_id=record.uscc, uscc=record.uscc, record=text), now=now)
        return True
    if before == text:
        return False
    issuers.set_record(record.uscc, text, now=now)
    return True
