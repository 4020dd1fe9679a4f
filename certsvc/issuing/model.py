"""Requests and answers of issuing: frozen values at its edge."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from certsvc_sdk import typedcode
from certsvc_sdk.trust.record import IssuerRecord

# Room for a hash and a prefix; the header is read before anything else.
MAX_KEY_CHARACTERS = 128


def canonical(value: object) -> bytes:
    """Write JSON so that equal values have equal bytes: sorted members, no white space, UTF-8."""
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    )
    # A lone surrogate is refused later, as a finding; here it must only not raise.
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRequest:
    """What a department asks for.

    Attributes:
        type: Short name of the certificate type.
        claims: The face claims as they came, not yet normalised.
        profile: A profile of the type; `None` for its default.
        version: A version of the type; `None` for the newest.
    """

    type: str
    claims: Mapping[str, object]
    profile: str | None = None
    version: int | None = None

    def content(self) -> dict[str, object]:
        """Everything that makes two requests different."""
        return {
            "type": self.type,
            "claims": self.claims,
            "profile": self.profile,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersedeRequest:
    """The content of a certificate that takes the place of an earlier one of the same type.

    Attributes:
        claims: The face claims as they came.
        reason: A reason the type knows for superseding.
        detail: Free text that some reasons ask for.
        profile: A profile of the type; `None` for that of the earlier certificate.
        version: A version of the type; `None` for the newest.
    """

    claims: Mapping[str, object]
    reason: str | None = None
    detail: str | None = None
    profile: str | None = None
    version: int | None = None

    def content(self) -> dict[str, object]:
        """Everything that makes two requests different."""
        return {
            "claims": self.claims,
            "reason": self.reason,
            "detail": self.detail,
            "profile": self.profile,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """A certificate as its issuer sees it. Times are Unix seconds.

    Attributes:
        certificate_id: Opaque 128-bit id, 32 hex characters.
        certificate_identifier: 电子证照标识.
        type: Short type name.
        version: Version of the type.
        profile: Profile of the type.
        state: `valid`, `suspended`, `revoked` or `superseded`; expiry is derived from the times.
        status_reason: Reason of the last change of state.
        status_changed_at: When the state changed last.
        issued_at: `iat` of the token.
        not_before: `nbf` of the token.
        expires_at: `exp` of the token; `None`: no end (长期).
        supersedes: Id of the certificate that this one replaced.
        superseded_by: Id of the certificate that replaced this one.
        list_no: Number of the status list that shows the state.
        list_index: Place in that list.
        token: The SD-JWT with all disclosures.
        qr_text: Text of the QR code; empty where the certificate does not fit into any.
        qr_profile: Profile that the code shows where it shows less: `core`; None: all of it.
    """

    certificate_id: str
    certificate_identifier: str
    type: str
    version: int
    profile: str
    state: str
    status_reason: str | None
    status_changed_at: int | None
    issued_at: int
    not_before: int | None
    expires_at: int | None
    supersedes: str | None
    superseded_by: str | None
    list_no: int
    list_index: int
    token: str = field(repr=False)
    qr_text: str = field(repr=False)
    qr_profile: str | None = None

    @property
    def typed_code(self) -> str:
        """The typed code (证照短码) as it is printed: `XXXX-XXXX-XXXX-XXXX`."""
        return typedcode.grouped(typedcode.of(self.token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued(CertificateView):
    """A certificate as it was when it was issued: the stored answer, however late it is asked for.

    Attributes:
        replayed: Whether an earlier request with the same Idempotency-Key made it.
        leaf_hash: Of the log entry written with it, 32 bytes; None: the database tells.
    """

    replayed: bool = field(default=False, compare=False)
    leaf_hash: bytes | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request that waits for a second person, or what became of it. Times are Unix seconds.

    Attributes:
        approval_id: Opaque id, 32 hex characters.
        client_id: Who asks.
        operation: `issue` or `supersede`.
        request: The content as it came: what is agreed to is what is read.
        state: `waiting`, `approved` or `refused`.
        created_at: When it was asked for.
        decided_at: When that was said.
        decided_by: Who said it.
    """

    approval_id: str
    client_id: str
    operation: str
    request: Mapping[str, object] = field(repr=False)
    state: str
    created_at: int
    decided_at: int | None
    decided_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a request left open, as it was when a second person read it.

    Attributes:
        type: Short name of the type.
        version: Version of the type.
        profile: Profile of the type.
    """

    type: str
    version: int
    profile: str

    def onto(self, request: IssueRequest) -> IssueRequest:
        """The request with nothing left open."""
        return replace(request, type=self.type, version=self.version, profile=self.profile)


class Records(Protocol):
    """Where an issuer's own trust record comes from."""

    def record(self, issuer_id: str) -> IssuerRecord:
        """Read an issuer's trust record.

        Raises:
            IssuerUnknown: There is none.
        """
        ...


class IssuingSettings(Protocol):
    """The settings that issuing needs."""

    @property
    def public_url(self) -> str:
        """Base address of every identifier; ends in `/`."""
        ...

    @property
    def status_list_size(self) -> int:
        """Places in a new status list."""
        ...

    @property
    def second_person_types(self) -> frozenset[str]:
        """Short names of the types that nobody issues alone."""
        ...


def fingerprint(content: Mapping[str, object]) -> bytes:
    """Hash a request's content: SHA-256 of its canonical JSON.

    Content without a JSON form never becomes a certificate, so one hash serves for all of it.
    """
    try:
        return hashlib.sha256(canonical(content)).digest()
    except (TypeError, ValueError, RecursionError):
        return hashlib.sha256(b"no JSON form").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep found: how many plans it finished, gave up, or must leave for the next one."""

    finished: int = 0
    abandoned: int = 0
    left: int = 0
