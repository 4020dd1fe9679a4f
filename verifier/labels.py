"""Names of types, claims and checks for people; the verifier has no catalogue to ask."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

# vct = https://<host>/vct/<type>/<version>
_VCT = re.compile(r".*/vct/([a-z0-9-]{1,64})/[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Words:
    """The same in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True)
class TypeLabels:
    """Title of a certificate type, and its claims' labels by JSON pointer (`*`: any element)."""

    title: Words
    claims: Mapping[str, Words]

    @cached_property
    def mapping(self) -> Mapping[str, Mapping[str, str]]:
        """The claims' labels by language, as a verdict's sentence takes them."""
        return {pointer: {"zh": one.zh, "en": one.en} for pointer, one in self.claims.items()}

    def claim(self, pointer: str) -> Words:
        """The label, or the claim's own name where there is none."""
        name = pointer.rpartition("/")[2]
        return self.claims.get(pointer, Words(name, ""))


@dataclass(frozen=True, slots=True)
class Labels:
    """All labels the verifier ships."""

    types: Mapping[str, TypeLabels]
    checks: Mapping[str, Words]

    def of(self, vct: str | None) -> TypeLabels:
        """Labels of a certificate's type; of an unknown type, its bare name and no labels."""
        name = _type_name(vct or "")
        return self.types.get(name) or TypeLabels(Words(name, ""), {})

    def check(self, name: str) -> Words:
        """The label of a numbered check."""
        return self.checks.get(name, Words(name, ""))


@lru_cache(maxsize=256)  # only verified certificates have a type, and offices few
def _type_name(vct: str) -> str:
    match = _VCT.fullmatch(vct)
    return match.group(1) if match else ""


def load_labels(path: Path | None = None) -> Labels:
    """Reads `labels.json`, which ships with this package."""
    text = (path or Path(__file__).with_name("labels.json")).read_text(encoding="utf-8")
    table = json.loads(text)
    types = {
        name: TypeLabels(Words(**entry["title"]), _words(entry["claims"]))
        for name, entry in table["types"].items()
    }
    return Labels(types, _words(table["checks"]))


def _words(entries: Mapping[str, Mapping[str, str]]) -> dict[str, Words]:
    return {name: Words(**words) for name, words in entries.items()}
