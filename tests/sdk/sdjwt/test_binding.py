"""Key binding: T34 and RFC 9901 sections 4.3 and 7.3, step 5, one difference at a time."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from certsvc_sdk import jws, sdjwt
from certsvc_sdk.errors import HolderBindingInvalid, Malformed, PresentationExpired
from certsvc_sdk.sdjwt import binding

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
    for aud, nonce in (("", "n"), ("v", "")):
        with pytest.raises(Malformed):
            sdjwt.key_binding_input("a.b.c~", alg="ES256", aud=aud, nonce=nonce, iat=5)


def test_sd_hash_covers_the_ascii_up_to_the_last_tilde(token: str, holder_signer: Any) -> None:
    for keep in (set(), {"/head"}, DISCLOSE):
        presentation = sdjwt.present(token, keep)
        bound = bind(presentation, holder_signer)
        payload = json.loads(jws.parse(sdjwt.parse(bound).kb_jwt or "").payload)
        expected = hashlib.sha256(presentation.encode("ascii")).digest()
        assert payload["sd_hash"] == base64.urlsafe_b64encode(expected).rstrip(b"=").decode()
        check(bound, holder_signer.jwk)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"}, {"aud": [AUD]}, {"aud": None}, {"aud": ""},
        {"nonce": "other"}, {"nonce": None}, {"nonce": 1234567890}, {"nonce": ""},
        {"nonce": [NONCE]},
        {"sd_hash": None}, {"sd_hash": "x" * 43}, {"sd_hash": ""}, {"sd_hash": 1},
        {"iat": None}, {"iat": str(NOW)}, {"iat": float(NOW)}, {"iat": True}, {"iat": NOW - 121},
        {"iat": NOW + 61}, {"iat": 0}, {"iat": -NOW},
        {"nbf": NOW + 61}, {"nbf": str(NOW)}, {"exp": NOW}, {"exp": NOW - 1}, {"exp": "never"},
        {"exp": True},
        {"h_typ": None}, {"h_typ": "JWT"}, {"h_typ": "dc+sd-jwt"}, {"h_typ": "KB+JWT"},
        {"h_typ": "application/kb+jwt"}, {"h_typ": ["kb+jwt"]},
        {"h_alg": "none"}, {"h_alg": None}, {"h_alg": "HS256"}, {"h_alg": "Ed25519"},
        {"h_alg": "ES384"}, {"h_alg": "es256"}, {"h_alg": ["ES256"]},
        {"h_jwk": {}}, {"h_kid": "k"}, {"h_crit": ["exp"]}, {"h_b64": False}, {"h_zip": "DEF"},
        {"h_x5c": []}, {"h_cty": "x"},
    ],
)  # fmt: skip
def test_t34_any_difference_is_refused(token: str, holder_signer: Any, changes: Any) -> None:
    check(bind(token, holder_signer), holder_signer.jwk)
    with pytest.raises(HolderBindingInvalid):
        check(bind(token, holder_signer, **changes), holder_signer.jwk)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW + 1}, {"nbf": NOW}, {"nbf": NOW + 60}, {"jti": "1"}, {"cnf": {}},
        {"transaction_data_hashes": ["x"]},
    ],
)  # fmt: skip
def test_members_beside_the_four_narrow_the_time_or_mean_nothing(
    token: str, holder_signer: Any, changes: Any
) -> None:
    check(bind(token, holder_signer, **changes), holder_signer.jwk)


@pytest.mark.parametrize("age", [-60, 0, 119, 120])
def test_t34_time_window(token: str, holder_signer: Any, age: int) -> None:
    check(bind(token, holder_signer, iat=NOW - age), holder_signer.jwk)
    check(bind(token, holder_signer, iat=NOW - age), holder_signer.jwk, max_age=120)
    if age > 60:
        with pytest.raises(PresentationExpired):
            check(bind(token, holder_signer, iat=NOW - age), holder_signer.jwk, max_age=60)


def test_the_window_has_names() -> None:
    assert (binding.MAX_AGE, binding.MAX_CLOCK_SKEW) == (120, 60)


def test_only_a_presentation_that_is_right_but_for_its_age_is_called_expired(
    token: str, holder_signer: Any, make_signer: Any
) -> None:
    """A stranger learns from the code only what the holder could: ask for a fresh one."""
    old = {"iat": NOW - 121}
    for changes in (old, {"exp": NOW}, {"iat": NOW - 10_000_000}):
        with pytest.raises(PresentationExpired) as caught:
            check(bind(token, holder_signer, **changes), holder_signer.jwk)
        assert caught.value.code == "presentation_expired"
    wrong: tuple[dict[str, Any], ...] = (
        {"aud": "other"}, {"nonce": "other"}, {"sd_hash": "x" * 43}, {"h_kid": "k"},
    )  # fmt: skip
    for changes in wrong:
        with pytest.raises(HolderBindingInvalid) as refused:
            check(bind(token, holder_signer, **old, **changes), holder_signer.jwk)
        assert refused.value.code == "holder_binding_invalid"
    with pytest.raises(HolderBindingInvalid) as foreign:
        check(bind(token, make_signer("ES256", 5), **old), holder_signer.jwk)
    assert foreign.value.code == "holder_binding_invalid"
    with pytest.raises(HolderBindingInvalid) as early:
        check(bind(token, holder_signer, iat=NOW + 61), holder_signer.jwk)
    assert early.value.code == "holder_binding_invalid"


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
    for options in (
        {"aud": AUD + "/"}, {"nonce": NONCE + "x"}, {"now": NOW + 121}, {"nonce": ""}, {"aud": ""},
    ):  # fmt: skip
        with pytest.raises(HolderBindingInvalid):
            check(bound, holder_signer.jwk, **options)


@pytest.mark.parametrize("name", ["aud", "nonce"])
def test_an_empty_expectation_never_matches(token: str, holder_signer: Any, name: str) -> None:
    bound = bind(token, holder_signer, **{name: ""})
    with pytest.raises(HolderBindingInvalid):
        check(bound, holder_signer.jwk, **{name: ""})


def test_the_registry_of_holder_algorithms_is_closed(token: str, holder_signer: Any) -> None:
    assert {"ES256", "Ed25519", "EdDSA"} == sdjwt.HOLDER_ALGORITHMS
    bound = bind(token, holder_signer)
    check(bound, holder_signer.jwk, algorithms=("ES256",))
    with pytest.raises(HolderBindingInvalid):
        check(bound, holder_signer.jwk, algorithms=("Ed25519",))
    with pytest.raises(HolderBindingInvalid):
        check(bound, holder_signer.jwk, algorithms=())
    # A caller's list cannot widen the SDK's registry.
    for alg in ("HS256", "none", "ES512"):
        with pytest.raises(HolderBindingInvalid):
            check(bind(token, holder_signer, h_alg=alg), holder_signer.jwk, algorithms=(alg,))


@pytest.mark.parametrize("algorithm", ["sm3", "sha-512", "md5", 256, None])
def test_a_digest_that_is_off_is_off_for_sd_hash_too(
    es256_signer: Any, holder_signer: Any, algorithm: Any
) -> None:
    payload = {"iss": "x", "_sd_alg": algorithm}
    issued = es256_signer.jws(json.dumps(payload).encode()) + "~"
    bound = bind(issued, holder_signer)
    with pytest.raises(HolderBindingInvalid):
        check(bound, holder_signer.jwk)


@pytest.mark.parametrize(
    "payload", [b"[]", b"{", b"null", b'{"iat":1,"iat":1}', b'{"iat":1e400}', b"\xff"]
)
def test_the_payload_is_read_strictly(token: str, holder_signer: Any, payload: bytes) -> None:
    header = {"alg": "ES256", "typ": "kb+jwt"}
    with pytest.raises(HolderBindingInvalid):
        check(token + holder_signer.jws(payload, header=header), holder_signer.jwk)


def test_cnf_holds_a_jwk_and_nothing_else(holder_signer: Any) -> None:
    assert sdjwt.holder_jwk({"jwk": holder_signer.jwk}) == holder_signer.jwk
    refused: list[Any] = [
        None, {}, "x", [], [{"jwk": holder_signer.jwk}], {"kid": "k"}, {"jku": "https://a/b"},
        {"jwe": "x"}, {"x5t#S256": "x"}, {"jwk": None}, {"jwk": "x"}, {"jwk": [holder_signer.jwk]},
        {"jwk": holder_signer.jwk, "kid": "k"}, {"jwk": holder_signer.jwk, "jku": "https://a/b"},
        {"JWK": holder_signer.jwk},
    ]  # fmt: skip
    for cnf in refused:
        with pytest.raises(HolderBindingInvalid):
            sdjwt.holder_jwk(cnf)
