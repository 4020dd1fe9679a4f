from collections.abc import Callable

import pytest
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey

from certsvc.publishing.errors import SigningFailed
from certsvc.publishing.signers import TufSigner
from keys import KeyInfo, Signer
from keys.filestore import FileKeyStore


@pytest.fixture
def signer(make_key: Callable[..., KeyInfo], store: FileKeyStore) -> Signer:
    key = make_key("trust", alg="Ed25519", role="root")
    return store.signer(key.issuer_id, key.kid)


def test_tuf_accepts_the_signature(signer: Signer) -> None:
    wrapped = TufSigner(signer)
    key = wrapped.public_key
    assert isinstance(key, SSlibKey)
    signature = wrapped.sign(b"data")
    key.verify_signature(signature, b"data")
    with pytest.raises(UnverifiedSignatureError):
        key.verify_signature(signature, b"date")
    with pytest.raises(UnverifiedSignatureError):
        key.verify_signature(Signature(key.keyid, "00" * 64), b"data")


def test_key_id_is_computed_the_tuf_way(signer: Signer) -> None:
    import hashlib
    import json
    from base64 import urlsafe_b64decode

    wrapped = TufSigner(signer)
    point = urlsafe_b64decode(signer.public_jwk["x"] + "=").hex()
    key = {"keytype": "ed25519", "keyval": {"public": point}, "scheme": "ed25519"}
    canonical = json.dumps(key, sort_keys=True, separators=(",", ":")).encode()
    assert wrapped.public_key.keyid == hashlib.sha256(canonical).hexdigest()


def test_other_algorithms_are_refused(
    make_key: Callable[..., KeyInfo], store: FileKeyStore
) -> None:
    key = make_key("trust", alg="ES256", role="root")
    with pytest.raises(SigningFailed):
        TufSigner(store.signer(key.issuer_id, key.kid))


class BadPoint:
    """A backend with a defect."""

    kid = "x"
    alg = "Ed25519"

    def __init__(self, jwk: dict[str, str]) -> None:
        self.public_jwk = jwk

    def sign(self, data: bytes) -> bytes:
        raise AssertionError


@pytest.mark.parametrize("jwk", [{}, {"x": "AAAA"}, {"x": "***"}])
def test_unusable_public_key_is_refused(jwk: dict[str, str]) -> None:
    with pytest.raises(SigningFailed):
        TufSigner(BadPoint(jwk))


def test_keys_do_not_come_from_addresses(signer: Signer) -> None:
    with pytest.raises(SigningFailed):
        TufSigner.from_priv_key_uri("file:x", TufSigner(signer).public_key)
