"""What a verification asks of the world around it: trust data, status lists, a floor of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from certsvc_sdk import jws, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.statuslist import StatusBits, StatusListToken
from certsvc_sdk.strict import Json
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse

if TYPE_CHECKING:
    from certsvc_sdk.log.history import Life

# Clocks in one country differ by seconds; a licence is not revived within five minutes.
CLOCK_TOLERANCE = 300
# Where a list names no end of its own; the lists of this system live as long.
DEFAULT_STATUS_LIFE = 24 * 3600
# An event is in the log within a second; a statement that is younger by this knows of it.
MERGE_SECONDS = 60


class TrustView(Protocol):
    """One consistent state of the trust data."""

    @property
    def as_of(self) -> int:
        """When it was last verified as current, Unix seconds."""
        ...

    @property
    def expires(self) -> int:
        """When it ends by itself, Unix seconds."""
        ...

    @property
    def refresh_due(self) -> int:
        """From when on a newer state may exist that this reader should have fetched."""
        ...

    @property
    def env(self) -> Environment:
        """A demonstration or the real thing."""
        ...

    def record(self, iss: str) -> IssuerRecord | None:
        """Return an issuer's record, or None where the trust data lists no such issuer.

        Raises:
            TrustUnavailable: the record is listed, or may be, and was never fetched.
        """
        ...


class World(Protocol):
    """What lies around a verification. Nothing here raises but `TrustView.record`."""

    @property
    def clock_floor(self) -> int:
        """Latest time that signed data has proven, Unix seconds; 0 where there is none."""
        ...

    def trust(self) -> TrustView | None:
        """Return the trust data, or None where there never was any."""
        ...

    def dictionary(self, number: int) -> bytes | None:
        """Return a QR dictionary that is younger than this release, from verified trust data."""
        ...

    def status(self, uri: str, record: IssuerRecord) -> "StatusSnapshot | None":
        """Return the newest copy of a status list, or None.

        Args:
            uri: address under the record's `status_prefix`.
            record: the issuer's record, for telling a good copy from a bad one.
        """
        ...

    def known_revoked(self, uri: str, index: int) -> bool:
        """Return whether this entry was ever seen revoked; revoked is for ever."""
        ...

    def remember_revoked(self, uri: str, index: int) -> None:
        """Note that a genuine list says revoked for this entry."""
        ...

    def log_index(self, signing_input: bytes, record: IssuerRecord) -> int | None:
        """Return the place in the issuer's transparency log that a token provably has, or None.

        Args:
            signing_input: `header.payload` of the token, ASCII: what a log entry stands for.
            record: the issuer's record, which names its log.
        """
        ...

    def life(
        self, signing_input: bytes, record: IssuerRecord, at: int, *, fresh: bool = False
    ) -> "Life | None":
        """Return what the issuer's transparency log proves of a certificate's life, or None.

        Args:
            signing_input: `header.payload` of the token, ASCII.
            record: the issuer's record, which names its log.
            at: Unix seconds; what was proven long enough after it need not be fetched again.
            fresh: fetch it anew in any case.
        """
        ...


class StatusSnapshot:
    """A copy of a status list; remembers its inflated bits and which key it verified under.

    Attributes:
        token: the list as it was read.
        fetched_at: when it was last known to be the newest, Unix seconds.
        expires: end of the list by its own word, Unix seconds.
    """

    __slots__ = ("_bits", "_genuine_for", "_verified_under", "expires", "fetched_at", "token")

    def __init__(self, token: StatusListToken, fetched_at: int) -> None:
        self.token = token
        self.fetched_at = fetched_at
        self._bits: StatusBits | None = None
        self._verified_under: PublicKey | None = None
        self._genuine_for: tuple[IssuerRecord, str] | None = None
        self.expires = token.iat + DEFAULT_STATUS_LIFE if token.exp is None else token.exp

    def is_genuine(self, record: IssuerRecord, uri: str) -> bool:
        """Return whether the issuer of `record` published this very list at `uri`.

        Token Status List section 8.3: signature, and `sub` equal to the address.
        """
        known = self._genuine_for
        if known is not None and known[0] is record and known[1] == uri:
            return True
        key = status_key(self.token.header, record)
        if key is None or self.token.sub != uri or not covers(key, self.token.iat):
            return False
        # A signature is checked once for each key: the list is shared by thousands of checks.
        if self._verified_under is not key.public:
            compact = self.token.compact
            try:
                key.public.verify(compact.signing_input, compact.signature)
                self._bits = self.token.bits()
            except CertsvcError:
                return False
            self._verified_under = key.public
        self._genuine_for = record, uri
        return True

    def value(self, index: int) -> int:
        """Return the status of an entry; call it for a genuine list.

        Raises:
            StatusListInvalid: the index lies outside the list.
        """
        if self._bits is None:
            self._bits = self.token.bits()
        return self._bits.get(index)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRecord:
    """A world of one record and no status: what an issuer checks its own signature in."""

    issuer: IssuerRecord
    now: int
    clock_floor: int = 0
    env: Environment = Environment.DEMO

    @property
    def as_of(self) -> int:
        """The record is the issuer's own, hence current."""
        return self.now

    @property
    def expires(self) -> int:
        """Never within this check."""
        return self.now + 1

    @property
    def refresh_due(self) -> int:
        """Never within this check."""
        return self.now + 1

    def trust(self) -> "OneRecord":
        """Return itself."""
        return self

    def record(self, iss: str) -> IssuerRecord | None:
        """Return the record where it answers to `iss`."""
        return self.issuer if self.issuer.answers_to(iss) else None

    def dictionary(self, number: int) -> None:
        """Return nothing: an issuer uses what its own release has."""

    def status(self, uri: str, record: IssuerRecord) -> None:
        """Return nothing: a certificate that never left the house has no status to look up."""

    def known_revoked(self, uri: str, index: int) -> bool:
        """Return False."""
        return False

    def remember_revoked(self, uri: str, index: int) -> None:
        """Do nothing."""

    def log_index(self, signing_input: bytes, record: IssuerRecord) -> None:
        """Return nothing: what is being signed cannot stand in a log yet."""

    def life(
        self, signing_input: bytes, record: IssuerRecord, at: int, *, fresh: bool = False
    ) -> None:
        """Return nothing, for the same reason."""


def status_key(header: Mapping[str, Json], record: IssuerRecord) -> KeyRecord | None:
    """Return the status key a list's header names, None where it may not be believed."""
    kid = header.get("kid")
    key = record.key(kid, KeyUse.STATUS) if isinstance(kid, str) else None
    if key is None or key.state is KeyState.COMPROMISED:
        return None
    try:
        jws.require_header(header, typ=statuslist.TYP, alg=key.alg)
    except CertsvcError:
        return None
    return key


def covers(key: KeyRecord, moment: int) -> bool:
    """Return whether a key's window [not_before, not_after) holds `moment`."""
    return key.not_before <= moment and (key.not_after is None or moment < key.not_after)
