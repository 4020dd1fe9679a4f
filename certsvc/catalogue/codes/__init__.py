"""Pure checks of the codes certificates carry. Each names one defect, never several."""

from __future__ import annotations

from certsvc.catalogue.codes.citizen_id import (
    birth_date_of,
    check_citizen_id,
    citizen_id_check_character,
)
from certsvc.catalogue.codes.dates import check_date, read_date
from certsvc.catalogue.codes.fault import CodeFault
from certsvc.catalogue.codes.identifier import (
    CertificateIdentifier,
    check_identifier,
    check_type_code,
    identifier_check_character,
    make_identifier,
    parse_identifier,
)
from certsvc.catalogue.codes.uscc import (
    check_organisation_code,
    check_uscc,
    uscc_check_character,
)

__all__ = [
    "CertificateIdentifier",
    "CodeFault",
    "birth_date_of",
    "check_citizen_id",
    "check_date",
    "check_identifier",
    "check_organisation_code",
    "check_type_code",
    "check_uscc",
    "citizen_id_check_character",
    "identifier_check_character",
    "make_identifier",
    "parse_identifier",
    "read_date",
    "uscc_check_character",
]
