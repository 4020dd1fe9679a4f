"""The catalogue: every certificate type and version an installation may issue."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Self

from certsvc.catalogue.certificate_type import CertificateType
from certsvc.catalogue.code_list import builtin_code_lists
from certsvc.catalogue.errors import TypeFileInvalid, TypeUnknown
from certsvc.catalogue.model import read_type_file


class Catalogue:
    """Certificate types by name and version. Immutable after construction."""

    def __init__(self, types: Iterable[CertificateType]) -> None:
        self._types: dict[tuple[str, int], CertificateType] = {}
        for one in types:
            if (one.name, one.version) in self._types:
                raise TypeFileInvalid(f"{one.name} version {one.version} stands twice")
            self._types[one.name, one.version] = one

    @classmethod
    def builtin(cls) -> Self:
        """Reads the types the product ships."""
        folder = resources.files("certsvc.catalogue") / "types"
        files = sorted((file.name, file) for file in folder.iterdir() if file.is_file())
        return cls.load(file.read_bytes() for _, file in files)

    @classmethod
    def load(cls, documents: Iterable[bytes]) -> Self:
        """Reads type files, built-in ones or a department's own.

        Raises:
            TypeFileInvalid: One of them is malformed, contradicts itself, or stands twice.
        """
        code_lists = builtin_code_lists()
        return cls(CertificateType.build(read_type_file(one), code_lists) for one in documents)

    def names(self) -> tuple[str, ...]:
        """Returns the names of all types, sorted."""
        return tuple(sorted({name for name, _ in self._types}))

    def versions(self, name: str) -> tuple[int, ...]:
        """Returns the versions of a type, ascending; none for a type it does not have."""
        return tuple(sorted(version for one, version in self._types if one == name))

    def get(self, name: str, version: int | None = None) -> CertificateType:
        """Returns a type, its newest version unless one is named.

        Raises:
            TypeUnknown: No such type, or no such version of it.
        """
        versions = self.versions(name)
        if not versions or (version is not None and version not in versions):
            raise TypeUnknown(f"no certificate type {name!r}, version {version or 'any'}")
        return self._types[name, versions[-1] if version is None else version]
