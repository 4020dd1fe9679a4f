"""A status list kept ready for signing: a change costs its own chunk, not the whole list.

The packed entries are cut into chunks. Each is compressed by itself and ends with a full flush, so
the chunks joined are one deflate stream; between a zlib header and the checksum of the whole they
are ordinary zlib data (RFC 1950), which any reader inflates in one go. The checksum is kept as
sums a chunk, so that it, too, costs a pass over what changed and nothing else.
"""

import zlib
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.errors import StatusListInvalid
from certsvc_sdk.statuslist import StatusBits

# Level 9 takes twenty times longer for a tenth of the size.
_LEVEL: Final = 6
#: Smallest and largest chunk in bytes; between them each is twice the one before.
SMALLEST_CHUNK: Final = 4 * 1024
LARGEST_CHUNK: Final = 64 * 1024
# A chunk costs some 45 bytes more than its share of one stream: so a tenth at most.
_WORTH_A_CHUNK: Final = 512
# RFC 1950 section 2.2: deflate, 32 KiB window, default level, no dictionary.
_HEADER: Final = b"\x78\x9c"
# RFC 1951 section 3.2.6: a last block of fixed codes with nothing but its end.
_END: Final = b"\x03\x00"
# RFC 1950 section 8.2.
_MODULUS: Final = 65_521


class KeptStatusBits:
    """A whole list in memory whose entries change one by one.

    Args:
        bits: the list to begin with.

    Attributes:
        bits: width of an entry.
    """

    __slots__ = ("_chunk", "_data", "_dirty", "_high", "_low", "_pieces", "_sums", "bits")

    def __init__(self, bits: StatusBits) -> None:
        self.bits = bits.bits
        self._data = bytearray(bits.data)
        self.repack()

    def __len__(self) -> int:
        return len(self._data) * 8 // self.bits

    @property
    def chunk(self) -> int:
        """Size of a chunk in bytes."""
        return self._chunk

    def get(self, index: int) -> int:
        """Return the status at an index.

        Raises:
            StatusListInvalid: outside the list.
        """
        return self._data[self._place(index) >> 3] >> (index * self.bits & 7) & self._mask

    def set(self, index: int, value: int) -> None:
        """Set the status at an index.

        Raises:
            StatusListInvalid: index outside the list, or a value wider than `bits`.
        """
        place = self._place(index)
        if type(value) is not int or not 0 <= value <= self._mask:
            raise StatusListInvalid("status value does not fit the list")
        byte, shift = place >> 3, place & 7
        self._data[byte] = self._data[byte] & ~(self._mask << shift) | value << shift
        self._dirty.add(byte // self._chunk)

    def freeze(self) -> StatusBits:
        """Return an immutable copy."""
        return StatusBits(self.bits, bytes(self._data))

    def repack(self) -> None:
        """Let the next `to_lst` compress everything anew, in chunks that suit the list now."""
        self._chunk = _suitable_chunk(bytes(self._data[:LARGEST_CHUNK]))
        count = -(-len(self._data) // self._chunk)
        self._pieces = [b""] * count
        self._sums = [(0, 0)] * count
        # An empty stream has the checksum 1; that 1 counts once more for each byte that follows.
        self._low, self._high = 1, len(self._data)
        self._dirty = set(range(count))

    def to_lst(self) -> str:
        """Return the compressed list as base64url, the `lst` member (section 4.2).

        Raises:
            StatusListInvalid: a chunk did not survive its compression.
        """
        self._pack()
        checksum = (self._high % _MODULUS << 16 | self._low % _MODULUS).to_bytes(4, "big")
        return strict.b64u_encode(b"".join((_HEADER, *self._pieces, _END, checksum)))

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1

    def _place(self, index: int) -> int:
        if type(index) is not int or not 0 <= index < len(self):
            raise StatusListInvalid("status index lies outside the list")
        return index * self.bits

    def _pack(self) -> None:
        for number in sorted(self._dirty):
            self._pack_chunk(number)
        self._dirty.clear()

    def _pack_chunk(self, number: int) -> None:
        end = min((number + 1) * self._chunk, len(self._data))
        data = bytes(self._data[number * self._chunk : end])
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        piece = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
        # What leaves the house is checked; here it costs a chunk and not the list.
        if zlib.decompressobj(-zlib.MAX_WBITS).decompress(piece) != data:
            raise StatusListInvalid("a chunk of the status list was not compressed faithfully")
        self._pieces[number] = piece
        sums = zlib.adler32(data, 0)
        low, high = sums & 0xFFFF, sums >> 16
        old_low, old_high = self._sums[number]
        self._sums[number] = low, high
        self._low += low - old_low
        # Every byte behind the chunk adds the chunk's low sum to the high one once more.
        self._high += high - old_high + (low - old_low) * (len(self._data) - end)


def _suitable_chunk(sample: bytes) -> int:
    """Choose the chunk: compressed, it should be worth what cutting it off costs.

    Places are given out in random order, so a sample tells how full the list is everywhere.
    """
    packed = len(zlib.compress(sample, _LEVEL))
    size = SMALLEST_CHUNK
    while size < LARGEST_CHUNK and packed * size < _WORTH_A_CHUNK * len(sample):
        size *= 2
    return size
