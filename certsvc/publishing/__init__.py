"""What the world reads: the trust repository, status lists, type metadata, issuers' keys."""

from certsvc.publishing.errors import PublishingError
from certsvc.publishing.metadata import publish_issuer_metadata, publish_types
from certsvc.publishing.records import IssuerProfile, build_record
from certsvc.publishing.status import StatusPublisher
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher

__all__ = [
    "IssuerProfile",
    "PublishedTree",
    "PublishingError",
    "StatusPublisher",
    "TrustPublisher",
    "build_record",
    "publish_issuer_metadata",
    "publish_types",
]
