"""Compact JWS and thumbprints: `jose`, `joserfc` and `openvc-core` against ours, both ways."""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws
from joserfc.errors import BadSignatureError
from openvc.keys import MLDSASigningKey, verify_signature

from certsvc_sdk import jws
from certsvc_sdk.algorithms import ALGORITHMS, thumbprint
from certsvc_sdk.errors import AlgorithmNotAllowed, SignatureInvalid

Signers = Callable[..., Any]
PAYLOAD = '{"名":"值","n":1}'
# Half the order of P-256 (SEC 2 section 2.4.2), big-endian.
HALF_ORDER = bytes.fromhex("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8")
# joserfc warns about the older spelling, which old records may still carry.
OLD_SPELLING = pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
ML_DSA = ["ML-DSA-44", "ML-DSA-65"]


def ours(signer: Any) -> str:
    data = jws.signing_input(signer.header("JWT"), PAYLOAD.encode())
    return jws.attach(data, signer.sign(data))


def check(token: str, signer: Any) -> None:
    """Our reader takes the token for this key and for no other."""
    parsed = jws.parse(token)
    jws.require_header(parsed.header, typ="JWT", alg=signer.alg)
    signer.public.verify(parsed.signing_input, parsed.signature)
    assert parsed.payload.decode() == PAYLOAD
    with pytest.raises(SignatureInvalid):
        signer.public.verify(parsed.signing_input + b"A", parsed.signature)
    other = type(signer)(signer.alg, 77)
    with pytest.raises(SignatureInvalid):
        other.public.verify(parsed.signing_input, parsed.signature)


def test_jose_reads_ours(node: Any, any_signer: Any) -> None:
    token = ours(any_signer)
    found = node.ask("jws_verify", token=token, alg=any_signer.alg, jwk=any_signer.jwk)
    assert found == {"header": any_signer.header("JWT"), "payload": PAYLOAD}
    other = type(any_signer)(any_signer.alg, 77)
    with pytest.raises(node.Refused, match="ERR_JWS_SIGNATURE_VERIFICATION_FAILED"):
        node.ask("jws_verify", token=token, alg=any_signer.alg, jwk=other.jwk)


def test_we_read_jose(node: Any, any_signer: Any) -> None:
    header, key = any_signer.header("JWT"), any_signer.private_jwk
    check(node.ask("jws_sign", header=header, payload=PAYLOAD, jwk=key), any_signer)


@pytest.mark.parametrize("alg", ML_DSA)
def test_ml_dsa_both_ways_with_jose(alg: str, post_quantum_node: Any, make_signer: Signers) -> None:
    node, signer = post_quantum_node, make_signer(alg)
    found = node.ask("jws_verify", token=ours(signer), alg=alg, jwk=signer.jwk)
    assert found == {"header": signer.header("JWT"), "payload": PAYLOAD}
    header = signer.header("JWT")
    check(node.ask("jws_sign", header=header, payload=PAYLOAD, jwk=signer.private_jwk), signer)
    with pytest.raises(node.Refused, match="ERR_JWS_SIGNATURE_VERIFICATION_FAILED"):
        node.ask("jws_verify", token=ours(signer), alg=alg, jwk=make_signer(alg, 77).jwk)


@pytest.mark.parametrize("alg", ML_DSA)
def test_ml_dsa_both_ways_with_openvc(alg: str, make_signer: Signers) -> None:
    signer = make_signer(alg)
    parsed = jws.parse(ours(signer))
    asked = {"alg": alg, "signing_input": parsed.signing_input, "signature": parsed.signature}
    assert verify_signature(public_jwk=signer.jwk, **asked)
    assert not verify_signature(public_jwk=make_signer(alg, 77).jwk, **asked)
    theirs = MLDSASigningKey.from_jwk(signer.private_jwk, "key")
    signer.public.verify(b"data", theirs.sign(b"data"))
    with pytest.raises(SignatureInvalid):
        signer.public.verify(b"date", theirs.sign(b"data"))


@OLD_SPELLING
def test_joserfc_reads_ours(any_signer: Any, make_signer: Signers) -> None:
    token, alg = ours(any_signer), any_signer.alg
    key = joserfc_jwk.import_key(any_signer.jwk)
    found = joserfc_jws.deserialize_compact(token, key, algorithms=[alg])
    assert (found.headers(), found.payload) == (any_signer.header("JWT"), PAYLOAD.encode())
    other = joserfc_jwk.import_key(make_signer(alg, 77).jwk)
    with pytest.raises(BadSignatureError):
        joserfc_jws.deserialize_compact(token, other, algorithms=[alg])


@OLD_SPELLING
def test_we_read_joserfc(any_signer: Any) -> None:
    key = joserfc_jwk.import_key(any_signer.private_jwk)
    header = any_signer.header("JWT")
    made = joserfc_jws.serialize_compact(header, PAYLOAD, key, algorithms=[any_signer.alg])
    check(made, any_signer)


def test_es256_signatures_of_peers_may_have_a_high_s(node: Any, make_signer: Signers) -> None:
    """Ours are made with a low s; readers take both, or half of all peers' tokens would fail."""
    signer = make_signer("ES256")
    asked = {"header": signer.header("JWT"), "payload": PAYLOAD, "jwk": signer.private_jwk}
    high = set()
    for _ in range(64):
        parsed = jws.parse(node.ask("jws_sign", **asked))
        signer.public.verify(parsed.signing_input, parsed.signature)
        high.add(parsed.signature[32:] > HALF_ORDER)
    assert high == {True, False}


@pytest.mark.parametrize("alg", sorted({"ES256", "Ed25519", *ML_DSA}))
def test_thumbprints_agree(alg: str, node: Any, make_signer: Signers) -> None:
    for number in range(5):
        jwk = make_signer(alg, number).jwk
        assert node.ask("thumbprint", jwk=jwk) == thumbprint(jwk)
        # Members that do not belong to the thumbprint change nothing.
        assert node.ask("thumbprint", jwk={**jwk, "use": "sig", "kid": "x"}) == thumbprint(jwk)
        if alg not in ML_DSA:
            assert joserfc_jwk.import_key(jwk).thumbprint() == thumbprint(jwk)


def test_every_algorithm_of_the_registry_has_a_peer_here() -> None:
    assert set(ALGORITHMS) - {"SM2"} <= {"ES256", "Ed25519", "EdDSA", *ML_DSA}


def test_peers_refuse_what_we_refuse(node: Any, make_signer: Signers) -> None:
    """`alg` of the header against the key's: no peer here follows the header (T01, T02)."""
    signer = make_signer("ES256")
    for alg in ("none", "HS256", "ES384"):
        header = {**signer.header("JWT"), "alg": alg}
        data = jws.signing_input(header, PAYLOAD.encode())
        token = jws.attach(data, signer.sign(data))
        with pytest.raises(node.Refused, match="ERR_JOSE_ALG_NOT_ALLOWED"):
            node.ask("jws_verify", token=token, alg="ES256", jwk=signer.jwk)
        with pytest.raises(AlgorithmNotAllowed):
            jws.require_header(jws.parse(token).header, typ="JWT", alg="ES256")
