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
    └── StatusRollback      status_rollback       a newer status list is published already
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
    """A status list of a higher version, or another one of the same version, is published."""

    code = "status_rollback"
