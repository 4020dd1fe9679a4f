# ruff: noqa: N818 — names say what is wrong; stable codes are derived from them
"""What the certificate authorities refuse, a branch of `certsvc.publishing.errors`.

::

    PublishingError
    └── AuthorityError          ca_error
        ├── AuthorityMissing    ca_missing            no authority of this name
        ├── AuthorityExists     ca_exists             one of this name, or this serial, is there
        ├── AuthorityKeyAway    ca_key_away           its key cannot be reached from here
        ├── CertificateRefused  certificate_refused   an X.509 certificate readers would refuse
        └── CertificateUnknown  certificate_unknown   no X.509 certificate of this serial or key
"""

from certsvc.publishing.errors import PublishingError


class AuthorityError(PublishingError):
    """Root of what the certificate authorities refuse."""

    code = "ca_error"


class AuthorityMissing(AuthorityError):
    """There is no certificate authority of this name, or not all of its files."""

    code = "ca_missing"


class AuthorityExists(AuthorityError):
    """A certificate authority of this name, or a certificate of this serial number, is there."""

    code = "ca_exists"


class AuthorityKeyAway(AuthorityError):
    """An authority's key lies in a store that cannot be reached from here, or may not sign."""

    code = "ca_key_away"


class CertificateRefused(AuthorityError):
    """An X.509 certificate, revocation or list that readers would refuse was not made."""

    code = "certificate_refused"


class CertificateUnknown(AuthorityError):
    """No authority here made an X.509 certificate of this serial number, or for this key."""

    code = "certificate_unknown"
