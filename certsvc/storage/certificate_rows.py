"""Rows of the certificate tables as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a certificate stands. `planned` and `abandoned` are invisible outside."""

    PLANNED = "planned"
    ABANDONED = "abandoned"
    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


# The status list's two bits (wire formats, "Status"). An abandoned plan's place reads invalid:
# should a discarded signature ever come to light, it is worth nothing.
STATUS_VALUES: Mapping[State, int] = {
    State.PLANNED: 0,
    State.VALID: 0,
    State.REVOKED: 1,
    State.ABANDONED: 1,
    State.SUSPENDED: 2,
    State.SUPERSEDED: 3,
}


def columns(row: "NewCertificate | PlannedBytes") -> dict[str, object]:
    """Take a row apart; `dataclasses.asdict` copies deeply, which costs more than the insert."""
    return {name: getattr(row, name) for name in row.__slots__}


VISIBLE = frozenset({State.VALID, State.SUSPENDED, State.REVOKED, State.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBytes:
    """The part of a plan that a later plan replaces. Times are Unix seconds."""

    kid: str
    iat: int
    nbf: int | None
    exp: int | None
    planned_at: int
    plan: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCertificate:
    """The part of a plan that stays."""

    issuer_id: str
    certificate_id: str
    certificate_identifier: str
    serial: str
    version_no: int
    type: str
    type_version: int
    profile: str
    list_no: int
    list_index: int
    supersedes_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the compare-and-swap on a plan needs; `credential` is sealed, the code hashed."""

    issuer_id: str
    certificate_id: str
    plan_no: int
    credential: bytes
    code_lookup: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """One row of the table; `plan` and `credential` are sealed."""

    issuer_id: str
    certificate_id: str
    certificate_identifier: str
    serial: str
    version_no: int
    type: str
    type_version: int
    profile: str
    state: State
    status_value: int
    status_seq: int
    status_reason: str | None
    status_changed_at: int | None
    list_no: int
    list_index: int
    list_version: int
    kid: str
    iat: int
    nbf: int | None
    exp: int | None
    plan_no: int
    planned_at: int
    failures: int
    issued_at: int | None
    supersedes_id: str | None
    superseded_by_id: str | None
    plan: bytes | None
    credential: bytes | None
    code_lookup: bytes | None

    @property
    def visible(self) -> bool:
        """Whether the certificate was issued: before that nobody outside may know of it."""
        return self.state in VISIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """One change of state; `detail` is sealed."""

    issuer_id: str
    certificate_id: str
    seq: int
    operation: str
    state_before: State
    state_after: State
    reason: str | None
    detail: bytes | None
    at: int
    principal_kind: str
    client_id: str
    request_id: str
