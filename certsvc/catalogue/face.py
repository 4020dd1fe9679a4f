"""A certificate's printed face as data: what stands where on the paper, in which order.

A face names claims and shapes; how it is drawn is the business of `certsvc.face`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from certsvc.catalogue.pointers import ANY, segments
from certsvc.catalogue.schema import Label, Model, Node, node_at, walk

Palette = Literal["jade", "indigo", "plum", "bronze", "slate"]


class FaceField(Model):
    """One entry: a label and what a claim says.

    Attributes:
        claim: Pointer of the claim. Where it stands for several values all are printed.
        label: Printed instead of the claim's own label.
        label_claim: Pointer of a claim whose value is the label (法定代表人, 经营者, …).
        form: ``text`` as it is; ``date`` as 2026年11月23日; ``period`` from `claim` to `until`.
        until: Pointer of a period's last day; a period without it is open (长期).
        note: Pointer of a claim printed small behind the value, for example its code.
        wide: Takes the whole width of a grid.
        long: May move to a page of its own when it leaves no room for the others.
        large: Printed larger than its neighbours.
    """

    claim: str
    label: Label | None = None
    label_claim: str | None = None
    form: Literal["text", "date", "period"] = "text"
    until: str | None = None
    note: str | None = None
    wide: bool = False
    long: bool = False
    large: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.form == "period") != (self.until is not None):
            raise ValueError("until goes with form: period")
        return self

    def pointers(self) -> Iterator[str]:
        """Every claim the entry prints."""
        yield from (one for one in (self.claim, self.label_claim, self.until, self.note) if one)


class FaceColumn(Model):
    """Entries one below the other; `share` of the width beside the other columns."""

    share: int = Field(default=1, ge=1, le=12)
    fields: list[FaceField] = Field(min_length=1, max_length=100)


class FaceSection(Model):
    """A part of the face: columns, or a grid that entries fill row by row.

    Attributes:
        titles: Heading of the section.
        each: Pointer ending in ``*``: the section is a block that repeats for every element.
        heading: What names a block, printed large beside its number.
        columns: Side by side, each with its own entries.
        grid: Number of columns that `fields` fill row by row.
        fields: Entries of a grid.
    """

    titles: Label | None = None
    each: str | None = None
    heading: list[FaceField] = Field(default=[], max_length=3)
    columns: list[FaceColumn] = Field(default=[], max_length=3)
    grid: int = Field(default=2, ge=1, le=3)
    fields: list[FaceField] = Field(default=[], max_length=100)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.columns) == bool(self.fields):
            raise ValueError("a section has either columns or fields")
        if self.each is None and self.heading:
            raise ValueError("heading goes with each")
        if self.each is not None and self.columns:
            raise ValueError("a repeated block is a grid of fields")
        return self

    def entries(self) -> Iterator[FaceField]:
        """Every entry of the section."""
        yield from self.heading
        yield from self.fields
        for column in self.columns:
            yield from column.fields


class Face(Model):
    """The face of a type.

    Attributes:
        paper: ISO 216 size.
        orientation: ``landscape``: one page, long texts may have a page of their own;
            ``portrait``: as many pages as it takes.
        titles: Printed instead of the type's title.
        subtitle: Pointer of a claim printed in brackets below the title (正本, 副本).
        palette: Colours of the ornament; chosen by the type's name where absent.
        head: Entries beside the title.
        sections: The parts, in order.
        authority: Who issues, at the foot; the signing department where absent.
        date: Day of issue, at the foot.
    """

    paper: Literal["a4"] = "a4"
    orientation: Literal["landscape", "portrait"]
    titles: Label | None = None
    subtitle: str | None = None
    palette: Palette | None = None
    head: list[FaceField] = Field(default=[], max_length=8)
    sections: list[FaceSection] = Field(default=[], max_length=12)
    authority: FaceField | None = None
    date: FaceField | None = None

    def check(self, root: Node) -> None:
        """Holds the face to the claims of its type.

        Raises:
            ValueError: It names a claim that is none or that stands elsewhere, a date that is
                none, or leaves out a claim: the paper says all that the code says.
        """
        printed = set() if self.subtitle is None else {self.subtitle}
        for each, one in self._entries():
            pointers = list(one.pointers())
            for pointer in pointers:
                self._check_pointer(root, pointer, each)
            dates = {"text": [], "date": [one.claim], "period": [one.claim, one.until or ""]}
            for pointer in dates[one.form]:
                node = node_at(root, pointer)
                if node is None or node.format != "date":
                    raise ValueError(f"face: {pointer} is no date")
            printed.update(pointers)
        if self.subtitle is not None:
            self._check_pointer(root, self.subtitle, None)
        missing = [at for at, node in walk(root) if node.type == "string" and at not in printed]
        if missing:
            raise ValueError(f"face: leaves out {missing}")

    def _entries(self) -> Iterator[tuple[str | None, FaceField]]:
        yield from ((None, one) for one in self.head)
        yield from ((None, one) for one in (self.authority, self.date) if one is not None)
        for section in self.sections:
            if section.each is not None and segments(section.each)[-1:] != (ANY,):
                raise ValueError(f"face: {section.each} does not repeat")
            yield from ((section.each, one) for one in section.entries())

    @staticmethod
    def _check_pointer(root: Node, pointer: str, each: str | None) -> None:
        node = node_at(root, pointer)
        if node is None or node.type != "string":
            raise ValueError(f"face: {pointer} is no text claim")
        inside = f"{each}/" if each else ""
        if not (pointer.startswith(inside) or pointer == each):
            raise ValueError(f"face: {pointer} does not stand in {each}")


def default_face(root: Node) -> Face:
    """Returns a plain face for a type that brings none: every claim, in the schema's order.

    Args:
        root: The type's claims.
    """
    plain: list[FaceField] = []
    blocks: dict[str, list[FaceField]] = {}
    for pointer, node in walk(root):
        if node.type != "string":
            continue
        field = FaceField(
            claim=pointer,
            form="date" if node.format == "date" else "text",
            wide=(node.max_length or 0) > _WIDE_FROM or ANY in segments(pointer)[-1:],
        )
        first, many, _ = pointer.partition(f"/{ANY}/")
        if many:
            blocks.setdefault(f"{first}/{ANY}", []).append(field)
        else:
            plain.append(field)
    head = [one for one in plain if ANY not in segments(one.claim) and _is_short(root, one.claim)][
        :_HEAD
    ]
    rest = [one for one in plain if one not in head]
    sections = [FaceSection(grid=2, fields=rest)] if rest else []
    for each, fields in blocks.items():
        array = node_at(root, each.removesuffix(f"/{ANY}"))
        sections.append(
            FaceSection(
                titles=None if array is None else array.label,
                each=each,
                heading=fields[:1],
                fields=fields[1:] or fields,
            )
        )
    return Face(orientation="portrait", head=head, sections=sections)


def _is_short(root: Node, pointer: str) -> bool:
    node = node_at(root, pointer)
    return node is not None and (node.max_length or 0) <= _SHORT


# A claim that may be longer than this gets the whole width of a plain face.
_WIDE_FROM = 60
# As many entries as stand beside the QR code of a plain face, and how long they may be.
_HEAD = 6
_SHORT = 200
