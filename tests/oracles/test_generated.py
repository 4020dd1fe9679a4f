"""Claim trees that nobody thought of: every peer reads ours, we read theirs, with equal claims."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from certsvc_sdk import sdjwt
from certsvc_sdk.sdjwt.disclosure import ALWAYS_CLEAR, pointer_of

Claims = dict[str, Any]
Path = tuple[str | int, ...]
Tree = tuple[Claims, list[Path], list[Path]]
FEW = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
BASE: Claims = {
    "iss": "https://certs.example/i/119999000000000273",
    "vct": "https://certs.example/vct/household-register/1",
    "iat": 1_700_000_000,
}

# What no certificate may hold: surrogates and U+0000 (T17).
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)
# Names that mean something to SD-JWT, to a certificate, or to the peer's own notation.
TAKEN = {
    "",
    "_sd",
    "_sd_alg",
    "...",
    "_sd_decoy",
    "__proto__",
    "aud",
    "@context",
    "credentialStatus",
}
TAKEN |= ALWAYS_CLEAR
# With a full stop a name would look like a path to `@sd-jwt`, and `~` and `/` are escaped by us.
NAMES = TEXTS.filter(lambda name: name not in TAKEN and "." not in name) | st.sampled_from(
    ["a/b", "c~d", "*", "0", "1", "名称"]
)
# JavaScript writes numbers from 2**53 to 10**21 like integers, and we refuse integers that large.
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not 2**53 <= abs(number) < 10**21
    )
    | TEXTS
)


def grown(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return LEAVES | st.lists(value, max_size=3) | st.dictionaries(NAMES, value, max_size=3)


@st.composite
def claim_trees(draw: st.DrawFn, paths: Callable[..., Any]) -> Tree:
    """Claims, which of their places are disclosable, and which of these one presentation keeps."""
    values = grown(grown(grown(LEAVES)))
    face = draw(st.dictionaries(NAMES, values, min_size=1, max_size=4))
    places = list(paths(face))
    disclosable = draw(st.lists(st.sampled_from(places), unique=True, max_size=12))
    kept = draw(st.lists(st.sampled_from(disclosable), unique=True)) if disclosable else []
    return {**BASE, **face}, disclosable, kept


class Peers:
    """The three readers, asked about one token."""

    def __init__(self, node: Any, signer: Any) -> None:
        self.node = node
        self.signer = signer
        self.key = JWK.from_json(json.dumps(signer.jwk))

    def claims(self, token: str) -> list[Any]:
        asked = {"token": token, "alg": self.signer.alg, "jwk": self.signer.jwk}
        by_node = self.node.ask("sdjwt_verify", vc=True, now=1_700_000_060, **asked)["claims"]
        by_openvc = SdJwtVcProofSuite().verify(token, public_key_jwk=self.signer.jwk).claims
        by_sd_jwt = SDJWTVerifier(token, lambda _issuer, _header: self.key).get_verified_payload()
        return [by_node, by_openvc, by_sd_jwt]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
@given(data=st.data())
@FEW
def test_peers_read_what_we_make(
    alg: str,
    data: st.DataObject,
    node: Any,
    make_signer: Any,
    issue: Any,
    read: Any,
    trees: Any,
    kept_paths: Any,
) -> None:
    claims, disclosable, kept = data.draw(claim_trees(trees.paths))
    signer = make_signer(alg)
    peers = Peers(node, signer)
    token = issue(signer, claims, {pointer_of(path) for path in disclosable})
    assert trees.canonical(read(token, signer).claims) == trees.canonical(claims)
    for found in peers.claims(token):
        assert trees.canonical(found) == trees.canonical(claims)

    shown = sdjwt.present(token, {pointer_of(path) for path in kept})
    expected = trees.canonical(read(shown, signer).claims)
    for found in peers.claims(shown):
        assert trees.canonical(found) == expected
    frame = trees.presentation_frame(kept_paths(token, shown))
    by_node = read(node.ask("sdjwt_present", token=token, frame=frame), signer)
    assert trees.canonical(by_node.claims) == expected
    assert by_node.withheld == read(shown, signer).withheld


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
@given(data=st.data())
@FEW
def test_we_read_what_peers_make(
    alg: str, data: st.DataObject, node: Any, make_signer: Any, read: Any, trees: Any
) -> None:
    claims, disclosable, kept = data.draw(claim_trees(trees.paths))
    signer = make_signer(alg)
    decoys = data.draw(st.integers(0, 2))
    asked = {"header": signer.header(), "jwk": signer.private_jwk, "claims": claims}
    frame = trees.disclosure_frame(disclosable, decoys)
    by_node = node.ask("sdjwt_issue", vc=True, frame=frame, **asked)
    by_sd_jwt = SDJWTIssuer(
        trees.marked(claims, set(disclosable)),
        JWK.from_json(json.dumps(signer.private_jwk)),
        sign_alg=alg,
        add_decoy_claims=bool(decoys),
        extra_header_parameters=signer.header(),
    ).sd_jwt_issuance
    peers = Peers(node, signer)
    for token in (by_node, by_sd_jwt):
        found = read(token, signer)
        assert trees.canonical(found.claims) == trees.canonical(claims)
        assert {one.path for one in found.disclosed} == set(disclosable)
        shown = sdjwt.present(token, {pointer_of(path) for path in kept})
        expected = trees.canonical(read(shown, signer).claims)
        for again in peers.claims(shown):
            assert trees.canonical(again) == expected
