"""The text of a certificate's QR code: `https://<host>/v#` and digits.

The fragment never reaches a server, and any phone camera opens the check page.
"""

import re

from certsvc_sdk.errors import Malformed, NotACertificate
from certsvc_sdk.qr import digits

# Shorter runs are barcodes, telephone and case numbers; the smallest frame is far longer.
MIN_BARE_DIGITS = 60

# Longer than any QR code's text (4,296 alphanumeric characters, 7,089 digits): not from a code.
MAX_TEXT = 8192

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
# Caps Lock on a wedge scanner's keyboard turns the letters over; digits stay.
_OURS = re.compile(rf"https://({_HOST.pattern})/v#(.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
_BARE = re.compile(rf"[0-9]{{{MIN_BARE_DIGITS},}}")


def to_parts(body: bytes, host: str) -> tuple[str, str]:
    """Return the byte segment and the numeric segment of the symbol for a frame's bytes.

    Args:
        body: the frame (`frame.pack`).
        host: host of the check page, with an optional port; never a path.

    Raises:
        Malformed: `host` is no host name.
    """
    if not _HOST.fullmatch(host):
        raise Malformed("the host of a QR text is a host name with an optional port")
    return f"https://{host}/v#", digits.encode(body)


def to_text(body: bytes, host: str) -> str:
    """Return the whole QR text, `https://<host>/v#` and digits; arguments as `to_parts`.

    Raises:
        Malformed: `host` is no host name.
    """
    return "".join(to_parts(body, host))


def from_text(text: str) -> bytes:
    """Return the frame's bytes from what a camera, a wedge scanner or a paste delivered.

    Which host the text names does not matter: nothing is opened, and the signature decides.

    Raises:
        Unreadable: our prefix (or a bare run of digits) with broken digits; scan again.
        NotACertificate: a foreign URL or any other text.
    """
    if len(text) > MAX_TEXT:
        raise NotACertificate("the text is longer than any QR code's")
    stripped = text.strip()
    ours = _OURS.fullmatch(stripped)
    if ours:
        return digits.decode(ours.group(2))
    if _BARE.fullmatch(stripped):
        return digits.decode(stripped)
    raise NotACertificate("the text is not the code of a certificate")
