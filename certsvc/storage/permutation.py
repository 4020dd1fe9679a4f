"""A secret order of the places in a status list (threats T42): a Feistel network that walks.

A counter mapped through a keyed permutation gives every place exactly once, needs no table of
free places, and does not show to outsiders which certificates were issued one after the other.
"""

import hashlib
import hmac

KEY_BYTES = 32
# Luby and Rackoff need four rounds; more cost nothing here.
ROUNDS = 8


def permute(counter: int, *, size: int, key: bytes) -> int:
    """Map a counter to its place.

    Args:
        counter: 0 <= counter < size.
        size: Number of places, at least 2.
        key: Secret bytes, one key a list.

    Returns:
        A place in 0 <= place < size, another one for every counter.

    Raises:
        IndexError: The counter is outside the list.
    """
    if not 0 <= counter < size:
        raise IndexError("counter outside the status list")
    half = ((size - 1).bit_length() + 1) // 2
    place = counter
    while True:
        place = _feistel(place, half=half, key=key)
        # Cycle walking: a value beyond the list is mapped again, which ends in the list.
        if place < size:
            return place


def _feistel(value: int, *, half: int, key: bytes) -> int:
    mask = (1 << half) - 1
    left, right = value >> half, value & mask
    for number in range(ROUNDS):
        message = bytes([number]) + right.to_bytes(8, "big")
        mixed = int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:8], "big")
        left, right = right, left ^ (mixed & mask)
    return left << half | right
