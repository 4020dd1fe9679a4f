"""The manifest: what a bundle holds and who says when it was made; the maker signs these bytes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.bundle.archive import MAX_MEMBERS
from certsvc_sdk.bundle.errors import BundleInvalid
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.jws"
VERSION: Final = 1
# 130 bytes and a name for each part.
MAX_MANIFEST: Final = 16 * 1024 * 1024
_MEMBERS: Final = frozenset({"version", "made_at", "trust_verified_at", "parts"})
_PART: Final = frozenset({"size", "sha256"})


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        size: bytes.
        sha256: lower-case hex.
        uri: address of the document, for type metadata, which do not name it themselves.
    """

    size: int
    sha256: str
    uri: str | None = None

    @classmethod
    def of(cls, data: bytes, uri: str | None = None) -> "Part":
        """Describe some bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest(), uri)

    def to_json(self) -> dict[str, Json]:
        """The JSON object in the manifest."""
        obj: dict[str, Json] = {"size": self.size, "sha256": self.sha256}
        return obj if self.uri is None else obj | {"uri": self.uri}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the maker says of a bundle.

    Attributes:
        made_at: Unix seconds.
        trust_verified_at: Unix seconds at which the maker last saw the trust data live.
        parts: by name, in the order of the file.
    """

    made_at: int
    trust_verified_at: int
    parts: Mapping[str, Part]

    def to_bytes(self) -> bytes:
        """The manifest's bytes."""
        return strict.dumps(
            {
                "version": VERSION,
                "made_at": self.made_at,
                "trust_verified_at": self.trust_verified_at,
                "parts": {name: part.to_json() for name, part in self.parts.items()},
            }
        )


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        BundleInvalid: another version, missing or unknown members, wrong types.
    """
    what = "manifest"
    try:
        obj = strict.loads_object(
            data,
            max_bytes=MAX_MANIFEST,
            what=what,
            max_members=MAX_MEMBERS,
            max_copied=MAX_MANIFEST,
        )
        if obj.keys() != _MEMBERS or strict.integer(obj, "version", what) != VERSION:
            raise BundleInvalid("the bundle is of another version")
        parts = strict.members(obj, "parts", what)
        return Manifest(
            made_at=_moment(obj, "made_at"),
            trust_verified_at=_moment(obj, "trust_verified_at"),
            parts={name: _part(part) for name, part in parts.items()},
        )
    except Malformed as error:
        raise BundleInvalid(f"the bundle's manifest is malformed: {error}") from error


def _part(value: Json) -> Part:
    if not isinstance(value, dict) or value.keys() - {"uri"} != _PART:
        raise BundleInvalid("the bundle's manifest is malformed")
    return Part(
        strict.integer(value, "size", "manifest"),
        strict.text(value, "sha256", "manifest"),
        strict.optional_text(value, "uri", "manifest"),
    )


def _moment(obj: Mapping[str, Json], name: str) -> int:
    value = strict.integer(obj, name, "manifest")
    if value < 0:
        raise BundleInvalid(f"the bundle's manifest is malformed: {name}")
    return value
