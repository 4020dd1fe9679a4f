"""Sizes and counts beyond which nothing is read, and the algorithm that is taken."""

from typing import Final

#: A leaf, two authorities between, and the anchor; more is somebody else's design.
MAX_CHAIN: Final = 4
#: A department's certificate has 0.9 KiB.
MAX_CERTIFICATE: Final = 8 * 1024
#: Anchors and lists that a caller may offer at once.
MAX_ANCHORS: Final = 32
MAX_LISTS: Final = 16
#: Some 25,000 revocations.
MAX_LIST: Final = 1024 * 1024
#: RFC 5280 section 4.1.2.2: at most 20 octets, and positive.
MAX_SERIAL: Final = 2**159 - 1
#: DER of ecdsa-with-SHA256 without parameters (RFC 5758 section 3.2), the only one.
SIGNATURE_ALGORITHM: Final = bytes.fromhex("300a06082a8648ce3d040302")
