# ruff: noqa: N818 — names say what is wrong; the stable codes repeat them
"""The catalogue's exceptions.

::

    CatalogueError                 catalogue_error
    ├── CodeInvalid                code_invalid      a code given to a maker is not one
    ├── ClaimsInvalid              claims_invalid    claims no certificate can be read from
    ├── TypeUnknown                type_unknown      no such type or version
    ├── ProfileUnknown             profile_unknown   the type has no such profile
    ├── OperationUnknown           operation_unknown the type has no such status operation
    ├── ReasonUnknown              reason_unknown    the operation has no such reason
    └── TypeFileInvalid            type_file_invalid a type's description contradicts itself
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalogue.codes.fault import CodeFault
    from certsvc.catalogue.findings import FieldError


class CatalogueError(Exception):
    """Root of everything the catalogue raises."""

    code: ClassVar[str] = "catalogue_error"


class CodeInvalid(CatalogueError):
    """A code (USCC, citizen ID, certificate identifier, date) breaks its standard."""

    code = "code_invalid"

    def __init__(self, fault: CodeFault) -> None:
        super().__init__(fault.en)
        self.fault = fault


class ClaimsInvalid(CatalogueError):
    """Claims that cannot become a certificate of the type."""

    code = "claims_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(error.en for error in errors))
        self.errors = tuple(errors)


class TypeUnknown(CatalogueError):
    """No such certificate type, or no such version of it."""

    code = "type_unknown"


class ProfileUnknown(CatalogueError):
    """The type has no such profile."""

    code = "profile_unknown"


class OperationUnknown(CatalogueError):
    """The type has no such status operation."""

    code = "operation_unknown"


class ReasonUnknown(CatalogueError):
    """The operation has no such reason."""

    code = "reason_unknown"


class TypeFileInvalid(CatalogueError):
    """A type or code-list file is malformed or contradicts itself."""

    code = "type_file_invalid"
