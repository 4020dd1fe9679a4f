"""Requests and answers of the issuer's API; openapi.yaml's components say the same (tested)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")
]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_]*$")
]
TypeVersion = Annotated[int, Field(ge=1, le=9999)]
Detail = Annotated[str, StringConstraints(min_length=1, max_length=500)]
TypedCode = Annotated[str, StringConstraints(pattern=r"^[2-9CDFHKMRWX]{4}(-[2-9CDFHKMRWX]{4}){3}$")]
State = Literal["valid", "suspended", "revoked", "superseded"]
UnixSeconds = int


class Model(BaseModel):
    """A request: no member beyond the schema, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """An answer may grow: clients ignore members they do not know."""

    model_config = ConfigDict(strict=True, frozen=True)


class CertificateRequest(Model):
    """What a department sends to have a certificate issued."""

    type: Name
    claims: dict[str, Any]
    version: TypeVersion | None = None
    profile: Name | None = None


class SupersedeRequest(Model):
    """The changed content of a certificate that replaces an earlier one."""

    claims: dict[str, Any]
    version: TypeVersion | None = None
    profile: Name | None = None
    reason: Code | None = None
    detail: Detail | None = None


class StatusChangeRequest(Model):
    """Why a certificate's status changes; some reasons need the detail."""

    reason: Code
    detail: Detail | None = None


class ExportRequest(Model):
    """Which certificates' faces are exported; one that stands twice is exported once."""

    ids: list[Annotated[str, StringConstraints(max_length=128)]] = Field(min_length=1)
    format: Literal["zip", "pdf"] = "zip"
    lang: Literal["zh", "zh-en"] = "zh"


class CodeRequest(Model):
    """A typed code, in any spelling that people and scanners give it."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class CodeAnswer(Answer):
    """The certificate that a typed code stands for, complete."""

    token: str


class Labels(Answer):
    """A text in Chinese and English."""

    zh: str
    en: str


class QrCode(Answer):
    """The QR code of a certificate: its text, the profile it shows, and where its images are."""

    text: str
    svg: str
    png: str
    version: int = Field(ge=1, le=40)
    ecc: Literal["M", "Q"]
    profile: str


class LogPlace(Answer):
    """Where the issue stands in the transparency log; null until it is merged."""

    origin: str
    index: int | None
    leaf_hash: str
    proof: str | None


class CertificateLinks(Answer):
    """Paths on this service."""

    self: str
    type: str
    supersedes: str | None
    superseded_by: str | None


class Certificate(Answer):
    """An issued certificate."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    certificate_identifier: str
    type: str
    version: TypeVersion
    profile: str
    state: State
    status_reason: str | None
    status_changed_at: UnixSeconds | None
    issued_at: UnixSeconds
    not_before: UnixSeconds | None
    expires_at: UnixSeconds | None
    token: str
    typed_code: TypedCode
    qr: QrCode | None
    qr_reason: Literal["qr_too_large"] | None
    log: LogPlace | None
    links: CertificateLinks


class Approval(Answer):
    """A request that waits for a second person, or what became of it."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    state: Literal["waiting", "approved", "refused"]
    created_at: UnixSeconds
    link: str


class ApprovalDetail(Approval):
    """What the second person reads and decides."""

    client: str
    operation: Literal["issue", "supersede"]
    request: dict[str, Any]
    decided_at: UnixSeconds | None
    decided_by: str | None


class ApprovalNotice(Answer):
    """The answer to a request that now waits."""

    approval: Approval


class ApprovalList(Answer):
    """What waits for the caller, oldest first."""

    approvals: list[ApprovalDetail]


class TypeSummary(Answer):
    """A certificate type in the list."""

    name: str
    versions: list[TypeVersion]
    titles: Labels
    link: str


class TypeList(Answer):
    """All certificate types of this service."""

    types: list[TypeSummary]


class TypeProfile(Answer):
    """A set of members that is issued as one token."""

    name: str
    titles: Labels
    members: list[str]
    disclose: list[str]


class TypeReason(Answer):
    """A lawful reason for a status operation."""

    code: str
    titles: Labels
    detail_required: bool
    note: Labels | None


class TypeOperation(Answer):
    """A status operation of a type and the reasons it takes."""

    name: Literal["suspend", "resume", "revoke", "supersede"]
    titles: Labels
    reasons: list[TypeReason]


class TypeDetail(Answer):
    """A certificate type: what its claims must be, and what can be done with it."""

    name: str
    version: TypeVersion
    versions: list[TypeVersion]
    type_code: str
    titles: Labels
    vct: str
    claims_schema: dict[str, Any]
    profiles: list[TypeProfile]
    default_profile: str
    operations: list[TypeOperation]
    example: dict[str, Any]
