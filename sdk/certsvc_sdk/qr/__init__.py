"""The QR code of a certificate: frame, digits, text (wire format "QR frame, version 1")."""

from certsvc_sdk.qr import frame, text
from certsvc_sdk.qr.dictionaries import (
    DICTIONARY_HOUSEHOLD,
    DICTIONARY_LICENCE,
    DICTIONARY_NONE,
    Later,
)
from certsvc_sdk.qr.frame import Unpacked

__all__ = [
    "DICTIONARY_HOUSEHOLD",
    "DICTIONARY_LICENCE",
    "DICTIONARY_NONE",
    "Unpacked",
    "decode",
    "encode",
]


def encode(token: str, seed: bytes | None, *, host: str, dictionary: int) -> str:
    """Return the QR text of a token; arguments as `frame.pack` and `text.to_text`.

    Raises:
        CertsvcError: those of `frame.pack` and `text.to_text`.
    """
    return text.to_text(frame.pack(token, seed, dictionary=dictionary), host)


def decode(qr_text: str, *, later: Later | None = None) -> Unpacked:
    """Return the token of a QR text.

    Args:
        qr_text: as it was scanned.
        later: gives dictionaries that are younger than this release; None: there are none.

    Raises:
        Unreadable: the code was damaged on its way; scan again.
        NotACertificate: a foreign URL or any other text.
        FormatUnsupported: an unknown version, dictionary or flag.
        Malformed: anything else that `frame.pack` would not have written.
    """
    return frame.unpack(text.from_text(qr_text), later=later)
