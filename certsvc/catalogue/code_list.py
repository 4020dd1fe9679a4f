"""Code lists of national standards, as data: a code, its name, and the words seen for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from typing import Self

from pydantic import ValidationError, model_validator

from certsvc.catalogue.errors import TypeFileInvalid
from certsvc.catalogue.schema import Label, Model, explain


class Entry(Model):
    """One code of a list.

    Attributes:
        code: As the standard writes it, leading zeros included.
        label: Its name.
        words: Every Chinese word that this code may stand beside.
    """

    code: str
    label: Label
    words: list[str]


class CodeList(Model):
    """One code list.

    Attributes:
        name: What rules call it, e.g. ``gbt-4761``.
        titles: The standard's title.
        entries: In ascending order of code.
    """

    name: str
    titles: Label
    entries: list[Entry]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        codes = [entry.code for entry in self.entries]
        if codes != sorted(set(codes)):
            raise ValueError("codes are unique and ascending")
        return self

    @cached_property
    def _by_code(self) -> Mapping[str, Entry]:
        return {entry.code: entry for entry in self.entries}

    @cached_property
    def _by_word(self) -> Mapping[str, tuple[str, ...]]:
        words: dict[str, tuple[str, ...]] = {}
        for entry in self.entries:
            for word in entry.words:
                words[word] = (*words.get(word, ()), entry.code)
        return words

    def label(self, code: str) -> Label | None:
        """Returns a code's name, or None for a code the list does not have."""
        entry = self._by_code.get(code)
        return None if entry is None else entry.label

    def codes_for(self, word: str) -> tuple[str, ...]:
        """Returns the codes a word may stand beside, none for a word the list does not have."""
        return self._by_word.get(word, ())

    def contradicts(self, code: str, word: str) -> bool:
        """Says whether the list knows both code and word, and knows them apart."""
        codes = self.codes_for(word)
        return bool(codes) and code in self._by_code and code not in codes


def read_code_list(data: bytes) -> CodeList:
    """Reads one code list.

    Raises:
        TypeFileInvalid: The file is malformed.
    """
    try:
        return CodeList.model_validate_json(data)
    except ValidationError as error:
        raise TypeFileInvalid(f"code list: {explain(error)}") from error


def builtin_code_lists() -> dict[str, CodeList]:
    """Reads the code lists the product ships, by name."""
    folder = resources.files("certsvc.catalogue") / "code_lists"
    lists = [read_code_list(file.read_bytes()) for file in folder.iterdir() if file.is_file()]
    return {one.name: one for one in sorted(lists, key=lambda one: one.name)}
