"""Who makes bundles: an Ed25519 key (RFC 8032), its file, and the signature over a manifest."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from certsvc_sdk import jws, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.bundle.errors import BundleInvalid, BundleUntrusted
from certsvc_sdk.bundle.manifest import MAX_MANIFEST
from certsvc_sdk.errors import CertsvcError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TYP: Final = "certsvc-bundle+jws"
ALG: Final = "Ed25519"


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker's private key."""

    private: "Ed25519PrivateKey"

    @property
    def public(self) -> str:
        """The public key as `makers=` and `--maker` take it: 43 characters, `x` of RFC 8037."""
        return strict.b64u_encode(self.private.public_key().public_bytes_raw())

    def sign(self, manifest: bytes) -> bytes:
        """Return the compact JWS of a manifest without its payload (RFC 7515 appendix F)."""
        header = {"alg": ALG, "typ": TYP, "kid": _public_key(self.public).kid}
        signed = jws.signing_input(header, manifest)
        head = signed.partition(b".")[0].decode("ascii")
        return f"{head}..{strict.b64u_encode(self.private.sign(signed))}".encode("ascii")


def signer_of(manifest: bytes, signature: bytes | None, makers: Collection[str]) -> str:
    """Return which of the makers signed a manifest.

    Args:
        manifest: the bytes that are signed.
        signature: from `Maker.sign`, None where there is none.
        makers: public keys.

    Raises:
        BundleInvalid: a public key is none.
        BundleUntrusted: none of them signed it.
    """
    keys = {maker: _public_key(maker) for maker in makers}
    if signature is None:
        raise BundleUntrusted("the bundle bears no maker's signature")
    try:
        head, _, mark = signature.partition(b"..")
        joined = b".".join((head, strict.b64u_ascii(manifest), mark))
        compact = jws.parse(joined, max_bytes=2 * MAX_MANIFEST)
        jws.require_header(compact.header, typ=TYP, alg=ALG)
    except CertsvcError as error:
        raise BundleUntrusted("the maker's signature is malformed") from error
    for maker, key in keys.items():
        try:
            key.verify(compact.signing_input, compact.signature)
        except CertsvcError:
            continue
        return maker
    raise BundleUntrusted("none of the known makers signed the bundle")


def _public_key(maker: str) -> PublicKey:
    try:
        return PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": maker}, ALG)
    except CertsvcError as error:
        raise BundleInvalid("a maker's public key has 43 characters of base64url") from error
