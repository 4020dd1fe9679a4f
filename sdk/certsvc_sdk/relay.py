"""How verifiers on several machines pass signed objects on to each other.

A relay brings news sooner, and brings it to a machine whose own line is down. It is never believed:
what comes out of it is checked as if a stranger had sent it, and it cannot hold news back, for an
object that says nothing new sends the verifier to the source as if there were no relay.
"""

from typing import Protocol


class Relay(Protocol):
    """Keeps bytes under a name for all who share it. No method raises, whatever happens."""

    def get(self, name: str, *, max_bytes: int) -> bytes | None:
        """Return what lies under a name, or None: nothing, too long, or not to be had now."""
        ...

    def put(self, name: str, data: bytes, *, seconds: int) -> None:
        """Keep bytes for some seconds, or do nothing."""
        ...
