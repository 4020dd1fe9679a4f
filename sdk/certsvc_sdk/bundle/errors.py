# ruff: noqa: N818 — names say what is wrong, as in `certsvc_sdk.errors`
"""What is wrong with an offline bundle."""

from certsvc_sdk.errors import CertsvcError


class BundleInvalid(CertsvcError):
    """The file is no bundle in its one canonical form, or one of its parts was altered."""

    code = "bundle_invalid"


class BundleUntrusted(CertsvcError):
    """A maker's signature was asked for, and none of the known makers signed the bundle."""

    code = "bundle_untrusted"
