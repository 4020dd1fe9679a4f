"""One type metadata document, read strictly (SD-JWT VC, "Type Metadata Format").

Members that are not understood are ignored, as the draft demands; those that are understood have
one form only. Rendering metadata (logos, SVG templates) is not understood here: nothing of this
system draws what a remote party says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from certsvc_sdk import strict
from certsvc_sdk.errors import Malformed, TypeMetadataInvalid
from certsvc_sdk.strict import MAX_DEPTH, Json

# The household register needs 20 KB; a document may carry a logo as data: URI.
MAX_DOCUMENT: Final = 256 * 1024
# A type has under 100 claims.
MAX_CLAIMS: Final = 512
MAX_LOCALES: Final = 32
# SD-JWT VC, "Risks Associated with Textual Information": no text distorts the page it stands on.
MAX_LABEL: Final = 256
MAX_DESCRIPTION: Final = 4096
_MAX_URI: Final = 2048

# Shape of RFC 5646 section 2.1; 35 characters hold every tag in use (section 4.4.1).
_LOCALE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_MAX_LOCALE: Final = 35
_SVG_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# Control characters, line separators, bidirectional controls.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

#: String: member; None: every element of an array; number: that element, as issued.
ClaimPath: TypeAlias = tuple[str | int | None, ...]


class Sd(StrEnum):
    """Whether the issuer makes a claim selectively disclosable."""

    ALWAYS = "always"
    ALLOWED = "allowed"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """A type's or claim's name for people in one language.

    Attributes:
        locale: language tag (RFC 5646) as the document writes it.
        name: `name` of a type, `label` of a claim.
        description: longer text, or None.
    """

    locale: str
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMetadata:
    """What a document says of a claim; None where it says nothing.

    Attributes:
        path: which claim, or claims.
        display: names for people, or None.
        mandatory: every certificate of the type holds it.
        sd: whether it is selectively disclosable.
        svg_id: name in SVG templates.
    """

    path: ClaimPath
    display: tuple[Display, ...] | None = None
    mandatory: bool | None = None
    sd: Sd | None = None
    svg_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as it stands, before what it extends is put under it.

    Attributes:
        vct: the type it describes.
        name: for developers, or None.
        description: for developers, or None.
        extends: `vct` of the type it extends, or None.
        extends_integrity: integrity metadata of that type's document, or None.
        display: names for people, or None.
        claims: in the document's order.
    """

    vct: str
    name: str | None = None
    description: str | None = None
    extends: str | None = None
    extends_integrity: str | None = None
    display: tuple[Display, ...] | None = None
    claims: tuple[ClaimMetadata, ...] = ()


def parse(data: bytes) -> Document:
    """Read a document.

    Raises:
        TypeMetadataInvalid: no strict JSON object, or a member of the draft in another form.
    """
    try:
        return _document(strict.loads_object(data, max_bytes=MAX_DOCUMENT, what="type metadata"))
    except Malformed as error:
        raise TypeMetadataInvalid(str(error)) from error


def _document(obj: Mapping[str, Json]) -> Document:
    claims = tuple(_claim(entry) for entry in _entries(obj, "claims", MAX_CLAIMS) or ())
    # Two objects for one claim would leave open which of them holds.
    unique([claim.path for claim in claims], "path")
    unique([claim.svg_id for claim in claims if claim.svg_id is not None], "svg_id")
    extends = _text(obj, "extends", _MAX_URI)
    integrity = _text(obj, "extends#integrity", _MAX_URI)
    if integrity is not None and extends is None:
        raise TypeMetadataInvalid("extends#integrity without extends")
    return Document(
        vct=_required(obj, "vct", _MAX_URI),
        name=_text(obj, "name", MAX_DESCRIPTION),
        description=_text(obj, "description", MAX_DESCRIPTION),
        extends=extends,
        extends_integrity=integrity,
        display=_displays(obj, "name"),
        claims=claims,
    )


def unique(values: list[ClaimPath] | list[str], what: str) -> None:
    """Refuse a value that stands twice.

    Raises:
        TypeMetadataInvalid: one does.
    """
    if len(set(values)) != len(values):
        raise TypeMetadataInvalid(f"claims: the same {what} stands twice")


def _claim(obj: Mapping[str, Json]) -> ClaimMetadata:
    mandatory = obj.get("mandatory")
    if "mandatory" in obj and not isinstance(mandatory, bool):
        raise TypeMetadataInvalid("claims: mandatory is true or false")
    sd = _text(obj, "sd", MAX_LABEL)
    if sd is not None and sd not in list(Sd):
        raise TypeMetadataInvalid("claims: sd is always, allowed or never")
    svg_id = _text(obj, "svg_id", MAX_LABEL)
    if svg_id is not None and not _SVG_ID.fullmatch(svg_id):
        raise TypeMetadataInvalid("claims: svg_id breaks its grammar")
    return ClaimMetadata(
        path=_path(obj.get("path")),
        display=_displays(obj, "label"),
        mandatory=mandatory if isinstance(mandatory, bool) else None,
        sd=None if sd is None else Sd(sd),
        svg_id=svg_id,
    )


def _path(value: Json) -> ClaimPath:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_DEPTH:
        raise TypeMetadataInvalid("claims: path is an array of one or more components")
    steps: list[str | int | None] = []
    for step in value:
        # `type` and not `isinstance`: true is no index.
        if step is None or isinstance(step, str) or (type(step) is int and step >= 0):
            steps.append(step)
        else:
            raise TypeMetadataInvalid("claims: a path has names, null and non-negative integers")
    return tuple(steps)


def _displays(obj: Mapping[str, Json], title: str) -> tuple[Display, ...] | None:
    entries = _entries(obj, "display", MAX_LOCALES)
    if entries is None:
        return None
    found = tuple(_display(entry, title) for entry in entries)
    if len({one.locale.lower() for one in found}) != len(found):
        raise TypeMetadataInvalid("display: the same locale stands twice")
    return found


def _display(obj: Mapping[str, Json], title: str) -> Display:
    locale = _required(obj, "locale", _MAX_LOCALE)
    if not _LOCALE.fullmatch(locale):
        raise TypeMetadataInvalid("display: locale is no language tag")
    return Display(
        locale=locale,
        name=_required(obj, title, MAX_LABEL),
        description=_text(obj, "description", MAX_DESCRIPTION),
    )


def _entries(obj: Mapping[str, Json], name: str, limit: int) -> list[dict[str, Json]] | None:
    if name not in obj:
        return None
    value = obj[name]
    if not isinstance(value, list) or len(value) > limit:
        raise TypeMetadataInvalid(f"{name} is an array of at most {limit} objects")
    entries = [entry for entry in value if isinstance(entry, dict)]
    if len(entries) != len(value):
        raise TypeMetadataInvalid(f"{name} holds objects only")
    return entries


def _required(obj: Mapping[str, Json], name: str, limit: int) -> str:
    value = _text(obj, name, limit)
    if not value:
        raise TypeMetadataInvalid(f"type metadata: {name} is missing or empty")
    return value


def _text(obj: Mapping[str, Json], name: str, limit: int) -> str | None:
    value = strict.optional_text(obj, name, "type metadata")
    if value is None:
        return None
    visible = value.translate(_BREAKS) if limit == MAX_DESCRIPTION else value
    if len(value) > limit or _UNSEEN.search(visible):
        raise TypeMetadataInvalid(f"type metadata: {name} is too long or has unseen characters")
    return value


# Descriptions may have lines.
_BREAKS: Final = {ord("\n"): " ", ord("\t"): " "}
