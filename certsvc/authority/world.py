"""What stands open while an operator changes keys or trust: opened together, closed together."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from certsvc.custody import open_keys
from certsvc.home import at_work
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
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
