# ruff: noqa: N818 — names say what is wrong; stable codes are derived from them
"""What backup, restore and recovery refuse.

::

    RestoringError
    ├── RecoveryNeeded      recovery_needed       the database is behind what is known outside
    ├── RecoveryStopped     recovery_stopped      a person must look, or accept a loss
    ├── BackupDamaged       backup_damaged        not a whole backup, or a bit was changed
    ├── BackupForeign       backup_foreign        the backup of another service
    └── TargetInUse         target_in_use         a restore never writes over anything
"""

from typing import ClassVar

from certsvc.service.settings import EXIT_CONFIGURATION


class RestoringError(Exception):
    """Root of what this package raises."""

    code = "restoring_error"


class RecoveryNeeded(RestoringError):
    """The published tree or the journal knows more than the database: nothing may be signed."""

    code = "recovery_needed"
    exit_code: ClassVar[int] = EXIT_CONFIGURATION


class RecoveryStopped(RestoringError):
    """Recovery met something that it must not decide alone; what it did before is kept."""

    code = "recovery_stopped"


class BackupDamaged(RestoringError):
    """The file is no whole backup; the message says where."""

    code = "backup_damaged"


class BackupForeign(RestoringError):
    """The backup was made under another public address or by a newer program."""

    code = "backup_foreign"


class TargetInUse(RestoringError):
    """The database to restore into holds something, or the backup's file exists."""

    code = "target_in_use"
