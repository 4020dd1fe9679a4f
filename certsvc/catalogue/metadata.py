"""SD-JWT VC type metadata (draft-ietf-oauth-sd-jwt-vc, "SD-JWT VC Type Metadata").

Made of the members the draft names and of no others, so that strict readers take it.
"""

from __future__ import annotations

from typing import Any

from certsvc.catalogue.model import TypeFile
from certsvc.catalogue.pointers import ANY, segments
from certsvc.catalogue.schema import Label, walk

# BCP 47 (RFC 5646); Chinese first.
_LOCALES = (("zh-CN", "zh"), ("en", "en"))

# Set by the issuing service on every certificate, whatever its type.
_IDENTIFIER = Label(zh="电子证照标识", en="Certificate identifier")


def type_metadata(definition: TypeFile, vct: str) -> dict[str, Any]:
    """Returns the type metadata document of a type.

    Args:
        definition: The type.
        vct: Its identifier, which is also the document's address.
    """
    claims = [_claim(["certificate_identifier"], _IDENTIFIER, sd="never", mandatory=True)]
    for pointer, node in walk(definition.claims):
        path = [None if segment == ANY else segment for segment in segments(pointer)]
        label = node.label or definition.titles
        mandatory = _mandatory(definition, pointer)
        claims.append(_claim(path, label, sd=_sd(definition, pointer), mandatory=mandatory))
    return {
        "vct": vct,
        "name": definition.titles.en,
        "description": definition.descriptions.en,
        "display": [
            {
                "locale": locale,
                "name": getattr(definition.titles, language),
                "description": getattr(definition.descriptions, language),
            }
            for locale, language in _LOCALES
        ],
        "claims": claims,
    }


def _claim(path: list[str | None], label: Label, *, sd: str, mandatory: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": path,
        "display": [
            {"locale": locale, "label": getattr(label, language)} for locale, language in _LOCALES
        ],
    }
    if mandatory:
        entry["mandatory"] = True
    return {**entry, "sd": sd}


def _sd(definition: TypeFile, pointer: str) -> str:
    """Says whether the claim is disclosable in every profile that shows it, in none, or in some."""
    disclosed = {
        pointer in profile.disclose for profile in definition.profiles if profile.shows(pointer)
    }
    if disclosed == {True}:
        return "always"
    return "allowed" if True in disclosed else "never"


def _mandatory(definition: TypeFile, pointer: str) -> bool:
    """Says whether every certificate of the type holds the claim, in whatever profile."""
    parts = segments(pointer)
    required = len(parts) == 1 and parts[0] in (definition.claims.required or ())
    return required and all(profile.shows(pointer) for profile in definition.profiles)
