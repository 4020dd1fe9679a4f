"""Base64 with padding (RFC 4648 section 4), as C2SP's texts spell bytes: one canonical way."""

import binascii

import pybase64

from certsvc_sdk.errors import LogInvalid


def encode(data: bytes) -> str:
    """Return bytes as padded base64."""
    return pybase64.b64encode(data).decode("ascii")


def decode(text: str, failure: type[LogInvalid], what: str, *, size: int | None = None) -> bytes:
    """Decode the one canonical spelling of some bytes.

    Args:
        text: as it stands in a note or proof.
        failure: what to raise.
        what: name of the thing, for the message.
        size: length in bytes that is demanded; None: any.

    Raises:
        LogInvalid: `failure`, for foreign characters, wrong padding, unused bits that are not
            zero, or another length.
    """
    try:
        data = pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise failure(f"{what} is not base64") from error
    if encode(data) != text:
        raise failure(f"{what} is not canonical base64")
    if size is not None and len(data) != size:
        raise failure(f"{what} is not {size} bytes long")
    return data
