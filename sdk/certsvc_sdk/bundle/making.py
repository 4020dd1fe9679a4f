"""Making a bundle of what a verifier has verified and cached."""

import hashlib
from typing import TYPE_CHECKING, Final

from certsvc_sdk.bundle.archive import is_name, pack
from certsvc_sdk.bundle.manifest import MANIFEST, SIGNATURE, Manifest, Part
from certsvc_sdk.bundle.offices import Offices
from certsvc_sdk.cache import StatusCache, parse_list
from certsvc_sdk.world import StatusSnapshot

if TYPE_CHECKING:
    from certsvc_sdk.bundle.maker import Maker
    from certsvc_sdk.client import Verifier

TRUST_FOLDER: Final = "trust/"
STATUS_FOLDER: Final = "status/"
TYPE_FOLDER: Final = "types/"


def make(verifier: "Verifier", key: "Maker | None" = None) -> bytes:
    """Return everything a verifier holds as one file; `Verifier.prefetch` first makes it whole.

    Args:
        verifier: its cache is read, nothing is fetched.
        key: signs the manifest; None: the bundle bears no signature.

    Raises:
        TrustUnavailable: no trust data were ever fetched, or they are damaged.
        BundleInvalid: there is more than a bundle can hold.
    """
    holdings = verifier.holdings
    view, files = holdings.trust.export()
    parts = {name: data for name, data in files.items() if is_name(name)}
    offices = Offices(view.issuers())
    for uri in holdings.cache.uris():
        data = _genuine(holdings.cache, uri, offices)
        if data is not None:
            parts[f"{STATUS_FOLDER}{_digest(uri)}.jwt"] = data
    uris = {}
    for uri, document in holdings.types.stored():
        name = f"{TYPE_FOLDER}{_digest(uri)}.json"
        parts[name], uris[name] = document, uri
    manifest = Manifest(
        made_at=verifier.now,
        trust_verified_at=view.as_of,
        parts={name: Part.of(parts[name], uris.get(name)) for name in sorted(parts)},
    ).to_bytes()
    members = {MANIFEST: manifest}
    if key is not None:
        members[SIGNATURE] = key.sign(manifest)
    return pack(members | {name: parts[name] for name in sorted(parts)})


def _genuine(cache: StatusCache, uri: str, offices: Offices) -> bytes | None:
    """Return a cached list that its issuer published, None for what nobody else would take."""
    stored, record = cache.load(uri), offices.of(uri)
    token = None if stored is None else parse_list(stored)
    if stored is None or token is None or record is None:
        return None
    genuine = StatusSnapshot(token, stored.fetched_at).is_genuine(record, uri)
    return stored.token.encode("ascii") if genuine else None


def _digest(uri: str) -> str:
    return hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()
