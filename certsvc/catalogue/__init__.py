"""Certificate types as data: claims, labels, disclosure, validity, status words.

Pure: no clock, no network, no database. `Catalogue.builtin().get("business-licence")`.
"""

from __future__ import annotations

from certsvc.catalogue.catalogue import Catalogue
from certsvc.catalogue.certificate_type import CertificateType, Holder
from certsvc.catalogue.errors import (
    CatalogueError,
    ClaimsInvalid,
    CodeInvalid,
    OperationUnknown,
    ProfileUnknown,
    ReasonUnknown,
    TypeFileInvalid,
    TypeUnknown,
)
from certsvc.catalogue.findings import FieldError, FindingCode
from certsvc.catalogue.profile import MAX_DISCLOSURES, Profile
from certsvc.catalogue.schema import Label
from certsvc.catalogue.status import Operation, Reason, Status, StatusWord
from certsvc.catalogue.validity import Validity, shanghai_date

__all__ = [
    "MAX_DISCLOSURES",
    "Catalogue",
    "CatalogueError",
    "CertificateType",
    "ClaimsInvalid",
    "CodeInvalid",
    "FieldError",
    "FindingCode",
    "Holder",
    "Label",
    "Operation",
    "OperationUnknown",
    "Profile",
    "ProfileUnknown",
    "Reason",
    "ReasonUnknown",
    "Status",
    "StatusWord",
    "TypeFileInvalid",
    "TypeUnknown",
    "Validity",
    "shanghai_date",
]
