"""Token Status List (draft-ietf-oauth-status-list): made, signed and read here.

One JWS of type `statuslist+jwt` carries a zlib-compressed bit array; a certificate names a list
by URI and its own place by index.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from certsvc_sdk import jws, strict
from certsvc_sdk.errors import Malformed, StatusListInvalid
from certsvc_sdk.jws import Compact
from certsvc_sdk.strict import MAX_TOKEN, Json

TYP: Final = "statuslist+jwt"
# Section 7.1; 3 is application-specific and means "replaced by a newer certificate" here.
VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
SUPERSEDED: Final = 3

# 8 million entries of 2 bits; beyond it a list is an attack or needs splitting.
MAX_LIST_BYTES: Final = 2 * 1024 * 1024
# MAX_LIST_BYTES of noise, base64url twice, and room for the claims.
MAX_LIST_TOKEN: Final = 4 * 1024 * 1024
_SIZES: Final = frozenset({1, 2, 4, 8})
# Level 9 takes twenty times longer for a tenth of the size.
_COMPRESSION: Final = 6


@dataclass(frozen=True, slots=True)
class StatusBits:
    """An inflated list: `bits` wide entries, least significant bits first (section 4.1).

    Attributes:
        bits: width of an entry, 1, 2, 4 or 8.
        data: the packed entries.

    Raises:
        StatusListInvalid: another width, or more than 2 MiB.
    """

    bits: int
    data: bytes

    def __post_init__(self) -> None:
        _check_width(self.bits)
        if len(self.data) > MAX_LIST_BYTES:
            raise StatusListInvalid(f"status list is larger than {MAX_LIST_BYTES} bytes")

    def __len__(self) -> int:
        return len(self.data) * 8 // self.bits

    def get(self, index: int) -> int:
        """Return the status at an index.

        Raises:
            StatusListInvalid: not an integer (True is none) or outside the list; this is never
                "not revoked".
        """
        if type(index) is int and index >= 0:
            bits = self.bits
            try:
                if bits == 2:  # every list of this system: worth a line of its own
                    return self.data[index >> 2] >> ((index & 3) << 1) & 3
                place = index * bits
                return self.data[place >> 3] >> (place & 7) & (1 << bits) - 1
            except IndexError:
                pass
        raise StatusListInvalid("status index lies outside the list")

    def to_lst(self) -> str:
        """Return the compressed list as base64url, the `lst` member (section 4.2)."""
        return strict.b64u_encode(zlib.compress(self.data, _COMPRESSION))


class MutableStatusBits:
    """A list under construction; all entries start as VALID.

    Raises:
        StatusListInvalid: a width other than 1, 2, 4 or 8 bits, no entry, or more than 2 MiB.
    """

    __slots__ = ("_data", "_size", "bits")

    def __init__(self, size: int, bits: int = 2) -> None:
        _check_width(bits)
        if size < 1 or size * bits > MAX_LIST_BYTES * 8:
            raise StatusListInvalid("status list has an impossible size")
        self.bits = bits
        self._size = size
        self._data = bytearray((size * bits + 7) // 8)

    def set(self, index: int, value: int) -> None:
        """Set the status at an index.

        Raises:
            StatusListInvalid: index outside the list, or a value wider than `bits`.
        """
        if type(index) is not int or not 0 <= index < self._size:
            raise StatusListInvalid("status index lies outside the list")
        mask = (1 << self.bits) - 1
        if type(value) is not int or not 0 <= value <= mask:
            raise StatusListInvalid("status value does not fit the list")
        place = index * self.bits
        shift = place & 7
        kept = self._data[place >> 3] & ~(mask << shift)
        self._data[place >> 3] = kept | value << shift

    def fill(self, entries: Iterable[tuple[int, int]]) -> None:
        """Set many entries, pairs of index and value, as `set` does; quicker than one by one.

        Raises:
            StatusListInvalid: as `set`; the pairs before are set.
        """
        data, size, bits = self._data, self._size, self.bits
        mask = (1 << bits) - 1
        for index, value in entries:
            if not 0 <= index < size or not 0 <= value <= mask:
                raise StatusListInvalid("status index or value does not fit the list")
            place = index * bits
            shift = place & 7
            data[place >> 3] = data[place >> 3] & ~(mask << shift) | value << shift

    def freeze(self) -> StatusBits:
        """Return an immutable copy."""
        return StatusBits(self.bits, bytes(self._data))


class Entries(Protocol):
    """A list as `draft` needs it: `StatusBits`, or one kept ready (`certsvc_sdk.statuschunks`)."""

    @property
    def bits(self) -> int:
        """Width of an entry."""
        ...

    def to_lst(self) -> str:
        """Return the compressed list as base64url (section 4.2)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusListToken:
    """A status list token taken apart; its signature is not checked yet.

    Attributes:
        header: JOSE header, for `jws.require_header`.
        sub: URI of the list; must equal the address it was fetched for.
        iat: signed at, Unix seconds.
        exp: not to be used from this second on, or None.
        ttl: seconds after which to look for a newer one, or None.
        version: number that never goes back for a URI, or None.
        compact: the JWS, for the signature check.
        width: bits of an entry.
        lst: compressed list, base64url.
    """

    header: Mapping[str, Json]
    sub: str
    iat: int
    exp: int | None
    ttl: int | None
    version: int | None
    compact: Compact
    width: int
    lst: str

    def bits(self) -> StatusBits:
        """Inflate the list; call it after the signature check.

        Raises:
            StatusListInvalid: more than 2 MiB, cut short, or bytes after its end.
        """
        inflater = zlib.decompressobj()
        try:
            packed = strict.b64u_decode(self.lst, what="lst")
            # One byte above the cap is enough to know, so a bomb never unfolds.
            data = inflater.decompress(packed, MAX_LIST_BYTES + 1)
        except (Malformed, zlib.error) as error:
            raise StatusListInvalid("status list is not zlib data") from error
        if len(data) > MAX_LIST_BYTES:
            raise StatusListInvalid(f"status list inflates beyond {MAX_LIST_BYTES} bytes")
        if not inflater.eof or inflater.unused_data:
            raise StatusListInvalid("status list does not end where its data ends")
        return StatusBits(self.width, data)


def draft(
    *,
    header: Mapping[str, Json],
    sub: str,
    iat: int,
    exp: int,
    ttl: int,
    version: int,
    bits: Entries,
) -> bytes:
    """Return the JWS signing input of a status list token (section 5.1).

    Args:
        header: exactly `alg`, `typ` (`statuslist+jwt`) and `kid`.
        sub: URI of the list.
        iat: signed at, Unix seconds.
        exp: not to be used from this second on, Unix seconds.
        ttl: seconds after which readers look again.
        version: grows with each publication of this URI.
        bits: the list.

    Raises:
        StatusListInvalid: `typ` is another one, or times and version make no sense.
    """
    if header.get("typ") != TYP:
        raise StatusListInvalid(f"header typ is not {TYP}")
    if not 0 <= iat < exp or ttl < 1 or version < 0:
        raise StatusListInvalid("times or version of a status list make no sense")
    claims = {
        "sub": sub,
        "iat": iat,
        "exp": exp,
        "ttl": ttl,
        "version": version,
        "status_list": {"bits": bits.bits, "lst": bits.to_lst()},
    }
    return jws.signing_input(header, strict.dumps(claims))


def read(token: str) -> StatusListToken:
    """Take a status list token apart (section 5.1); the caller checks signature and times.

    Raises:
        StatusListInvalid: longer than 4 MiB, not a JWS of this type, or a claim is missing or
            of a wrong type.
    """
    try:
        compact = jws.parse(token, max_bytes=MAX_LIST_TOKEN)
        what = "status list"
        if len(compact.payload) > MAX_TOKEN and not compact.payload.isascii():
            # One character beyond would make the text of a large list four times as large.
            raise Malformed(f"{what} is long and not ASCII")
        claims = strict.loads_object(compact.payload, max_bytes=MAX_LIST_TOKEN, what=what)
        status_list = strict.members(claims, "status_list", what)
        result = StatusListToken(
            header=compact.header,
            sub=strict.text(claims, "sub", what),
            iat=strict.integer(claims, "iat", what),
            exp=strict.optional_integer(claims, "exp", what),
            ttl=strict.optional_integer(claims, "ttl", what),
            version=strict.optional_integer(claims, "version", what),
            compact=compact,
            width=strict.integer(status_list, "bits", what),
            lst=strict.text(status_list, "lst", what),
        )
    except Malformed as error:
        raise StatusListInvalid(str(error)) from error
    _check_width(result.width)
    if result.header.get("typ") != TYP:
        raise StatusListInvalid(f"header typ is not {TYP}")
    if result.ttl is not None and result.ttl < 1:
        raise StatusListInvalid("ttl is not positive")
    return result


def _check_width(bits: int) -> None:
    if type(bits) is not int or bits not in _SIZES:
        raise StatusListInvalid("a status takes 1, 2, 4 or 8 bits")
