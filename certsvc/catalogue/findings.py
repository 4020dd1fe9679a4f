"""What is wrong with claims: one finding per defect, each with a stable code and two sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from certsvc.catalogue.codes.fault import CodeFault


class FindingCode(StrEnum):
    """Every code a finding may carry. Once published, a spelling never changes."""

    REQUIRED = "required"
    UNKNOWN_MEMBER = "unknown_member"
    TYPE_INVALID = "type_invalid"
    NUMBER_INVALID = "number_invalid"
    CHOICE_INVALID = "choice_invalid"
    FORMAT_INVALID = "format_invalid"
    TOO_FEW_ITEMS = "too_few_items"
    TOO_MANY_ITEMS = "too_many_items"
    NESTING_TOO_DEEP = "nesting_too_deep"
    TOO_MANY_VALUES = "too_many_values"
    TOO_MANY_DISCLOSURES = "too_many_disclosures"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_CONTROL_CHARACTER = "text_control_character"
    DATE_INVALID = "date_invalid"
    DATE_IN_FUTURE = "date_in_future"
    DATE_ORDER = "date_order"
    ALREADY_EXPIRED = "already_expired"
    USCC_LENGTH = "uscc_length"
    USCC_ALPHABET = "uscc_alphabet"
    USCC_CHECK_CHARACTER = "uscc_check_character"
    ORGANISATION_CODE_CHECK_CHARACTER = "organisation_code_check_character"
    CITIZEN_ID_LENGTH = "citizen_id_length"
    CITIZEN_ID_ALPHABET = "citizen_id_alphabet"
    CITIZEN_ID_BIRTH_DATE = "citizen_id_birth_date"
    CITIZEN_ID_CHECK_CHARACTER = "citizen_id_check_character"
    CITIZEN_ID_BIRTH_DATE_MISMATCH = "citizen_id_birth_date_mismatch"
    DUPLICATE_VALUE = "duplicate_value"
    RELATIONSHIP_MISMATCH = "relationship_mismatch"
    HEAD_MISSING = "head_missing"
    HEAD_DUPLICATE = "head_duplicate"
    HEAD_MISMATCH = "head_mismatch"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One defect of the claims.

    Attributes:
        path: JSON pointer (RFC 6901) to the field, empty for the claims as a whole.
        code: A `FindingCode`, as text.
        zh: Chinese sentence, precise enough to correct the field.
        en: The same in English.
        value_position: 1-based position of the character meant, in the value trimmed and
            composed (NFC), where the defect is one character.
    """

    path: str
    code: str
    zh: str
    en: str
    value_position: int | None = None

    def to_json(self) -> dict[str, str | int]:
        """Returns the members of a problem document's ``errors`` entry."""
        entry: dict[str, str | int] = {
            "path": self.path,
            "code": self.code,
            "zh": self.zh,
            "en": self.en,
        }
        if self.value_position is not None:
            entry["value_position"] = self.value_position
        return entry


def finding(
    path: str, code: FindingCode, zh: str, en: str, position: int | None = None
) -> FieldError:
    """Makes a finding from a code of the list."""
    return FieldError(path, code.value, zh, en, position)


def from_fault(path: str, fault: CodeFault) -> FieldError:
    """Makes a finding from what a code check found."""
    return FieldError(path, FindingCode(fault.code).value, fault.zh, fault.en, fault.position)
