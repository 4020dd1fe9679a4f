"""Presentations and key binding (T34 as far as the SDK decides it)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.errors import DisclosureInvalid, HolderBindingInvalid, Malformed

CLAIMS: dict[str, Any] = {
    "iss": "https://certs.example/i/1",
    "head": "张三",
    "address": {"street": "东风路", "city": "示例市"},
    "members": [{"name": "张三", "sex": "男"}, {"name": "李四", "sex": "女"}],
}
DISCLOSE = {"/head", "/address", "/address/street", "/members/*", "/members/*/sex"}
AUD = "https://verifier.example"
NONCE = "n-1234567890"
NOW = 1_800_000_000


@pytest.fixture
def token(es256_signer: Any, numbered_salts: Callable[[int], bytes], holder_signer: Any) -> str:
    made = sdjwt.draft(
        header=es256_signer.header(),
        claims={**CLAIMS, "cnf": {"jwk": holder_signer.jwk}},
        disclose=DISCLOSE,
        salts=numbered_salts,
    )
    return made.finish(es256_signer.sign(made.signing_input))


def shown(token: str) -> dict[str, Any]:
    claims = dict(sdjwt.parse(token).claims().claims)
    del claims["cnf"]
    return claims


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (set(), {"members": []}),
        ({"/head"}, {"members": [], "head": "张三"}),
        ({"/address"}, {"members": [], "address": {"city": "示例市"}}),
        ({"/address/street"}, {"members": [], "address": CLAIMS["address"]}),
        ({"/members/1"}, {"members": [{"name": "李四"}]}),
        ({"/members/1/sex"}, {"members": [{"name": "李四", "sex": "女"}]}),
        ({"/members/*"}, {"members": [{"name": "张三"}, {"name": "李四"}]}),
        ({"/members/*/sex"}, {"members": CLAIMS["members"]}),
        ({"/absent", "/members/7", "/members/0/absent", "/iss"}, {"members": []}),
        (DISCLOSE, {key: CLAIMS[key] for key in ("members", "head", "address")}),
    ],
)
def test_keep(token: str, keep: set[str], expected: dict[str, Any], es256_signer: Any) -> None:
    presentation = sdjwt.present(token, keep)
    assert presentation.endswith("~")
    assert shown(presentation) == {"iss": CLAIMS["iss"], **expected}
    parsed = sdjwt.parse(presentation)
    es256_signer.public.verify(parsed.jws.signing_input, parsed.jws.signature)
    everything = sdjwt.parse(token).disclosures
    kept = [line for line in everything if line in parsed.disclosures]
    assert list(parsed.disclosures) == kept


def test_pointers_follow_the_presentation(token: str) -> None:
    second = sdjwt.present(token, {"/members/1", "/members/1/sex"})
    assert [item.pointer for item in sdjwt.parse(second).claims().disclosed] == [
        "/members/0",
        "/members/0/sex",
    ]
    assert shown(sdjwt.present(second, {"/members/0"}))["members"] == [{"name": "李四"}]


def test_present_refuses_what_it_cannot_read(token: str) -> None:
    with pytest.raises(Malformed):
        sdjwt.present(token.rstrip("~"), set())
    with pytest.raises(DisclosureInvalid):
        sdjwt.present(f"{token}WyJzIiwxXQ~", set())
    with pytest.raises(DisclosureInvalid):
        sdjwt.present(token, {"head"})


def bind(presentation: str, holder: Any, **changes: Any) -> str:
    """A key-binding JWT, correct but for `changes` to header (h_…) and payload."""
    data = sdjwt.key_binding_input(presentation, alg=holder.alg, aud=AUD, nonce=NONCE, iat=NOW)
    compact = jws.parse(jws.attach(data, holder.sign(data)))
    header, payload = dict(compact.header), json.loads(compact.payload)
    for name, value in changes.items():
        target, key = (header, name[2:]) if name.startswith("h_") else (payload, name)
        if value is None:
            target.pop(key)
        else:
            target[key] = value
    return presentation + holder.jws(json.dumps(payload).encode(), header=header)


def check(presentation: str, jwk: Any, **options: Any) -> None:
    arguments = {"aud": AUD, "nonce": NONCE, "now": NOW, **options}
    sdjwt.check_key_binding(sdjwt.parse(presentation), jwk, **arguments)


@pytest.mark.parametrize(("alg", "number"), [("ES256", 99), ("Ed25519", 1), ("EdDSA", 1)])
def test_bound_presentation(token: str, make_signer: Any, alg: str, number: int) -> None:
    holder = make_signer(alg, number)
    presentation = bind(sdjwt.present(token, {"/head"}), holder)
    check(presentation, holder.jwk)
    check(presentation, {**holder.jwk, "kid": "phone", "use": "sig", "alg": alg})
    # Reading and presenting again drop the binding, which covered other disclosures.
    assert sdjwt.parse(sdjwt.present(presentation, {"/head"})).kb_jwt is None


def test_exact_signing_input(holder_signer: Any) -> None:
    data = sdjwt.key_binding_input("a.b.c~", alg="ES256", aud="v", nonce="n", iat=5)
    compact = jws.parse(jws.attach(data, b"\x01" * 64))
    assert compact.header == {"alg": "ES256", "typ": "kb+jwt"}
    payload = json.loads(compact.payload)
    assert list(payload) == ["iat", "aud", "nonce", "sd_hash"]
    for wrong in ("a.b.c", "a.b.c~d.e.f", "é~", ""):
        with pytest.raises(Malformed):
            sdjwt.key_binding_input(wrong, alg="ES256", aud="v", nonce="n", iat=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"}, {"aud": [AUD]}, {"aud": None}, {"nonce": "other"},
        {"nonce": None},
        {"nonce": 1234567890}, {"nonce": ""}, {"sd_hash": None}, {"sd_hash": "x" * 43},
        {"iat": None}, {"iat": str(NOW)},
        {"iat": float(NOW)}, {"iat": True}, {"iat": NOW - 121}, {"iat": NOW + 61}, {"iat": 0},
        {"h_typ": None}, {"h_typ": "JWT"}, {"h_typ": "dc+sd-jwt"}, {"h_typ": "KB+JWT"},
        {"h_alg": "none"}, {"h_alg": None},
        {"h_alg": "HS256"}, {"h_alg": "Ed25519"}, {"h_alg": ["ES256"]}, {"h_jwk": {}},
        {"h_kid": "k"}, {"h_crit": ["exp"]},
    ],
)  # fmt: skip
def test_t34_any_difference_is_refused(token: str, holder_signer: Any, changes: Any) -> None:
    check(bind(token, holder_signer), holder_signer.jwk)
    with pytest.raises(HolderBindingInvalid):
        check(bind(token, holder_signer, **changes), holder_signer.jwk)


@pytest.mark.parametrize("age", [-60, 0, 119, 120])
def test_t34_time_window(token: str, holder_signer: Any, age: int) -> None:
    check(bind(token, holder_signer, iat=NOW - age), holder_signer.jwk)
    check(bind(token, holder_signer, iat=NOW - age), holder_signer.jwk, max_age=120)
    if age > 60:
        with pytest.raises(HolderBindingInvalid):
            check(bind(token, holder_signer, iat=NOW - age), holder_signer.jwk, max_age=60)


def test_t34_missing_other_key_other_disclosures(
    token: str, holder_signer: Any, make_signer: Any
) -> None:
    with pytest.raises(HolderBindingInvalid):
        check(token, holder_signer.jwk)
    other = make_signer("ES256", 5)
    with pytest.raises(HolderBindingInvalid):
        check(bind(token, other), holder_signer.jwk)
    with pytest.raises(HolderBindingInvalid):
        check(bind(token, holder_signer), other.jwk)
    for jwk in ({}, {"kty": "oct", "k": "AA"}, holder_signer.private_jwk, {"kty": 1}):
        with pytest.raises(HolderBindingInvalid):
            check(bind(token, holder_signer), jwk)
    bound = bind(sdjwt.present(token, {"/head"}), holder_signer)
    kb_jwt = bound.rpartition("~")[2]
    for presentation in (token, sdjwt.present(token, set()), sdjwt.present(token, {"/address"})):
        with pytest.raises(HolderBindingInvalid):
            check(presentation + kb_jwt, holder_signer.jwk)
    damaged = bound[:-10] + ("A" if bound[-10] != "A" else "B") + bound[-9:]
    with pytest.raises(HolderBindingInvalid):
        check(damaged, holder_signer.jwk)


def test_t34_arguments_differ(token: str, holder_signer: Any) -> None:
    bound = bind(token, holder_signer)
    for options in ({"aud": AUD + "/"}, {"nonce": NONCE + "x"}, {"nonce": ""}, {"now": NOW + 121}):
        with pytest.raises(HolderBindingInvalid):
            check(bound, holder_signer.jwk, **options)
