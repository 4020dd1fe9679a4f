# ruff: noqa: N818 — names say what is wrong; the stable codes repeat them
"""What operators' work on keys refuses, beside what the key store itself does.

::

    KeyWorkError
    ├── KeyOwnerUnmanaged     key_owner_unmanaged      keys of roles and authorities: elsewhere
    ├── KeyNotPublished       key_not_published        the published record does not list it
    ├── KeyListedTooShort     key_listed_too_short     not every verifier can know it yet
    ├── NoSuccessor           no_successor             no key to succeed, and none that waits
    ├── IssuingWouldStop      issuing_would_stop       it is the only active key of its group
    └── CutBeyondLog          cut_beyond_log           the log does not reach so far
"""


class KeyWorkError(Exception):
    """Root of these refusals; nothing was changed."""

    code = "key_work_error"


class KeyOwnerUnmanaged(KeyWorkError):
    """Keys of trust roles and of certificate authorities have commands of their own."""

    code = "key_owner_unmanaged"


class KeyNotPublished(KeyWorkError):
    """Published trust data does not list the key: verifiers would refuse what it signs."""

    code = "key_not_published"


class KeyListedTooShort(KeyWorkError):
    """A verifier that looked before the key was listed would refuse what it signs.

    Args:
        message: what is wrong.
        ready_at: when the key has been listed long enough, Unix seconds.
    """

    code = "key_listed_too_short"

    def __init__(self, message: str, *, ready_at: int) -> None:
        super().__init__(message)
        self.ready_at = ready_at


class NoSuccessor(KeyWorkError):
    """The group has no active key to succeed, and none that waits."""

    code = "no_successor"


class IssuingWouldStop(KeyWorkError):
    """Nothing else could sign in its place."""

    code = "issuing_would_stop"


class CutBeyondLog(KeyWorkError):
    """The cut must lie within what the published checkpoint proves."""

    code = "cut_beyond_log"
