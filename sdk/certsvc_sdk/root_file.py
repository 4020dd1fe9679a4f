"""The pinned root of the trust repository, as a program is given it."""

from pathlib import Path

from certsvc_sdk import strict
from certsvc_sdk.errors import Malformed, TrustInvalid, TrustUnavailable

# A root with a hundred keys and signatures has under 100 KB.
MAX_ROOT_BYTES = 512 * 1024


def read_root(root: str | Path | bytes) -> bytes:
    """Return the bytes of the pinned root; its signatures are checked with the first use.

    Args:
        root: path of the file, or its bytes.

    Raises:
        TrustUnavailable: it cannot be read.
        TrustInvalid: it is no root of a trust repository.
    """
    try:
        data = root if isinstance(root, bytes) else Path(root).read_bytes()
    except OSError as error:
        raise TrustUnavailable(f"the trust root cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL or a surrogate
        raise TrustUnavailable("the trust root has an impossible name") from error
    try:
        signed = strict.loads_object(data, max_bytes=MAX_ROOT_BYTES, what="root").get("signed")
    except Malformed as error:
        raise TrustInvalid(f"the trust root is not readable: {error}") from error
    # A wrong file shall not wait until the first use.
    if not isinstance(signed, dict) or signed.get("_type") != "root":
        raise TrustInvalid("the file is no root of a trust repository")
    return data
