# ruff: noqa: N818 — names say what is wrong; stable codes are derived from them
"""What publishing refuses.

::

    PublishingError
    ├── PathUnsafe          path_unsafe           a name that could lead out of the tree
    ├── TreeUnreadable      tree_unreadable       a published file is damaged or not ours
    ├── TrustMissing        trust_missing         no trust repository has been made yet
    ├── TrustExists         trust_exists          a trust repository stands there already
    ├── RoleKeyUntrusted    role_key_untrusted    the active key is not in the root: renew the root
    ├── RecordRefused       record_refused        a record that no verifier would accept
    ├── SigningFailed       signing_failed        the key store gave no signature
    ├── StatusRollback      status_rollback       it would take back what is published
    ├── PointerMoved        pointer_moved         somebody else moved a list's pointer
    ├── PublisherFenced     publisher_fenced      a later publisher has written the tree
    ├── LogAhead            log_ahead             readers see more of the log than the database has
    ├── LogForked           log_forked            the database's log contradicts the published one
    ├── LogUnpublished      log_unpublished       no checkpoint of the log is published yet
    ├── LogMoved            log_moved             somebody else moved the checkpoint
    ├── CosignatureRefused  cosignature_refused   no cosignature of a known witness for this log
    └── LeafAltered         leaf_altered          a leaf is not the one its hash was made of
"""


class PublishingError(Exception):
    """Root of what publishing raises."""

    code = "publishing_error"


class PathUnsafe(PublishingError):
    """A path that is not plain names below the tree."""

    code = "path_unsafe"


class TreeUnreadable(PublishingError):
    """A published file is not what this package writes; a person must look."""

    code = "tree_unreadable"


class TrustMissing(PublishingError):
    """The tree holds no trust repository yet."""

    code = "trust_missing"


class TrustExists(PublishingError):
    """The tree holds a trust repository already; a second root would split the world."""

    code = "trust_exists"


class RoleKeyUntrusted(PublishingError):
    """A role's active key is not the one the root names; renew the root first."""

    code = "role_key_untrusted"


class RecordRefused(PublishingError):
    """An issuer's record, or what a repository says of itself, that verifiers would refuse."""

    code = "record_refused"


class SigningFailed(PublishingError):
    """The key store gave no signature, or one that the SDK does not accept."""

    code = "signing_failed"


class StatusRollback(PublishingError):
    """What is published has a higher version, or says of a place what the new list takes back."""

    code = "status_rollback"


class PointerMoved(PublishingError):
    """A list's pointer is not where this publisher left it; it must read everything anew."""

    code = "pointer_moved"


class PublisherFenced(PublishingError):
    """A publisher with a higher fencing number has written the tree: this one was overtaken."""

    code = "publisher_fenced"


class LogAhead(PublishingError):
    """A larger tree is published than the database knows: an old backup was put back (T61)."""

    code = "log_ahead"


class LogForked(PublishingError):
    """The published checkpoint has another root than the database's leaves; nothing may move."""

    code = "log_forked"


class LogUnpublished(PublishingError):
    """No checkpoint of the log is published yet; the worker has not run."""

    code = "log_unpublished"


class LogMoved(PublishingError):
    """Another checkpoint than the one begun from is published; the next look begins from it."""

    code = "log_moved"


class LeafAltered(PublishingError):
    """A leaf in the database is not the one its hash was made of, or its place is empty."""

    code = "leaf_altered"


class CosignatureRefused(PublishingError):
    """What was sent is no checkpoint of this log with a good line of a witness known here."""

    code = "cosignature_refused"
