"""What stands on one certificate's face, as plain strings for the template.

Everything the template prints passes through here: composed, checked against the fonts, and cut
where a line may break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from certsvc.catalogue.certificate_type import CertificateType
from certsvc.catalogue.codes import read_date
from certsvc.catalogue.face import Face, FaceField, FaceSection
from certsvc.catalogue.pointers import bind, expand
from certsvc.catalogue.schema import Label, node_at
from certsvc.face.fonts import FontSet
from certsvc_sdk.strict import Json

OPEN_ENDED = Label(zh="长期", en="no end")
_SIGNER = Label(zh="签发机关", en="Issued by")
# A block of more characters may not fit a page and is not kept whole; each entry costs a line.
_WHOLE_BLOCK = 3000
_LINE = 40
# Several values of one claim on one line.
_BETWEEN = "；"
# Longer runs without any place for a line to break would leave their column.
_UNBROKEN = 16
_RUNS = re.compile(
    f"[^\\s\u2e80-\U0003ffff]{{{_UNBROKEN + 1},}}"
    f"|[^\\w\\s]{{{_UNBROKEN + 1},}}"
    # Marks that may neither begin nor end a line hold their neighbours fast.
    f"|(?:[\u3005\u303b\u30fc\u30fd\u30fe\u309d\u309e]){{{_UNBROKEN + 1},}}"
)

# A text with places to break: plain text, or parts that stay whole with a break between any.
Broken = list[str | list[str]]
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Turns the claims of one certificate into what the template prints.

    Attributes:
        kind: the certificate's type.
        claims: those the certificate shows.
        fonts: what every text is checked against.
    """

    kind: CertificateType
    claims: Mapping[str, Json]
    fonts: FontSet

    @property
    def _face(self) -> Face:
        return self.kind.definition.printed_face()

    def titles(self) -> dict[str, str]:
        """The certificate's name in both languages."""
        return self.label(self._face.titles or self.kind.titles, "title")

    def subtitle(self) -> str | None:
        """What stands in brackets below the title, if anything."""
        pointer = self._face.subtitle
        return None if pointer is None else self._text(pointer, ())

    def head(self) -> list[Entry]:
        """Entries beside the title."""
        return self._entries(self._face.head, ())

    def authority(self) -> Entry | None:
        """Who issues, where a claim says so."""
        return None if self._face.authority is None else self._entry(self._face.authority, ())

    def signer(self, name: str) -> Entry:
        """The department that signed, where no claim says who issues."""
        return {
            "id": "issuer",
            "label": self.label(_SIGNER, "issuer"),
            "value": broken(name),
            "length": len(name),
            "note": None,
            **dict.fromkeys(("wide", "long", "large"), False),
        }

    def date(self) -> Entry | None:
        """The day of issue, where a claim says so."""
        return None if self._face.date is None else self._entry(self._face.date, ())

    def sections(self) -> list[dict[str, Any]]:
        """The parts of the face, those without any entry left out."""
        made = [self._section(section) for section in self._face.sections]
        return [section for section in made if section is not None]

    def _section(self, section: FaceSection) -> dict[str, Any] | None:
        where = section.each or "section"
        common = {
            "titles": None if section.titles is None else self.label(section.titles, where),
            "grid": section.grid,
        }
        if section.each is not None:
            blocks = [
                self._block(section, found.indexes) for found in expand(self.claims, section.each)
            ]
            return {**common, "kind": "blocks", "blocks": blocks} if blocks else None
        if section.columns:
            columns = [
                {"share": column.share, "fields": self._entries(column.fields, ())}
                for column in section.columns
            ]
            filled = any(column["fields"] for column in columns)
            return {**common, "kind": "columns", "columns": columns} if filled else None
        fields = self._entries(section.fields, ())
        return {**common, "kind": "grid", "fields": fields} if fields else None

    def _block(self, section: FaceSection, indexes: tuple[int, ...]) -> Entry:
        heading = self._entries(section.heading, indexes)
        fields = self._entries(section.fields, indexes)
        size = sum(_LINE + one["length"] for one in (*heading, *fields))
        return {"heading": heading, "fields": fields, "long": size > _WHOLE_BLOCK}

    def _entries(self, fields: list[FaceField], indexes: tuple[int, ...]) -> list[Entry]:
        made = [self._entry(one, indexes) for one in fields]
        return [entry for entry in made if entry is not None]

    def _entry(self, one: FaceField, indexes: tuple[int, ...]) -> Entry | None:
        """One entry, or None where the certificate does not show the claim."""
        value = self._value(one, indexes)
        if not value:
            return None
        note = None if one.note is None else self._text(one.note, indexes)
        return {
            "id": f"{one.claim}{indexes}",
            "label": self._entry_label(one, indexes),
            "value": value,
            "length": sum(map(len, value)),
            "note": note,
            "wide": one.wide,
            "long": one.long,
            "large": one.large,
        }

    def _value(self, one: FaceField, indexes: tuple[int, ...]) -> Broken:
        """What an entry says; nothing where the certificate does not show the claim."""
        if one.form == "text":
            text = self._text(one.claim, indexes)
            return [] if text is None else broken(text)
        first = self._text(one.claim, indexes, dates=True)
        if one.until is None:
            return [] if first is None else [[first]]
        last = self._text(one.until, indexes, dates=True)
        if first is None and last is None:
            return []
        # A line may break before the last day, never inside one.
        return [[first or "", f"至{last or OPEN_ENDED.zh}"]]

    def _entry_label(self, one: FaceField, indexes: tuple[int, ...]) -> dict[str, str]:
        node = node_at(self.kind.definition.claims, one.claim)
        own = one.label or (None if node is None else node.label) or self.kind.titles
        label = self.label(own, one.claim)
        said = None if one.label_claim is None else self._text(one.label_claim, indexes)
        return label if said is None else {**label, "zh": said}

    def _text(self, pattern: str, indexes: tuple[int, ...], *, dates: bool = False) -> str | None:
        """What the certificate says at a pointer, as it is printed; None where it says nothing."""
        texts = [
            self.fonts.checked(_date(value) if dates else value, pointer)
            for pointer, value in self._found(bind(pattern, indexes))
        ]
        return _BETWEEN.join(texts) or None

    def _found(self, pattern: str) -> Iterator[tuple[str, str]]:
        for found in expand(self.claims, pattern):
            if isinstance(found.value, str):
                yield found.pointer, found.value

    def label(self, label: Label, where: str) -> dict[str, str]:
        """A text in both languages, fit to be printed."""
        return {
            "zh": self.fonts.checked(label.zh, where),
            "en": self.fonts.checked(label.en, where),
        }


def _date(text: str) -> str:
    """``2026-11-23`` as 2026年11月23日; anything else as it is."""
    day = read_date(text)
    return text if day is None else f"{day.year}年{day.month}月{day.day}日"


def broken(text: str) -> Broken:
    """Cut a text where a line may break although its characters would not let it.

    Returns:
        Pieces in order: text to be set as usual, or a list of characters with a break between any.
    """
    pieces: Broken = []
    end = 0
    for match in _RUNS.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        pieces.append(list(match[0]))
        end = match.end()
    if end < len(text):
        pieces.append(text[end:])
    return pieces
