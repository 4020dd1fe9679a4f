"""Offline bundles: trust data, status lists and type metadata as one file that can be carried.

    verifier.prefetch()                               # where there is a line
    data = bundle.make(verifier)
    used = bundle.use(verifier, data, makers=[...])   # where there is none

Nothing in a bundle is believed for lying in it: each part is verified by its own signatures.
"""

from certsvc_sdk.bundle.errors import BundleInvalid, BundleUntrusted
from certsvc_sdk.bundle.maker import Maker
from certsvc_sdk.bundle.making import make
from certsvc_sdk.bundle.reading import Bundle, read
from certsvc_sdk.bundle.using import Used, use

__all__ = ["Bundle", "BundleInvalid", "BundleUntrusted", "Maker", "Used", "make", "read", "use"]
