"""SD-JWT by the Python libraries `sd-jwt` and `openvc-core`, both ways."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import InvalidJWSSignature
from openvc.errors import OpenvcError
from openvc.keys import Ed25519SigningKey, MLDSASigningKey, P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from certsvc_sdk import sdjwt

Claims = dict[str, Any]
Issue = Callable[..., str]
Read = Callable[..., sdjwt.Presented]
Signers = Callable[..., Any]


def key_of(jwk: dict[str, str]) -> JWK:
    return JWK.from_json(json.dumps(jwk))


def by_sd_jwt(token: str, signer: Any) -> Claims:
    verifier = SDJWTVerifier(token, lambda _issuer, _header: key_of(signer.jwk))
    found: Claims = verifier.get_verified_payload()
    return found


def by_openvc(token: str, signer: Any) -> Claims:
    suite = SdJwtVcProofSuite(allow_pq=signer.alg.startswith("ML-DSA"))
    return suite.verify(token, public_key_jwk=signer.jwk).claims


# `sd-jwt` knows the older spelling of Ed25519 only.
@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_sd_jwt_reads_ours(
    alg: str,
    keep: frozenset[str],
    make_signer: Signers,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
) -> None:
    signer = make_signer(alg)
    token = sdjwt.present(issue(signer, claims, disclose), keep)
    assert by_sd_jwt(token, signer) == read(token, signer).claims
    with pytest.raises(InvalidJWSSignature):
        by_sd_jwt(token, make_signer(alg, 8))


def test_openvc_reads_ours(
    any_signer: Any, keep: frozenset[str], issue: Issue, read: Read, claims: Claims, disclose: Any
) -> None:
    token = sdjwt.present(issue(any_signer, claims, disclose), keep)
    assert by_openvc(token, any_signer) == read(token, any_signer).claims
    if keep == disclose:
        assert read(token, any_signer).claims == claims
    with pytest.raises(OpenvcError):
        by_openvc(token, type(any_signer)(any_signer.alg, 8))


def test_a_token_without_disclosures(make_signer: Signers, issue: Issue, claims: Claims) -> None:
    signer = make_signer("ES256")
    token = issue(signer, claims)
    assert by_sd_jwt(token, signer) == by_openvc(token, signer) == claims


@pytest.mark.parametrize("decoys", [False, True])
@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_we_read_what_sd_jwt_makes(
    alg: str,
    decoys: bool,
    make_signer: Signers,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
    trees: Any,
) -> None:
    signer = make_signer(alg)
    made = SDJWTIssuer(
        trees.marked(claims, set(trees.matching(claims, disclose))),
        key_of(signer.private_jwk),
        sign_alg=alg,
        add_decoy_claims=decoys,
        extra_header_parameters=signer.header(),
    )
    found = read(made.sd_jwt_issuance, signer)
    assert found.claims == claims == by_sd_jwt(made.sd_jwt_issuance, signer)
    ours = read(issue(signer, claims, disclose), signer)
    assert sorted(one.pointer for one in found.disclosed) == sorted(
        one.pointer for one in ours.disclosed
    )
    assert found.withheld == len(made.decoy_digests)
    assert bool(found.withheld) is decoys


def test_the_same_presentation_by_sd_jwt_and_by_us(
    keep: frozenset[str],
    make_signer: Signers,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
    trees: Any,
    kept_paths: Any,
) -> None:
    signer = make_signer("ES256")
    token = issue(signer, claims, disclose)
    shown = sdjwt.present(token, keep)
    ours = read(shown, signer)
    holder = SDJWTHolder(token)
    holder.create_presentation(trees.wanted(claims, set(kept_paths(token, shown))))
    theirs = read(holder.sd_jwt_presentation, signer)
    assert theirs.claims == ours.claims
    assert theirs.withheld == ours.withheld


@pytest.mark.parametrize(
    ("kind", "alg"),
    [
        (P256SigningKey, "ES256"),
        (Ed25519SigningKey, "EdDSA"),
        (Ed25519SigningKey, "Ed25519"),
        (MLDSASigningKey, "ML-DSA-44"),
    ],
)
def test_we_read_what_openvc_makes(
    kind: Any, alg: str, make_signer: Signers, read: Read, claims: Claims
) -> None:
    signer = make_signer(alg)
    named = {"alg": alg} if kind is Ed25519SigningKey else {}
    key = kind.from_jwk(signer.private_jwk, signer.kid, **named)
    suite = SdJwtVcProofSuite(allow_pq=kind is MLDSASigningKey)
    names = ["head", "address", "members"]
    token = suite.issue(claims, signing_key=key, disclosable=names, decoys=3)
    found = read(token, signer)
    assert found.claims == claims == by_openvc(token, signer)
    assert (len(found.disclosed), found.withheld) == (3, 3)
    shown = sdjwt.present(token, {"/head"})
    assert by_openvc(shown, signer) == read(shown, signer).claims
    assert read(shown, signer).withheld == 5


def test_a_post_quantum_sd_jwt_of_ours(
    make_signer: Signers, issue: Issue, read: Read, claims: Claims, disclose: Any
) -> None:
    signer = make_signer("ML-DSA-65")
    token = sdjwt.present(issue(signer, claims, disclose), {"/members/1/sex"})
    assert by_openvc(token, signer) == read(token, signer).claims
    with pytest.raises(OpenvcError):
        by_openvc(token, make_signer("ML-DSA-65", 8))
