"""Values that the repository of status lists gives out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a status list, never given out twice."""

    list_no: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInfo:
    """How far a list is used and published. Times are Unix seconds."""

    issuer_id: str
    list_no: int
    size: int
    used: int
    version: int
    published_version: int
    published_at: int | None
