# ruff: noqa: N818 — names say what is wrong, codes are derived from them
"""What storage refuses.

::

    StorageError
    ├── SchemaMissing            schema_missing
    ├── SchemaOutdated           schema_outdated
    ├── SchemaUnknown            schema_unknown
    ├── IssuerUnknown            issuer_not_registered
    ├── IssuerExists             issuer_exists
    ├── ClientExists             client_exists
    ├── StatusListUnknown        status_list_unknown
    ├── StatusListUnpublished    status_list_unpublished
    ├── LogOriginChanged         log_origin_changed
    ├── JournalUnusable          journal_unusable
    ├── JournalBroken            journal_broken
    ├── ReplayDiverged           replay_diverged
    └── FramesDamaged            frames_damaged
        └── FramesTorn           frames_torn
"""


class StorageError(Exception):
    """Root of what storage raises."""

    code = "storage_error"


class SchemaMissing(StorageError):
    """The database has no tables yet."""

    code = "schema_missing"


class SchemaOutdated(StorageError):
    """The database waits for a migration."""

    code = "schema_outdated"


class SchemaUnknown(StorageError):
    """The database was written by a newer version of the program."""

    code = "schema_unknown"


class IssuerUnknown(StorageError):
    """No such issuer in this database."""

    code = "issuer_not_registered"


class IssuerExists(StorageError):
    """The issuer is registered already."""

    code = "issuer_exists"


class ClientExists(StorageError):
    """The client identifier is taken."""

    code = "client_exists"


class StatusListUnpublished(StorageError):
    """No status list with free places has been published yet."""

    code = "status_list_unpublished"


class StatusListUnknown(StorageError):
    """The issuer has no such status list."""

    code = "status_list_unknown"


class LogOriginChanged(StorageError):
    """The database keeps the transparency log of another public address; a log has one name."""

    code = "log_origin_changed"


class JournalUnusable(StorageError):
    """The journal's folder cannot be made, or is open to others."""

    code = "journal_unusable"


class JournalBroken(StorageError):
    """Records of the journal are missing, damaged, or tell two stories; the message says where."""

    code = "journal_broken"


class ReplayDiverged(StorageError):
    """A record does not do to this database what it did to the one that wrote it."""

    code = "replay_diverged"
