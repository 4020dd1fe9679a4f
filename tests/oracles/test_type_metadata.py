"""Type metadata of our types: `openvc-core` and `@sd-jwt/sd-jwt-vc` read it as we do."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from openvc.type_metadata import TypeMetadataError, validate_type_metadata

from certsvc.catalogue import Catalogue, CertificateType
from certsvc_sdk import sdjwt, strict, typemetadata
from certsvc_sdk.errors import IntegrityInvalid

HOST = "https://certs.example"
IAT = 1_700_000_000
Token = Callable[..., str]


@pytest.fixture(scope="module", params=["business-licence", "household-register"])
def kind(request: pytest.FixtureRequest) -> CertificateType:
    return Catalogue.builtin().get(request.param)


@pytest.fixture(scope="module")
def vct(kind: CertificateType) -> str:
    return kind.vct(HOST)


@pytest.fixture(scope="module")
def document(kind: CertificateType) -> bytes:
    """The document as bytes."""
    return strict.dumps(kind.metadata(HOST))


@pytest.fixture(scope="module")
def token(kind: CertificateType, vct: str, make_signer: Any, issue: Any) -> Token:
    """`token(profile)`: the type's own example, issued."""

    def make(name: str | None = None, **more: Any) -> str:
        profile = kind.profile(name)
        face = kind.select(kind.normalise(kind.definition.example.claims), profile)
        base = {"iss": f"{HOST}/i/119999000000000273", "vct": vct, "iat": IAT}
        base["certificate_identifier"] = "1.2.156.3005.2.119999000000000273"
        return str(issue(make_signer("ES256"), {**base, **more, **face}, profile.disclose))

    return make


def test_openvc_finds_nothing_wrong_with_what_we_issue(
    kind: CertificateType, vct: str, document: bytes, token: Token
) -> None:
    asked = {"vct": vct, "resolve": lambda _url: document}
    integrity = typemetadata.integrity_of(document)
    ours = typemetadata.resolve(vct, asked["resolve"], integrity=integrity)
    for name in kind.profiles:
        parsed = sdjwt.parse(token(name))
        theirs = validate_type_metadata(parsed.claims().claims, vct_integrity=integrity, **asked)
        assert [tuple(one["path"]) for one in theirs.claims] == [one.path for one in ours.claims]
        assert typemetadata.check_claims(ours, parsed) == ()


def test_openvc_refuses_another_document_as_we_do(vct: str, document: bytes, token: Token) -> None:
    claims = sdjwt.parse(token()).claims().claims
    integrity = typemetadata.integrity_of(document)
    changed = document.replace(b'"name"', b'"name" ', 1)
    with pytest.raises(TypeMetadataError):
        validate_type_metadata(
            claims, vct=vct, vct_integrity=integrity, resolve=lambda _url: changed
        )
    with pytest.raises(IntegrityInvalid):
        typemetadata.resolve(vct, lambda _url: changed, integrity=integrity)


def test_node_reads_the_metadata_of_our_types(
    kind: CertificateType, vct: str, token: Token, node: Any, make_signer: Any
) -> None:
    document, signer = kind.metadata(HOST), make_signer("ES256")
    asked = {"vc": True, "alg": "ES256", "jwk": signer.jwk, "now": IAT + 60}
    found = node.ask("sdjwt_verify", token=token(), types={vct: document}, **asked)["type"]
    assert found["claims"] == document["claims"]
    assert found["display"] == document["display"]


def test_node_reads_integrity_in_hexadecimal(document: bytes, node: Any) -> None:
    """Subresource Integrity is base64, as here and at `openvc-core`; `@sd-jwt` wants hexadecimal.

    So it would call every certificate of ours with `vct#integrity` a forgery, and its own pass
    nowhere else.
    """
    text, digest = document.decode(), hashlib.sha256(document)
    ours = typemetadata.integrity_of(document)
    assert ours == f"sha256-{base64.b64encode(digest.digest()).decode()}"
    with pytest.raises(node.Refused, match="Integrity check"):
        node.ask("type_integrity", document=text, integrity=ours)
    theirs = f"sha256-{digest.hexdigest()}"
    assert node.ask("type_integrity", document=text, integrity=theirs) is None
    with pytest.raises(IntegrityInvalid):
        typemetadata.check_integrity(document, theirs)
