"""Profiles: what one issue of a type shows, and what of it can be withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from certsvc.catalogue.findings import FieldError, FindingCode, finding
from certsvc.catalogue.pointers import expand, segments
from certsvc.catalogue.schema import Label
from certsvc_sdk.strict import Json

MAX_DISCLOSURES = 256  # the wire format counts salts in one byte

_Paths = tuple[tuple[str, ...], ...]


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
        return _pick_members(claims, tuple(map(segments, self.members)))

    def disclosures(self, claims: Mapping[str, Json]) -> int:
        """Returns how many disclosures a certificate with these claims has."""
        return self._count(self.select(claims))

    def _count(self, shown: Mapping[str, Json]) -> int:
        return sum(1 for pointer in self.disclose for _ in expand(shown, pointer))

    def check_size(self, shown: Mapping[str, Json]) -> list[FieldError]:
        """Returns a finding where selected claims make more disclosures than the format carries."""
        count = self._count(shown)
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


def _pick(value: Json, paths: _Paths) -> Json:
    """Keeps of a value what the paths name, in the value's own order."""
    if () in paths:
        return value
    if isinstance(value, list):
        inner = tuple(path[1:] for path in paths)
        return [_pick(element, inner) for element in value]
    return _pick_members(value, paths) if isinstance(value, dict) else value


def _pick_members(members: Mapping[str, Json], paths: _Paths) -> dict[str, Json]:
    inner = _inner(paths)
    return {name: _pick(value, inner[name]) for name, value in members.items() if name in inner}


@lru_cache(maxsize=256)
def _inner(paths: _Paths) -> Mapping[str, _Paths]:
    """The rest of the paths behind each name; the same for every certificate of a profile."""
    names = dict.fromkeys(path[0] for path in paths)
    return {name: tuple(path[1:] for path in paths if path[0] == name) for name in names}
