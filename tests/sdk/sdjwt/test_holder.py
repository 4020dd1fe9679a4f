"""One call makes the whole presentation (RFC 9901 section 7.2, step 5)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import jws, sdjwt, strict
from certsvc_sdk.algorithms.digests import PROFILES, digest_of
from certsvc_sdk.errors import CertsvcError, DisclosureInvalid, HolderBindingInvalid, Malformed

AUD, NONCE, NOW = "https://hall.example", "n-1", 1_800_000_000
CLAIMS: dict[str, Any] = {
    "iss": "https://certs.example/i/1",
    "head": "张三",
    "members": [{"name": "张三", "sex": "男"}, {"name": "李四", "sex": "女"}],
}
Issue = Callable[..., str]


@pytest.fixture
def issue(es256_signer: Any, numbered_salts: Callable[[int], bytes]) -> Issue:
    def make(**more: Any) -> str:
        made = sdjwt.draft(
            header=es256_signer.header(),
            claims={**CLAIMS, **more},
            disclose={"/head", "/members/*", "/members/*/sex"},
            salts=numbered_salts,
        )
        return made.finish(es256_signer.sign(made.signing_input))

    return make


def show(token: str, signer: Any, keep: Any = ("/head",), **changes: Any) -> str:
    arguments = {"alg": signer.alg, "sign": signer.sign, "aud": AUD, "nonce": NONCE, "iat": NOW}
    return sdjwt.present_bound(token, keep, **arguments | changes)


@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "EdDSA"])
def test_the_verifier_accepts_what_it_makes(issue: Issue, make_signer: Any, alg: str) -> None:
    phone = make_signer(alg, 77)
    bound = show(issue(cnf={"jwk": phone.jwk}), phone, {"/head", "/members/1"})
    parsed = sdjwt.parse(bound)
    sdjwt.check_key_binding(parsed, phone.jwk, aud=AUD, nonce=NONCE, now=NOW)
    claims = parsed.claims().claims
    assert (claims["head"], claims["members"]) == ("张三", [{"name": "李四"}])
    assert parsed.claims().withheld == 2


def test_it_asks_for_one_signature(issue: Issue, holder_signer: Any) -> None:
    asked: list[bytes] = []

    def sign(data: bytes) -> bytes:
        asked.append(data)
        return bytes(holder_signer.sign(data))

    bound = show(issue(cnf={"jwk": holder_signer.jwk}), holder_signer, sign=sign)
    assert len(asked) == 1
    assert bound.rpartition("~")[2].encode().startswith(asked[0] + b".")


def test_another_key_is_told_before_the_counter(
    issue: Issue, holder_signer: Any, make_signer: Any
) -> None:
    token = issue(cnf={"jwk": holder_signer.jwk})
    for signer in (make_signer("ES256", 5), make_signer("Ed25519", 5)):
        with pytest.raises(HolderBindingInvalid):
            show(token, signer)
    for signature in (b"", b"\x01" * 64, b"\x30" * 70):
        with pytest.raises(HolderBindingInvalid):
            show(token, holder_signer, sign=lambda _data, it=signature: it)


def test_a_token_without_a_holder_key_cannot_be_bound(issue: Issue, holder_signer: Any) -> None:
    for more in ({}, {"cnf": {"kid": "k"}}, {"cnf": {"jwk": holder_signer.jwk, "kid": "k"}}):
        with pytest.raises(HolderBindingInvalid):
            show(issue(**more), holder_signer)


def test_a_bound_token_is_not_bound_again(issue: Issue, holder_signer: Any) -> None:
    bound = show(issue(cnf={"jwk": holder_signer.jwk}), holder_signer)
    with pytest.raises(Malformed):
        show(bound, holder_signer)


def test_what_it_cannot_read_is_refused(issue: Issue, holder_signer: Any) -> None:
    token = issue(cnf={"jwk": holder_signer.jwk})
    for wrong in ("", "x~", token[:-1]):
        with pytest.raises(Malformed):
            show(wrong, holder_signer)
    with pytest.raises(DisclosureInvalid):
        show(token + "WyJzIiwieCIsMV0~", holder_signer)
    with pytest.raises(DisclosureInvalid):
        show(token, holder_signer, {"head"})
    for changes in ({"aud": ""}, {"nonce": ""}):
        with pytest.raises(Malformed):
            show(token, holder_signer, **changes)
    for alg in ("none", "HS256", "RS256"):
        with pytest.raises(CertsvcError):
            show(token, holder_signer, alg=alg)


def test_the_holder_follows_the_tokens_digest_and_the_verifier_its_profiles(
    es256_signer: Any, holder_signer: Any
) -> None:
    """RFC 9901 section 4.3.1: `sd_hash` is made by the algorithm of `_sd_alg`."""

    def issue(algorithm: str) -> str:
        payload = strict.dumps({"cnf": {"jwk": holder_signer.jwk}, "_sd_alg": algorithm})
        return str(es256_signer.jws(payload)) + "~"

    token = issue("sm3")
    bound = sdjwt.parse(show(token, holder_signer, ()))
    payload = json.loads(jws.parse(bound.kb_jwt or "").payload)
    assert payload["sd_hash"] == strict.b64u_encode(digest_of("sm3", PROFILES)(token.encode()))
    expected: dict[str, Any] = {"aud": AUD, "nonce": NONCE, "now": NOW}
    sdjwt.check_key_binding(bound, holder_signer.jwk, profiles=("gm",), **expected)
    for profiles in ((), ("unheard of",)):
        with pytest.raises(HolderBindingInvalid):
            sdjwt.check_key_binding(bound, holder_signer.jwk, profiles=profiles, **expected)
    with pytest.raises(DisclosureInvalid):
        show(issue("sha-512"), holder_signer, ())
