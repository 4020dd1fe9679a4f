"""SD-JWT by `@sd-jwt/core` and SD-JWT VC by `@sd-jwt/sd-jwt-vc`, both ways."""

from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import sdjwt

Claims = dict[str, Any]
Issue = Callable[..., str]
Read = Callable[..., sdjwt.Presented]
Signers = Callable[..., Any]
NOW = 1_700_000_060


def by_node(node: Any, token: str, signer: Any, *, vc: bool = True) -> Any:
    asked = {"token": token, "alg": signer.alg, "jwk": signer.jwk, "now": NOW}
    return node.ask("sdjwt_verify", vc=vc, **asked)["claims"]


@pytest.mark.parametrize("vc", [False, True], ids=["core", "vc"])
def test_node_reads_ours(
    vc: bool,
    any_signer: Any,
    keep: frozenset[str],
    node: Any,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
) -> None:
    token = sdjwt.present(issue(any_signer, claims, disclose), keep)
    assert by_node(node, token, any_signer, vc=vc) == read(token, any_signer).claims
    other = type(any_signer)(any_signer.alg, 8)
    with pytest.raises(node.Refused, match="Invalid JWT Signature"):
        by_node(node, token, other, vc=vc)


@pytest.mark.parametrize("decoys", [0, 2])
@pytest.mark.parametrize("vc", [False, True], ids=["core", "vc"])
def test_we_read_what_node_makes(
    vc: bool,
    decoys: int,
    any_signer: Any,
    node: Any,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
    trees: Any,
) -> None:
    frame = trees.disclosure_frame(trees.matching(claims, disclose), decoys)
    asked = {"header": any_signer.header(), "jwk": any_signer.private_jwk, "claims": claims}
    token = node.ask("sdjwt_issue", vc=vc, frame=frame, **asked)
    found = read(token, any_signer)
    assert found.claims == claims == by_node(node, token, any_signer)
    ours = read(issue(any_signer, claims, disclose), any_signer)
    assert sorted(one.pointer for one in found.disclosed) == sorted(
        one.pointer for one in ours.disclosed
    )
    # A decoy stands in every object and array that the frame names.
    assert bool(found.withheld) is bool(decoys)


@pytest.mark.parametrize("maker", ["ours", "theirs"])
def test_the_same_presentation_by_node_and_by_us(
    maker: str,
    keep: frozenset[str],
    any_signer: Any,
    node: Any,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
    trees: Any,
    kept_paths: Any,
) -> None:
    if maker == "ours":
        token = issue(any_signer, claims, disclose)
    else:
        frame = trees.disclosure_frame(trees.matching(claims, disclose), 1)
        asked = {"header": any_signer.header(), "jwk": any_signer.private_jwk, "claims": claims}
        token = node.ask("sdjwt_issue", vc=True, frame=frame, **asked)
    shown = sdjwt.present(token, keep)
    ours = read(shown, any_signer)
    frame = trees.presentation_frame(kept_paths(token, shown))
    theirs = node.ask("sdjwt_present", token=token, frame=frame)
    assert read(theirs, any_signer).claims == ours.claims
    assert read(theirs, any_signer).withheld == ours.withheld
    assert by_node(node, theirs, any_signer) == ours.claims


def test_a_token_without_disclosures(
    node: Any, make_signer: Signers, issue: Issue, read: Read, claims: Claims
) -> None:
    signer = make_signer("ES256")
    assert by_node(node, issue(signer, claims), signer) == claims
    asked = {"header": signer.header(), "jwk": signer.private_jwk, "claims": claims}
    assert read(node.ask("sdjwt_issue", vc=True, **asked), signer).claims == claims


@pytest.mark.parametrize("alg", ["ML-DSA-44", "ML-DSA-65"])
def test_post_quantum_sd_jwts(
    alg: str,
    post_quantum_node: Any,
    make_signer: Signers,
    issue: Issue,
    read: Read,
    claims: Claims,
    disclose: Any,
    trees: Any,
) -> None:
    node, signer = post_quantum_node, make_signer(alg)
    token = sdjwt.present(issue(signer, claims, disclose), {"/members/1/sex"})
    assert by_node(node, token, signer) == read(token, signer).claims
    frame = trees.disclosure_frame(trees.matching(claims, disclose), 1)
    asked = {"header": signer.header(), "jwk": signer.private_jwk, "claims": claims}
    assert read(node.ask("sdjwt_issue", vc=True, frame=frame, **asked), signer).claims == claims


@pytest.mark.parametrize(
    ("member", "value", "now", "error"),
    [
        ("exp", NOW, NOW - 1, None),
        ("exp", NOW, NOW + 1, "JWT is expired"),
        ("nbf", NOW, NOW, None),
        ("nbf", NOW, NOW - 1, "JWT is not yet valid"),
    ],
)
def test_node_reads_our_times(
    member: str,
    value: int,
    now: int,
    error: str | None,
    node: Any,
    make_signer: Signers,
    issue: Issue,
    claims: Claims,
) -> None:
    signer = make_signer("ES256")
    token = issue(signer, {**claims, member: value})
    asked = {"vc": True, "token": token, "alg": signer.alg, "jwk": signer.jwk, "now": now}
    if error is None:
        assert node.ask("sdjwt_verify", **asked)["claims"][member] == value
        return
    with pytest.raises(node.Refused, match=error):
        node.ask("sdjwt_verify", **asked)
