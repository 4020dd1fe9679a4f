"""Profiles: what one issue of a type shows, and what of it can be withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certsvc.catalogue.findings import FieldError, FindingCode, finding
from certsvc.catalogue.pointers import expand, segments
from certsvc.catalogue.schema import Label
from certsvc_sdk.strict import Json

MAX_DISCLOSURES = 256  # the wire format counts salts in one byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way to issue a type.

    Attributes:
        name: As requests name it.
        titles: For people.
        disclose: What becomes selectively disclosable, as `certsvc_sdk.sdjwt.draft` takes it.
        members: Pointers of the claims shown.
    """

    name: str
    titles: Label
    disclose: frozenset[str]
    members: tuple[str, ...]

    def select(self, claims: Mapping[str, Json]) -> dict[str, Json]:
        """Returns the claims the profile shows, in the order they came."""
        return _pick_members(claims, [segments(member) for member in self.members])

    def disclosures(self, claims: Mapping[str, Json]) -> int:
        """Returns how many disclosures a certificate with these claims has."""
        shown = self.select(claims)
        return sum(1 for pointer in self.disclose for _ in expand(shown, pointer))

    def check_size(self, claims: Mapping[str, Json]) -> list[FieldError]:
        """Returns a finding where claims would make more disclosures than the format carries."""
        count = self.disclosures(claims)
        if count <= MAX_DISCLOSURES:
            return []
        return [
            finding(
                "",
                FindingCode.TOO_MANY_DISCLOSURES,
                f"内容过多：可选择披露项最多 {MAX_DISCLOSURES} 个，实际 {count} 个，请改用精简版",
                f"too much for one certificate: {count} disclosures, at most {MAX_DISCLOSURES}; "
                "use a smaller profile",
            )
        ]


def _pick(value: Json, paths: list[tuple[str, ...]]) -> Json:
    """Keeps of a value what the paths name, in the value's own order."""
    if any(not path for path in paths):
        return value
    if isinstance(value, list):
        inner = [path[1:] for path in paths]
        return [_pick(element, inner) for element in value]
    return _pick_members(value, paths) if isinstance(value, dict) else value


def _pick_members(members: Mapping[str, Json], paths: list[tuple[str, ...]]) -> dict[str, Json]:
    return {
        name: _pick(value, [path[1:] for path in paths if path[0] == name])
        for name, value in members.items()
        if any(path[0] == name for path in paths)
    }
