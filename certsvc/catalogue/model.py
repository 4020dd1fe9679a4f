"""A type file, read strictly and checked against itself before anything is issued by it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from certsvc.catalogue.codes import check_type_code
from certsvc.catalogue.errors import TypeFileInvalid
from certsvc.catalogue.face import Face, default_face
from certsvc.catalogue.pointers import ANY, segments
from certsvc.catalogue.rules import NotBeforeToday, Rule
from certsvc.catalogue.schema import DIALECT, RESERVED, Label, Model, Node, explain, node_at, walk
from certsvc.catalogue.status import Status

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]

MAX_VERSION = 9999  # it stands in the address of the type's metadata


class ProfileData(Model):
    """One way to issue the type.

    Attributes:
        name: As requests name it.
        titles: For people.
        members: Pointers of the claims it shows; claims without fields of their own.
        disclose: Pointers of what becomes selectively disclosable, as `certsvc_sdk.sdjwt.draft`
            takes them.
    """

    name: Name
    titles: Label
    members: list[str] = Field(min_length=1)
    disclose: list[str]

    def shows(self, pointer: str) -> bool:
        """Says whether the profile shows a claim or something inside it."""
        inside = f"{pointer}/"
        return any(member == pointer or member.startswith(inside) for member in self.members)


class ValidityRule(Model):
    """When a certificate ends.

    Attributes:
        ends: ``claim``: after the day in a date claim; ``none``: never (长期).
        claim: Pointer of that claim. A certificate without it has no end.
    """

    ends: Literal["claim", "none"]
    claim: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.ends == "claim") != (self.claim is not None):
            raise ValueError("claim goes with ends: claim")
        return self


class HolderRule(Model):
    """Who holds a certificate (GB/T 36903 holder lists).

    Attributes:
        kind: 001 unified social credit code, 111 citizen ID, and so on.
        code: Pointer of the holder's code, with ``*`` where there are several holders.
        name: Pointer of the holder's name, beside the code.
    """

    kind: Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
    code: str
    name: str


class QrRule(Model):
    """How the QR frame compresses the type: 0 for no dictionary."""

    dictionary: Annotated[int, Field(ge=0, le=255)]


class Example(Model):
    """A fictional certificate that the type must accept on the given day."""

    today: date
    claims: dict[str, Any]


class TypeFile(Model):
    """One certificate type as data. Every attribute is described in docs/certificate-types.md."""

    # Off by default: a digest does not compress, and costs a QR code about 70 bytes.
    metadata_integrity: bool = False

    name: Name
    version: int = Field(ge=1, le=MAX_VERSION)
    type_code: str
    type_code_source: Literal["national", "configuration"]
    titles: Label
    descriptions: Label
    claims: Node = Field(alias="schema")
    rules: list[Rule]
    profiles: list[ProfileData] = Field(min_length=1)
    default_profile: Name
    validity: ValidityRule
    holder: HolderRule
    qr: QrRule
    face: Face | None = None
    status: Status
    example: Example

    @field_validator("type_code")
    @classmethod
    def _type_code(cls, value: str) -> str:
        fault = check_type_code(value)
        if fault is not None:
            raise ValueError(fault.en)
        return value

    @field_validator("claims")
    @classmethod
    def _claims(cls, root: Node) -> Node:
        if root.type != "object" or root.dialect != DIALECT:
            raise ValueError(f"the schema is an object and names {DIALECT}")
        reserved = RESERVED & set(root.properties or ())
        if reserved:
            raise ValueError(f"reserved claim names: {sorted(reserved)}")
        unlabelled = [pointer for pointer, node in walk(root) if node.label is None]
        if unlabelled:
            raise ValueError(f"no x-label: {unlabelled}")
        return root

    @model_validator(mode="after")
    def _rules_point_somewhere(self) -> Self:
        for rule in self.rules:
            self._texts(f"rule {rule.rule}", *rule.pointers())
        self._texts("holder", self.holder.code, self.holder.name)
        ends = self.validity.claim
        if ends is not None:
            node = node_at(self.claims, ends)
            if node is None or node.format != "date" or ANY in segments(ends):
                raise ValueError(f"validity: {ends} is not one date")
            # An exp in the past would make a certificate that no verifier ever accepts.
            if not any(
                isinstance(rule, NotBeforeToday) and rule.claim == ends for rule in self.rules
            ):
                raise ValueError(f"validity: {ends} needs a rule not_before_today")
        return self

    @model_validator(mode="after")
    def _profiles_hold(self) -> Self:
        names = Counter(profile.name for profile in self.profiles)
        if max(names.values()) > 1 or self.default_profile not in names:
            raise ValueError("profile names are unique and default_profile is one of them")
        for profile in self.profiles:
            self._texts(f"profile {profile.name}", *profile.members)
            for pointer in profile.disclose:
                if node_at(self.claims, pointer) is None or not profile.shows(pointer):
                    raise ValueError(f"profile {profile.name}: {pointer} discloses nothing")
        sensitive = {pointer for pointer, node in walk(self.claims) if node.sensitive}
        shown = sensitive.intersection(self.profile(self.default_profile).members)
        if shown:
            raise ValueError(f"the default profile shows sensitive claims: {sorted(shown)}")
        return self

    @model_validator(mode="after")
    def _face_fits(self) -> Self:
        if self.face is not None:
            self.face.check(self.claims)
        return self

    def printed_face(self) -> Face:
        """Returns the face, a plain one for a type that brings none."""
        return default_face(self.claims) if self.face is None else self.face

    def profile(self, name: str) -> ProfileData:
        """Returns a profile by name.

        Raises:
            KeyError: There is none of this name.
        """
        return {profile.name: profile for profile in self.profiles}[name]

    def _texts(self, where: str, *pointers: str) -> None:
        for pointer in pointers:
            node = node_at(self.claims, pointer)
            if node is None or node.type != "string":
                raise ValueError(f"{where}: {pointer} is no text claim")


def read_type_file(data: bytes) -> TypeFile:
    """Reads one type file.

    Raises:
        TypeFileInvalid: Malformed, or contradicting itself.
    """
    try:
        return TypeFile.model_validate_json(data)
    except ValidationError as error:
        raise TypeFileInvalid(explain(error)) from error
