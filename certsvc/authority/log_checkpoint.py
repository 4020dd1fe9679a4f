"""The log's checkpoint in an operator's hand."""

from collections.abc import Sequence

from certsvc.authority.world import Authority
from certsvc.publishing.log import LogPublisher
from certsvc.publishing.log_signing import log_origin
from certsvc.service.engine import reading
from certsvc.storage.log import Leaf, LogEntries


def sign_checkpoint_anew(authority: Authority) -> bool:
    """Sign the published checkpoint with the log's present key; see `LogPublisher.sign_anew`.

    Args:
        authority: the installation, opened to write.

    Raises:
        LogForked, LeafAltered: what is published is not what the database has; nothing is signed.
        PublishingError, KeysError: the same call again takes it up.
    """

    def leaves(first: int, end: int) -> Sequence[Leaf]:
        with reading(authority.engine) as connection:
            return LogEntries(connection).leaves(first, end)

    origin = log_origin(authority.settings.public_url)
    return LogPublisher(authority.tree, authority.keys, origin=origin).sign_anew(leaves)
