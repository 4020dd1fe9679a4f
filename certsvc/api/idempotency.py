"""The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

from flask import request

from certsvc.api.errors import IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_MISSING
from certsvc.service.limits import IDEMPOTENCY_KEY_CHARACTERS
from certsvc.service.problems import Problem

HEADER = "Idempotency-Key"


def idempotency_key() -> str:
    """The request's key.

    Raises:
        Problem: 400, missing or not 1 to 128 printable ASCII characters.
    """
    key = optional_idempotency_key()
    if key is None:
        raise Problem(IDEMPOTENCY_KEY_MISSING)
    return key


def optional_idempotency_key() -> str | None:
    """The request's key, or None without one.

    Raises:
        Problem: 400, not 1 to 128 printable ASCII characters.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARACTERS or not all(" " <= one <= "~" for one in key):
        raise Problem(IDEMPOTENCY_KEY_INVALID)
    return key
