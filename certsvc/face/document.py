"""A certificate's face as PDF/A-3, with the certificate itself attached.

Every text reaches the template as data (`sys.inputs`), never as markup. The same certificate gives
the same bytes: nothing is read from the clock, the system or its fonts.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import typst

from certsvc.catalogue.certificate_type import CertificateType
from certsvc.catalogue.schema import Label
from certsvc.face import barcode, ornament
from certsvc.face.contents import Contents, broken
from certsvc.face.errors import TypesettingFailed
from certsvc.face.fonts import FontSet, load_fonts
from certsvc.face.qr import QUIET_ZONE, Symbol
from certsvc.face.seal import SealImage
from certsvc_sdk.strict import Json

if TYPE_CHECKING:
    from typst import PDFStandard  # a name of the stub only

Language = Literal["zh", "zh-en"]

ATTACHMENT: Final = "certificate.jwt"
ATTACHMENT_TYPE: Final = "application/dc+sd-jwt"

# ISO 19005-3 level A (tagged, Unicode) and ISO 14289-1 (read aloud in order).
_STANDARDS: Final[list[PDFStandard]] = ["a-3a", "ua-1"]
# Level A wants to know what a private-use character means (ISO 19005-3, 6.2.11.7.3); nobody does.
_PRIVATE_STANDARDS: Final[list[PDFStandard]] = ["a-3u"]
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_A4: Final = (210.0, 297.0)
_ROSETTE_MM: Final = 68.0
# How the template says that its one page does not hold the face.
_TOO_MUCH: Final = "TOO-MUCH-FOR-ONE-PAGE"
# More characters than one entry can have on a first page, and on one page of an annex, in the
# smallest type: no size is tried.
_FIRST_PAGE: Final = 1200
_ANNEX_PAGE: Final = 4500


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One certificate to be printed.

    Attributes:
        kind: its type.
        claims: what it shows, as signed.
        identifier: 电子证照标识.
        issuer_name: the department that signed it.
        token: the certificate, ASCII; it is attached as it is.
        issued_at: its `iat`, the document's date, in Unix seconds.
        check_url: where it can be checked, ``https://<host>/v``.
        symbol: its QR symbol.
        typed_code: the short code that can be typed, as it is printed; None for none.
        seal: what the signing service returned; None prints the line that takes its place.
        language: of the labels.
        demo: it comes from a demonstration's trust root, and the paper says so.
        overprint: word of law that ended its force (吊销, 注销, …), printed across every page.
    """

    kind: CertificateType
    claims: Mapping[str, Json]
    identifier: str
    issuer_name: str
    token: str = field(repr=False)
    issued_at: int
    check_url: str
    symbol: Symbol
    typed_code: str | None = None
    seal: SealImage | None = None
    language: Language = "zh"
    demo: bool = False
    overprint: Label | None = None


class Typesetter:
    """Sets faces; keep one, for it holds the fonts. May be shared between threads."""

    def __init__(self, fonts: FontSet | None = None) -> None:
        """Load the template.

        Args:
            fonts: those of the installation; the package's own by default.

        Raises:
            FontsInvalid: the package's fonts cannot be read.
        """
        self.fonts = load_fonts() if fonts is None else fonts
        template = Path(str(resources.files("certsvc.face") / "template" / "face.typ"))
        self._compiler = typst.Compiler(
            template,
            root=template.parent,
            font_paths=self.fonts.fonts,
            ignore_system_fonts=True,
        )
        # The compiler keeps the inputs of a run in itself.
        self._lock = threading.Lock()

    def render(self, printed: Printed) -> bytes:
        """Return the face of a certificate as PDF.

        Raises:
            GlyphMissing: no font has one of its characters.
            CharacterUnprintable: a text holds what nobody would see on paper.
            Unreadable: the typed code is none.
            TypesettingFailed: the typesetter refused it.
        """
        face = printed.kind.definition.printed_face()
        if face.orientation == "landscape":
            try:
                return self._set(printed, landscape=True)
            except TypesettingFailed as error:
                # More than a page holds, even with every text moved behind it: pages flow upright.
                if _TOO_MUCH not in str(error):
                    raise
        return self._set(printed, landscape=False)

    def _set(self, printed: Printed, *, landscape: bool) -> bytes:
        data = json.dumps(_data(printed, self.fonts, landscape), ensure_ascii=False)
        private = _PRIVATE.search(data) is not None
        inputs = {"data": data, "token": printed.token, **_pictures(printed, landscape)}
        try:
            with self._lock:
                made = self._compiler.compile(
                    format="pdf",
                    sys_inputs=inputs,
                    pdf_standards=_PRIVATE_STANDARDS if private else _STANDARDS,
                    timestamp=printed.issued_at,
                )
        except (typst.TypstError, ValueError) as error:
            raise TypesettingFailed(str(error)) from error
        if not isinstance(made, bytes):
            raise TypesettingFailed("the typesetter made no document")
        return made


def render(printed: Printed, typesetter: Typesetter) -> bytes:
    """Return the face of a certificate as PDF; see `Typesetter.render`."""
    return typesetter.render(printed)


def _data(printed: Printed, fonts: FontSet, landscape: bool) -> dict[str, Any]:
    """Everything the template prints, as JSON."""
    contents = Contents(kind=printed.kind, claims=printed.claims, fonts=fonts)
    titles = contents.titles()
    issuer = fonts.checked(printed.issuer_name, "issuer_name")
    code, over = printed.typed_code, printed.overprint
    sections = contents.sections()
    return {
        "language": printed.language,
        "landscape": landscape,
        "serif": fonts.serif,
        "sans": fonts.sans,
        "colours": {
            name: getattr(_colours(printed), name)
            for name in ("ink", "accent", "line", "second", "tint")
        },
        "titles": titles,
        "subtitle": contents.subtitle(),
        "head": contents.head(),
        "sections": sections,
        **_annex(sections),
        "authority": contents.authority() or contents.signer(issuer),
        "date": contents.date(),
        "issuer": issuer,
        "identifier": [_parts(fonts.checked(printed.identifier, "certificate_identifier"))],
        "plain_identifier": printed.identifier,
        "check_url": broken(fonts.checked(printed.check_url, "check_url")),
        "code": None if code is None else fonts.checked(code, "typed_code"),
        "qr_mm": printed.symbol.print_mm,
        "seal": None
        if printed.seal is None
        else {"width": printed.seal.width_mm, "height": printed.seal.height_mm},
        "demo": printed.demo,
        "overprint": None if over is None else contents.label(over, "overprint"),
    }


def _parts(identifier: str) -> list[str]:
    """An identifier's parts, between which a line may break."""
    return re.findall(r"[^.]{0,30}\.|[^.]{1,30}", identifier)


def _annex(sections: list[dict[str, Any]]) -> dict[str, Any]:
    """Which entries may leave the first page, those that free most room first, and which must."""
    entries = [
        entry
        for section in sections
        for column in section.get("columns", [section])
        for entry in column.get("fields", [])
    ]
    ranked = sorted(entries, key=lambda entry: (not entry["long"], -entry["length"]))
    lengths = [entry["length"] for entry in ranked]
    must = [at for at, length in enumerate(lengths, start=1) if length > _FIRST_PAGE]
    moved = max(must, default=0)
    return {
        "annex": [entry["id"] for entry in ranked],
        "annexed": moved,
        "annexed-long": sum(lengths[:moved]) > _ANNEX_PAGE,
    }


def _colours(printed: Printed) -> ornament.Colours:
    face = printed.kind.definition.printed_face()
    return ornament.PALETTES[face.palette or ornament.Seed(printed.kind.name).palette()]


def _pictures(printed: Printed, landscape: bool) -> dict[str, str]:
    """The drawings, as SVG."""
    width, height = _A4[::-1] if landscape else _A4
    colours = _colours(printed)
    pictures = {
        "border": _border(printed.kind.name, colours, width, height),
        "rosette": _rosette(printed.kind.name, colours.tint),
        "qr": _qr_svg(printed.symbol),
    }
    if printed.typed_code is not None:
        pictures["barcode"] = barcode.svg(barcode.barcode(printed.typed_code))
    if printed.seal is not None:
        pictures["seal"] = printed.seal.svg()
    return pictures


@lru_cache(maxsize=64)
def _border(name: str, colours: ornament.Colours, width: float, height: float) -> str:
    return ornament.border(name, colours, width=width, height=height)


@lru_cache(maxsize=64)
def _rosette(name: str, colour: str) -> str:
    return ornament.rosette(name, colour, radius=_ROSETTE_MM)


def _qr_svg(symbol: Symbol) -> str:
    """The symbol as one filled path: printers leave no seams between its rows."""
    path: list[str] = []
    for top, row in enumerate(symbol.matrix, QUIET_ZONE):
        start: int | None = None
        for column, dark in enumerate((*row, False), QUIET_ZONE):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                path.append(f"M{start} {top}h{column - start}v1h{start - column}z")
                start = None
    side = symbol.side
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" '
        f'viewBox="0 0 {side} {side}"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path fill="#000" d="{"".join(path)}"/></svg>'
    )
