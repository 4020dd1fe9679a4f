"""Sealing of columns: who reads the database file alone reads no holder's data."""

from dataclasses import dataclass
from typing import Protocol


class DataKey(Protocol):
    """A key for data at rest (`keys.datakey.DataKey`)."""

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Hide a value; it opens in the same context only."""
        ...

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Read a sealed value."""
        ...

    def hmac(self, data: bytes) -> bytes:
        """Hash with the key, so that equal values can be found."""
        ...


def data_key_name(issuer_id: str) -> str:
    """Name an issuer's data key: one an issuer, so that a key's number of seals stays bounded."""
    return f"certificates-{issuer_id}"


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals values to the place where they lie: issuer, row and column."""

    issuer_id: str
    data_key: DataKey

    def _context(self, row: str, column: str) -> bytes:
        return f"{self.issuer_id}|{row}|{column}".encode()

    def seal(self, plaintext: bytes, *, row: str, column: str) -> bytes:
        """Seal one column's value."""
        return self.data_key.seal(plaintext, context=self._context(row, column))

    def open(self, sealed: bytes, *, row: str, column: str) -> bytes:
        """Open one column's value.

        Raises:
            KeysError: The value was altered or belongs to another place.
        """
        return self.data_key.open(sealed, context=self._context(row, column))

    def lookup(self, kind: str, value: str) -> str:
        """Hash a value for a look-up column: 64 hex characters."""
        # A lone surrogate finds nothing; here it must only not raise.
        return self.data_key.hmac(f"{kind}|{value}".encode("utf-8", "surrogatepass")).hex()
