# ruff: noqa: N818 — names say what is wrong; stable codes are derived from them
"""What publishing refuses.

::

    PublishingError
    ├── PathUnsafe          path_unsafe           a name that could lead out of the tree
    ├── TreeUnreadable      tree_unreadable       a published file is damaged or not ours
    ├── TrustMissing        trust_missing         no trust repository has been made yet
    ├── TrustExists         trust_exists          a trust repository stands there already
    ├── RoleKeyUntrusted    role_key_untrusted    the active key is not in the root: renew the root
    ├── RoleOffline         role_offline          its keys are with officers: they have to sign
    ├── RoleUnknown         role_unknown          nobody delegates to that role
    ├── RoleRefused         role_refused          a delegation that the tree cannot have
    ├── VersionTaken        version_taken         another file of that version stands there
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

The certificate authorities' branch stands in `certsvc.publishing.ca_errors`.
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


class RoleOffline(PublishingError):
    """A role's keys are not in this key store; its officers have to sign.

    Args:
        roles: names of the roles.
    """

    code = "role_offline"

    def __init__(self, roles: tuple[str, ...]) -> None:
        super().__init__(f"the officers of {', '.join(roles)} have to sign")
        self.roles = roles


class RoleUnknown(PublishingError):
    """Nobody delegates to a role of that name."""

    code = "role_unknown"


class RoleRefused(PublishingError):
    """A delegation that the tree cannot have: its name, its keys, its threshold or its place."""

    code = "role_refused"


class VersionTaken(PublishingError):
    """A file of the version that officers signed stands there and says something else."""

    code = "version_taken"


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
