"""Taking a bundle apart: its parts are those of its manifest, and nothing is believed yet."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from certsvc_sdk.bundle.archive import unpack
from certsvc_sdk.bundle.errors import BundleInvalid
from certsvc_sdk.bundle.maker import signer_of
from certsvc_sdk.bundle.manifest import MANIFEST, SIGNATURE, Manifest, read_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle taken apart.

    Attributes:
        manifest: what the maker says of it.
        parts: content by name.
        is_signed: it bears a maker's signature, good or not.
    """

    manifest: Manifest
    parts: Mapping[str, bytes]
    is_signed: bool
    _signed: bytes
    _signature: bytes | None

    def maker(self, makers: Collection[str]) -> str:
        """Return which of the makers signed it.

        Args:
            makers: public keys (`Maker.public`).

        Raises:
            BundleUntrusted: none of them.
            BundleInvalid: a public key is none.
        """
        return signer_of(self._signed, self._signature, makers)

    def below(self, folder: str) -> dict[str, bytes]:
        """Return the parts of a folder, by their whole names."""
        return {name: data for name, data in self.parts.items() if name.startswith(folder)}


def read(data: bytes) -> Bundle:
    """Take a bundle apart.

    Args:
        data: the whole file.

    Raises:
        BundleInvalid: it is no bundle in its canonical form, or a part is not the listed one.
    """
    members = unpack(data)
    signed = members.pop(MANIFEST, None)
    signature = members.pop(SIGNATURE, None)
    if signed is None:
        raise BundleInvalid("the file has no manifest")
    manifest = read_manifest(signed)
    if [*manifest.parts] != [*members]:
        raise BundleInvalid("the parts are not those of the manifest")
    for name, part in manifest.parts.items():
        content = members[name]
        if (part.size, part.sha256) != (len(content), hashlib.sha256(content).hexdigest()):
            raise BundleInvalid(f"a part was altered: {name}")
    return Bundle(
        manifest=manifest,
        parts=members,
        is_signed=signature is not None,
        _signed=signed,
        _signature=signature,
    )
