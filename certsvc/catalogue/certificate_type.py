"""One certificate type: everything the issuing service asks of a type, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jsonschema import Draft202012Validator

from certsvc.catalogue.code_list import CodeList
from certsvc.catalogue.codes import check_organisation_code, read_date
from certsvc.catalogue.errors import (
    ClaimsInvalid,
    OperationUnknown,
    ProfileUnknown,
    ReasonUnknown,
    TypeFileInvalid,
)
from certsvc.catalogue.findings import FieldError, from_fault
from certsvc.catalogue.metadata import type_metadata
from certsvc.catalogue.model import TypeFile
from certsvc.catalogue.normalise import normalise_members
from certsvc.catalogue.pointers import bind, expand, lookup
from certsvc.catalogue.profile import Profile
from certsvc.catalogue.reasons import check_reason
from certsvc.catalogue.rules import CodeAgrees
from certsvc.catalogue.schema import Label, walk
from certsvc.catalogue.status import Operation, Reason, Status
from certsvc.catalogue.structure import plain_copy
from certsvc.catalogue.validation import make_validator, validate_claims
from certsvc.catalogue.validity import Validity, end_of
from certsvc_sdk.strict import Json, dumps
from certsvc_sdk.typemetadata import integrity_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One holder of a certificate (GB/T 36903): kind 001, 111, …, code and name."""

    kind: str
    code: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Claims that passed: all of them, and what the profile shows of them."""

    claims: Mapping[str, Json]
    shown: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateType:
    """One version of one certificate type. Made by `CertificateType.build`."""

    definition: TypeFile
    code_lists: Mapping[str, CodeList]
    validator: Draft202012Validator

    @classmethod
    def build(cls, definition: TypeFile, code_lists: Mapping[str, CodeList]) -> CertificateType:
        """Makes a type from its file and tries the file's own example on it.

        Raises:
            TypeFileInvalid: A code list is missing, or the example does not pass.
        """
        for rule in definition.rules:
            if isinstance(rule, CodeAgrees) and rule.code_list not in code_lists:
                raise TypeFileInvalid(f"{definition.name}: no code list {rule.code_list}")
        made = cls(
            definition=definition,
            code_lists=code_lists,
            validator=make_validator(definition.claims),
        )
        example = definition.example
        errors = made.validate(example.claims, today=example.today)
        if errors:
            told = "; ".join(f"{error.path}: {error.en}" for error in errors)
            raise TypeFileInvalid(f"{definition.name}: the example does not pass: {told}")
        return made

    @property
    def name(self) -> str:
        """The short name, e.g. ``business-licence``."""
        return self.definition.name

    @property
    def version(self) -> int:
        """The version, from 1; claims and disclosure of a version never change."""
        return self.definition.version

    @property
    def type_code(self) -> str:
        """The 21 characters of GB/T 36902: defining authority and number."""
        return self.definition.type_code

    @property
    def titles(self) -> Label:
        """The certificate's name in both languages."""
        return self.definition.titles

    @property
    def status(self) -> Status:
        """Status words, operations and reasons."""
        return self.definition.status

    @property
    def qr_dictionary(self) -> int:
        """Number of the QR frame's dictionary."""
        return self.definition.qr.dictionary

    @property
    def default_profile(self) -> str:
        """The profile a request gets that names none."""
        return self.definition.default_profile

    @property
    def profiles(self) -> tuple[str, ...]:
        """Names of all profiles."""
        return tuple(profile.name for profile in self.definition.profiles)

    def json_schema(self) -> dict[str, Any]:
        """Returns the claims' JSON Schema 2020-12, with labels under ``x-label``."""
        return self.definition.claims.to_json()

    def labels(self) -> dict[str, Label]:
        """Returns the label of every claim by pointer (``*`` for elements), in order."""
        return {pointer: node.label for pointer, node in walk(self.definition.claims) if node.label}

    def vct(self, base_url: str) -> str:
        """Returns the type identifier under the catalogue authority's base address."""
        return f"{base_url.rstrip('/')}/vct/{self.name}/{self.version}"

    def metadata(self, base_url: str) -> dict[str, Any]:
        """Returns the type metadata that `vct` resolves to."""
        return type_metadata(self.definition, self.vct(base_url))

    def metadata_document(self, vct: str) -> bytes:
        """Returns the exact bytes that are published at `vct`."""
        return dumps(type_metadata(self.definition, vct))

    def metadata_integrity(self, vct: str) -> str | None:
        """Returns `vct#integrity` for a certificate, None for a type that leaves it out."""
        if not self.definition.metadata_integrity:
            return None
        return integrity_of(self.metadata_document(vct))

    def profile(self, name: str | None = None) -> Profile:
        """Returns a profile, the default one for no name.

        Raises:
            ProfileUnknown: The type has none of this name.
        """
        try:
            data = self.definition.profile(name or self.default_profile)
        except KeyError as error:
            raise ProfileUnknown(f"{self.name} has no profile {name!r}") from error
        return Profile(
            name=data.name,
            titles=data.titles,
            disclose=frozenset(data.disclose),
            members=tuple(data.members),
        )

    def validate(
        self, claims: object, *, today: date, profile: str | None = None
    ) -> list[FieldError]:
        """Returns everything wrong with claims; never raises on claims, whatever they are.

        Args:
            claims: As they came in; they need not be normalised.
            today: The day in Asia/Shanghai.
            profile: Where given, also counts the disclosures this profile would make.

        Raises:
            ProfileUnknown: The type has no such profile.
        """
        chosen = None if profile is None else self.profile(profile)
        return self._examine(claims, today, chosen)[0]

    def prepare(self, claims: object, *, today: date, profile: Profile) -> Prepared:
        """Returns what will be signed, on a day in Asia/Shanghai, by a profile of this type.

        Raises:
            ClaimsInvalid: With everything wrong with them.
        """
        errors, normal, shown = self._examine(claims, today, profile)
        if errors:
            raise ClaimsInvalid(errors)
        return Prepared(claims=normal, shown=shown)

    def _examine(
        self, claims: object, today: date, profile: Profile | None
    ) -> tuple[list[FieldError], dict[str, Json], dict[str, Json]]:
        errors, normal = validate_claims(
            claims,
            root=self.definition.claims,
            validator=self.validator,
            rules=self.definition.rules,
            code_lists=self.code_lists,
            today=today,
        )
        if errors or profile is None:
            return errors, normal, {}
        shown = profile.select(normal)
        return profile.check_size(shown), normal, shown

    def warnings(self, claims: object) -> list[FieldError]:
        """Returns what is odd but lawful: organisation codes that fail GB 11714's own check."""
        plain, _ = plain_copy(claims)
        normal = normalise_members(plain, self.definition.claims)
        found = []
        for pointer, node in walk(self.definition.claims):
            if node.format != "uscc":
                continue
            for one in expand(normal, pointer):
                fault = check_organisation_code(one.value) if isinstance(one.value, str) else None
                if fault is not None:
                    found.append(from_fault(one.pointer, fault))
        return found

    def normalise(self, claims: object) -> dict[str, Json]:
        """Returns claims in the form that is signed.

        NFC, trimmed, null and empty text absent, members in the schema's order at every level.
        Unknown members stay, last, so that validation can name them before or after.

        Raises:
            ClaimsInvalid: Claims without a shape: no object, or deep or large beyond reason.
        """
        plain, misshapen = plain_copy(claims)
        if misshapen:
            raise ClaimsInvalid(misshapen)
        return normalise_members(plain, self.definition.claims)

    def select(
        self, claims: Mapping[str, Json], profile: Profile | str | None = None
    ) -> dict[str, Json]:
        """Returns the claims a profile shows, in the order they came.

        Args:
            claims: Normalised claims.
            profile: A profile or its name, None for the default one.

        Raises:
            ProfileUnknown: The type has none of this name.
        """
        chosen = profile if isinstance(profile, Profile) else self.profile(profile)
        return chosen.select(claims)

    def validity(self, claims: Mapping[str, object]) -> Validity:
        """Returns the validity window; it ends at 00:00 Asia/Shanghai after the last valid day."""
        rule = self.definition.validity
        last = None if rule.claim is None else read_date(lookup(claims, rule.claim))
        return Validity(None, None if last is None else end_of(last))

    def holders(self, claims: Mapping[str, object]) -> list[Holder]:
        """Returns the holders that complete, normalised claims name, in document order."""
        rule = self.definition.holder
        found = []
        for code in expand(claims, rule.code):
            name = lookup(claims, bind(rule.name, code.indexes))
            if isinstance(code.value, str):
                named = name if isinstance(name, str) else None
                found.append(Holder(kind=rule.kind, code=code.value, name=named))
        return found

    def operation(self, name: str) -> Operation:
        """Returns a status operation by name.

        Raises:
            OperationUnknown: The type does not allow it.
        """
        for operation in self.status.operations:
            if operation.name == name:
                return operation
        raise OperationUnknown(f"{self.name} has no operation {name!r}")

    def reason(self, operation: str, code: str) -> Reason:
        """Returns a reason of an operation.

        Raises:
            OperationUnknown: The type does not allow the operation.
            ReasonUnknown: The operation does not take the reason.
        """
        for reason in self.operation(operation).reasons:
            if reason.code == code:
                return reason
        raise ReasonUnknown(f"{self.name}: {operation} takes no reason {code!r}")

    def check_reason(self, operation: str, reason: object, detail: object) -> list[FieldError]:
        """Returns what is wrong with a status request's ``reason`` and ``detail``.

        Raises:
            OperationUnknown: The type does not allow the operation.
        """
        return check_reason(self.operation(operation), reason, detail)
