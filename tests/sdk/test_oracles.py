"""Two other implementations read what we make, and we read what they make."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import InvalidJWSSignature
from openvc.errors import OpenvcError
from openvc.keys import Ed25519SigningKey, P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.errors import DisclosureInvalid
from certsvc_sdk.jws import PublicKey

Salts = Callable[[int], bytes]
AUD, NONCE, IAT = "https://verifier.example", "nonce-1", 1_700_000_000
CLAIMS: dict[str, Any] = {
    "iss": "https://certs.example/i/119999000000000273",
    "vct": "https://certs.example/vct/household-register/1",
    "iat": IAT,
    "head": "张三",
    "address": {"city": "示例市", "street": "东风路1号"},
    "members": [
        {"name": "张三", "sex": "男", "moves": [{"from": "甲"}, {"from": "乙"}]},
        {"name": "李四", "sex": "女", "moves": []},
    ],
    "number": 1.5,
    "flags": [True, None, 0, "x"],
}
DISCLOSE = {
    "/head",
    "/address",
    "/address/street",
    "/members",
    "/members/*",
    "/members/*/sex",
    "/members/*/moves",
    "/members/*/moves/*",
    "/members/*/moves/*/from",
    "/flags/*",
}


def issue(signer: Any, salts: Salts, disclose: Any = DISCLOSE, **more: Any) -> str:
    made = sdjwt.draft(
        header=signer.header(), claims={**CLAIMS, **more}, disclose=disclose, salts=salts
    )
    return made.finish(signer.sign(made.signing_input))


def bind(presentation: str, holder: Any) -> str:
    data = sdjwt.key_binding_input(presentation, alg=holder.alg, aud=AUD, nonce=NONCE, iat=IAT)
    return presentation + jws.attach(data, holder.sign(data))


def by_sd_jwt(token: str, signer: Any, **options: Any) -> dict[str, Any]:
    key = JWK.from_json(json.dumps(signer.jwk))
    payload: dict[str, Any] = SDJWTVerifier(
        token, lambda _issuer, _header: key, **options
    ).get_verified_payload()
    return payload


def by_openvc(token: str, signer: Any, **options: Any) -> dict[str, Any]:
    verified = SdJwtVcProofSuite().verify(token, public_key_jwk=signer.jwk, **options)
    claims = dict(verified.claims)
    claims.pop("_sd_alg", None)
    return claims


PRESENTATIONS = [
    DISCLOSE,
    set(),
    {"/head"},
    {"/address/street"},
    {"/members/1/sex", "/flags/3"},
    {"/members/0/moves/1/from"},
    {"/members", "/members/*", "/flags/*"},
]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
@pytest.mark.parametrize("keep", PRESENTATIONS)
def test_sd_jwt_reads_ours(
    alg: str, keep: set[str], make_signer: Any, numbered_salts: Salts
) -> None:
    signer = make_signer(alg)
    token = sdjwt.present(issue(signer, numbered_salts), keep)
    assert by_sd_jwt(token, signer) == sdjwt.parse(token).claims().claims
    with pytest.raises(InvalidJWSSignature):
        by_sd_jwt(token, make_signer(alg, 8))


@pytest.mark.parametrize("keep", PRESENTATIONS)
def test_openvc_reads_ours(any_signer: Any, keep: set[str], numbered_salts: Salts) -> None:
    token = sdjwt.present(issue(any_signer, numbered_salts), keep)
    claims = sdjwt.parse(token).claims().claims
    assert by_openvc(token, any_signer) == claims
    if keep is DISCLOSE:
        assert claims == CLAIMS


def test_openvc_refuses_another_key(
    es256_signer: Any, make_signer: Any, numbered_salts: Salts
) -> None:
    with pytest.raises(OpenvcError):
        by_openvc(issue(es256_signer, numbered_salts), make_signer("ES256", 8))


def test_others_read_a_token_without_disclosures(es256_signer: Any, numbered_salts: Salts) -> None:
    token = issue(es256_signer, numbered_salts, disclose=())
    assert by_sd_jwt(token, es256_signer) == by_openvc(token, es256_signer) == CLAIMS


def test_others_read_real_households(
    samples: Path, es256_signer: Any, numbered_salts: Salts
) -> None:
    disclose = {"/head_name", "/address", "/members/*", "/members/*/citizen_id"}
    for line in (samples / "households.jsonl").read_text(encoding="utf-8").splitlines()[:20]:
        token = issue(es256_signer, numbered_salts, disclose, **json.loads(line))
        expected = {**CLAIMS, **json.loads(line)}
        assert by_sd_jwt(token, es256_signer) == by_openvc(token, es256_signer) == expected


def test_others_check_our_key_binding(
    es256_signer: Any, holder_signer: Any, numbered_salts: Salts
) -> None:
    issued = issue(es256_signer, numbered_salts, cnf={"jwk": holder_signer.jwk})
    token = bind(sdjwt.present(issued, {"/head", "/members/0/sex"}), holder_signer)
    expected = sdjwt.parse(token).claims().claims
    assert by_sd_jwt(token, es256_signer, expected_aud=AUD, expected_nonce=NONCE) == expected
    options = {"audience": AUD, "nonce": NONCE, "require_key_binding": True}
    now = datetime.fromtimestamp(IAT + 60, UTC)
    assert by_openvc(token, es256_signer, now=now, **options) == expected
    with pytest.raises(OpenvcError):
        by_openvc(token, es256_signer, now=now, **{**options, "nonce": "other"})


def _marked() -> dict[Any, Any]:
    """CLAIMS with every member of DISCLOSE wrapped as the reference library wants it."""

    def move(item: dict[str, Any]) -> SDObj:
        return SDObj({SDObj("from"): item["from"]})

    def member(item: dict[str, Any]) -> SDObj:
        moves = [move(one) for one in item["moves"]]
        return SDObj({"name": item["name"], SDObj("sex"): item["sex"], SDObj("moves"): moves})

    marked: dict[Any, Any] = {name: CLAIMS[name] for name in ("iss", "vct", "iat", "number")}
    marked[SDObj("head")] = CLAIMS["head"]
    marked[SDObj("address")] = {"city": "示例市", SDObj("street"): "东风路1号"}
    marked[SDObj("members")] = [member(item) for item in CLAIMS["members"]]
    marked["flags"] = [SDObj(item) for item in CLAIMS["flags"]]
    return marked


@pytest.mark.parametrize("decoys", [False, True])
def test_we_read_what_sd_jwt_makes(
    decoys: bool, es256_signer: Any, holder_signer: Any, numbered_salts: Salts
) -> None:
    key, holder_key = (
        JWK.from_json(json.dumps(signer.private_jwk)) for signer in (es256_signer, holder_signer)
    )
    issuer = SDJWTIssuer(
        _marked(),
        key,
        holder_key,
        add_decoy_claims=decoys,
        extra_header_parameters={"typ": "dc+sd-jwt", "kid": es256_signer.kid},
    )
    parsed = sdjwt.parse(issuer.sd_jwt_issuance)
    jws.require_header(parsed.jws.header, typ="dc+sd-jwt", alg="ES256")
    es256_signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
    presented = parsed.claims()
    cnf = {"jwk": holder_signer.jwk}
    assert presented.claims == {**CLAIMS, "cnf": cnf}
    ours = sdjwt.parse(issue(es256_signer, numbered_salts, cnf=cnf)).claims()
    assert {item.pointer for item in presented.disclosed} == {
        item.pointer for item in ours.disclosed
    }

    holder = SDJWTHolder(issuer.sd_jwt_issuance)
    holder.create_presentation(
        {"head": True, "members": [True, {"sex": True}]}, NONCE, AUD, holder_key
    )
    shown = sdjwt.parse(holder.sd_jwt_presentation)
    claims = shown.claims().claims
    assert claims["members"] == [{"name": "张三"}, {"name": "李四", "sex": "女"}]
    assert "address" not in claims
    iat = json.loads(jws.parse(shown.kb_jwt or "").payload)["iat"]
    sdjwt.check_key_binding(shown, holder_signer.jwk, aud=AUD, nonce=NONCE, now=iat)


@pytest.mark.parametrize("kind", [P256SigningKey, Ed25519SigningKey])
def test_we_read_what_openvc_makes(kind: Any) -> None:
    issuer_key, holder_key = kind.generate("issuer-key"), kind.generate("holder-key")
    suite = SdJwtVcProofSuite()
    token = suite.issue(
        CLAIMS,
        signing_key=issuer_key,
        disclosable=["head", "address", "members"],
        holder_jwk=holder_key.public_jwk(),
        decoys=3,
    )
    bound = suite.create_presentation(token, holder_key=holder_key, audience=AUD, nonce=NONCE)
    parsed = sdjwt.parse(bound)
    jws.require_header(parsed.jws.header, typ="dc+sd-jwt", alg=issuer_key.alg)
    key = PublicKey.from_jwk(issuer_key.public_jwk(), issuer_key.alg)
    key.verify(parsed.jws.signing_input, parsed.jws.signature)
    presented = parsed.claims()
    cnf: Any = presented.claims.pop("cnf")
    assert presented.claims == CLAIMS
    assert (len(presented.disclosed), presented.withheld) == (3, 3)
    iat = json.loads(jws.parse(parsed.kb_jwt or "").payload)["iat"]
    sdjwt.check_key_binding(parsed, cnf["jwk"], aud=AUD, nonce=NONCE, now=iat)


def test_where_the_reference_is_looser_than_we_are(
    es256_signer: Any, numbered_salts: Salts
) -> None:
    """T28: it reads a token with a disclosure that nothing references; we must not."""
    token = issue(es256_signer, numbered_salts) + "WyJzIiwieCIsMV0~"
    assert by_sd_jwt(token, es256_signer) == CLAIMS
    with pytest.raises(DisclosureInvalid):
        sdjwt.parse(token).claims()
