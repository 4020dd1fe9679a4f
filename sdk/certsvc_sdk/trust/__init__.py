"""Who may issue what: records of issuers in a TUF repository, read online and offline."""

from certsvc_sdk.trust.about import ABOUT_TARGET, About, Environment, parse_about
from certsvc_sdk.trust.offline import CachedTrust
from certsvc_sdk.trust.record import (
    IssuerRecord,
    KeyRecord,
    KeyState,
    KeyUse,
    Level,
    Right,
    division_within,
    issuer_target,
    parse_record,
    split_iss,
    under_prefix,
)
from certsvc_sdk.trust.repository import TrustRepository
from certsvc_sdk.trust.urls import parse_url

__all__ = [
    "ABOUT_TARGET",
    "About",
    "CachedTrust",
    "Environment",
    "IssuerRecord",
    "KeyRecord",
    "KeyState",
    "KeyUse",
    "Level",
    "Right",
    "TrustRepository",
    "division_within",
    "issuer_target",
    "parse_about",
    "parse_record",
    "parse_url",
    "split_iss",
    "under_prefix",
]
