"""Signed objects that machines pass on to each other (`certsvc_sdk.passing.Passing`).

Bytes in, bytes out: the reader checks the signature, as if they came from the network.
"""

from typing import Any, Final

from certsvc.service.shared.connection import Shared, SharedUnavailable

# The longest status list as a token has under 3 MiB; a longer thing is not worth its way.
MAX_BYTES: Final = 4 * 1024 * 1024


class SharedObjects:
    """Keeps bytes under a name for a while.

    Args:
        shared: the way to Redis.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def get(self, name: str, *, max_bytes: int) -> bytes | None:
        """What lies under a name, or None: nothing, longer than `max_bytes`, or no answer."""
        key = self._shared.key("object", name)
        limit = min(max_bytes, MAX_BYTES)

        def read(client: Any) -> Any:  # noqa: ANN401
            # Of what somebody else put there, at most one byte too many travels.
            return client.getrange(key, 0, limit)

        try:
            found = self._shared.call(read)
        except SharedUnavailable:
            return None
        return found if isinstance(found, bytes) and 0 < len(found) <= limit else None

    def put(self, name: str, data: bytes, *, seconds: int) -> None:
        """Keep bytes for some seconds; too long ones, or without an answer, are not kept."""
        if not 0 < len(data) <= MAX_BYTES or seconds <= 0:
            return
        key = self._shared.key("object", name)
        try:
            self._shared.call(lambda client: client.set(key, data, ex=seconds))
        except SharedUnavailable:
            return
