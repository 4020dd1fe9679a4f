"""Attaches the journal that the settings name to a process's database."""

from collections.abc import Callable

from sqlalchemy.engine import Engine

from certsvc.service.settings import Settings, SettingsInvalid, variable
from certsvc.storage.errors import JournalUnusable
from certsvc.storage.journal import Journal


def attach_journal(
    settings: Settings,
    engine: Engine,
    *,
    clock_ns: Callable[[], int],
    rng: Callable[[int], bytes],
) -> Journal | None:
    """Record what a process writes; None where the journal is switched off.

    Args:
        settings: of the service.
        engine: its database.
        clock_ns: Unix time in nanoseconds.
        rng: source of random bytes.

    Raises:
        SettingsInvalid: the journal's folder cannot be made, or others may read it.
    """
    if settings.journal_folder is None:
        return None
    try:
        journal = Journal(settings.journal_folder, clock_ns=clock_ns, rng=rng)
    except JournalUnusable as error:
        raise SettingsInvalid(f"{variable('journal')}: {error}") from error
    journal.attach(engine)
    return journal
