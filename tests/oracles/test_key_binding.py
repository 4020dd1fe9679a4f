"""Key binding: a peer's KB-JWT is accepted by us, ours by every peer; a wrong one by nobody."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from openvc.errors import OpenvcError
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.holder import SDJWTHolder
from sd_jwt.verifier import SDJWTVerifier

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.errors import HolderBindingInvalid

Claims = dict[str, Any]
Issue = Callable[..., str]
Read = Callable[..., sdjwt.Presented]
Signers = Callable[..., Any]
AUD, NONCE, NOW = "https://verifier.example", "nonce-1", 1_700_000_060
SHOWN = {"/head", "/members/0/sex"}
HOLDERS = ["ES256", "Ed25519", "EdDSA"]


def key_of(jwk: dict[str, str]) -> JWK:
    return JWK.from_json(json.dumps(jwk))


def bind(presentation: str, holder: Any, *, aud: str = AUD, nonce: str = NONCE) -> str:
    data = sdjwt.key_binding_input(presentation, alg=holder.alg, aud=aud, nonce=nonce, iat=NOW)
    return presentation + jws.attach(data, holder.sign(data))


def check(token: str, holder: Any, *, nonce: str = NONCE, now: int = NOW) -> None:
    sdjwt.check_key_binding(sdjwt.parse(token), holder.jwk, aud=AUD, nonce=nonce, now=now)


def check_only_as_bound(token: str, holder: Any, other: Any, now: int) -> None:
    """Ours takes it for its nonce, its key and its disclosures, and for no others."""
    check(token, holder, now=now)
    issuer_part, _, binding = token.rpartition("~")
    shorter = issuer_part.rpartition("~")[0] + "~" + binding
    for wrong in (
        lambda: check(token, holder, nonce="nonce-2", now=now),
        lambda: check(token, other, now=now),
        lambda: check(token, holder, now=now + 1_000),
        lambda: check(shorter, holder, now=now),
    ):
        with pytest.raises(HolderBindingInvalid):
            wrong()


@pytest.fixture(scope="module")
def issuer(make_signer: Signers) -> Any:
    return make_signer("ES256", 5)


@pytest.fixture(scope="module", params=HOLDERS)
def wallet(request: pytest.FixtureRequest, make_signer: Signers) -> Any:
    """A holder's key of every algorithm and spelling."""
    return make_signer(request.param, 98)


@pytest.fixture
def shown(issuer: Any, wallet: Any, issue: Issue, claims: Claims, disclose: Any) -> str:
    """A presentation that shows a part, of a certificate bound to the wallet."""
    return sdjwt.present(issue(issuer, {**claims, "cnf": {"jwk": wallet.jwk}}, disclose), SHOWN)


def ask_node(node: Any, token: str, issuer: Any, wallet: Any, nonce: str = NONCE) -> Any:
    asked = {"token": token, "alg": issuer.alg, "jwk": issuer.jwk, "now": NOW}
    return node.ask("sdjwt_verify", vc=True, nonce=nonce, holderAlg=wallet.alg, **asked)


def test_node_accepts_ours(node: Any, issuer: Any, wallet: Any, shown: str, read: Read) -> None:
    found = ask_node(node, bind(shown, wallet), issuer, wallet)
    assert found["claims"] == read(shown, issuer).claims
    assert (found["kb"]["aud"], found["kb"]["iat"]) == (AUD, NOW)


def test_node_refuses_what_we_refuse(
    node: Any, issuer: Any, wallet: Any, shown: str, make_signer: Signers
) -> None:
    token = bind(shown, wallet)
    with pytest.raises(node.Refused, match="Invalid Nonce"):
        ask_node(node, token, issuer, wallet, nonce="nonce-2")
    with pytest.raises(node.Refused, match="Key Binding JWT not exist"):
        ask_node(node, shown, issuer, wallet)
    with pytest.raises(node.Refused, match="Invalid JWT Signature"):
        ask_node(node, bind(shown, make_signer(wallet.alg, 97)), issuer, wallet)
    shorter = shown.rpartition("~")[0].rpartition("~")[0] + "~" + token.rpartition("~")[2]
    with pytest.raises(node.Refused, match="Invalid sd_hash"):
        ask_node(node, shorter, issuer, wallet)


def test_we_accept_what_node_binds(
    node: Any,
    issuer: Any,
    wallet: Any,
    shown: str,
    read: Read,
    make_signer: Signers,
    trees: Any,
    kept_paths: Any,
) -> None:
    frame = trees.presentation_frame(kept_paths(shown, shown))
    payload = {"iat": NOW, "aud": AUD, "nonce": NONCE}
    kb = {"alg": wallet.alg, "jwk": wallet.private_jwk, "payload": payload}
    token = node.ask("sdjwt_present", token=shown, frame=frame, kb=kb)
    assert read(token, issuer).claims == read(shown, issuer).claims
    check_only_as_bound(token, wallet, make_signer(wallet.alg, 97), NOW)
    assert ask_node(node, token, issuer, wallet)["kb"]["nonce"] == NONCE


def test_openvc_accepts_ours(issuer: Any, wallet: Any, shown: str, read: Read) -> None:
    suite, now = SdJwtVcProofSuite(), datetime.fromtimestamp(NOW, UTC)
    asked = {"public_key_jwk": issuer.jwk, "audience": AUD, "now": now}
    token = bind(shown, wallet)
    found = suite.verify(token, nonce=NONCE, require_key_binding=True, **asked)
    assert found.key_bound
    assert found.claims == read(shown, issuer).claims
    for wrong in (token, shown, bind(shown, wallet, aud="https://other.example")):
        nonce = "nonce-2" if wrong is token else NONCE
        with pytest.raises(OpenvcError):
            suite.verify(wrong, nonce=nonce, require_key_binding=True, **asked)


def test_we_accept_what_openvc_binds(
    issuer: Any, shown: str, wallet: Any, issue: Issue, make_signer: Signers, claims: Claims
) -> None:
    holder = make_signer("ES256", 98)
    token = issue(issuer, {**claims, "cnf": {"jwk": holder.jwk}}, {"/head", "/flags/*"})
    key = P256SigningKey.from_jwk(holder.private_jwk, "holder")
    bound = SdJwtVcProofSuite().create_presentation(
        token, holder_key=key, audience=AUD, nonce=NONCE
    )
    # The library reads its own clock.
    made = json.loads(jws.parse(sdjwt.parse(bound).kb_jwt or "").payload)["iat"]
    check_only_as_bound(bound, holder, make_signer("ES256", 97), made)


# `sd-jwt` always takes ES256 for the holder's key.
def test_sd_jwt_accepts_ours(
    issuer: Any, holder: Any, issue: Issue, read: Read, claims: Claims, disclose: Any
) -> None:
    issued = issue(issuer, {**claims, "cnf": {"jwk": holder.jwk}}, disclose)
    shown = sdjwt.present(issued, SHOWN)

    def verify(token: str, nonce: str = NONCE) -> Any:
        key = key_of(issuer.jwk)
        return SDJWTVerifier(
            token, lambda _issuer, _header: key, expected_aud=AUD, expected_nonce=nonce
        ).get_verified_payload()

    assert verify(bind(shown, holder)) == read(shown, issuer).claims
    with pytest.raises(ValueError, match="Invalid nonce"):
        verify(bind(shown, holder), nonce="nonce-2")
    with pytest.raises(ValueError, match="Invalid audience"):
        verify(bind(shown, holder, aud="https://other.example"))


def test_we_accept_what_sd_jwt_binds(
    issuer: Any,
    holder: Any,
    issue: Issue,
    read: Read,
    make_signer: Signers,
    claims: Claims,
    disclose: Any,
) -> None:
    wallet = SDJWTHolder(issue(issuer, {**claims, "cnf": {"jwk": holder.jwk}}, disclose))
    wanted = {"head": True, "members": [None, {"sex": True}]}
    wallet.create_presentation(wanted, NONCE, AUD, key_of(holder.private_jwk))
    token = wallet.sd_jwt_presentation
    found = read(token, issuer).claims
    assert (found["head"], found["members"]) == ("张三", [{"name": "李四", "sex": "女"}])
    made = json.loads(jws.parse(sdjwt.parse(token).kb_jwt or "").payload)["iat"]
    check_only_as_bound(token, holder, make_signer("ES256", 97), made)
