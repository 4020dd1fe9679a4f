"""T01-T11, T16-T18: the key decides, the header agrees, one grammar."""

import base64
import hmac
import itertools
import json
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from certsvc_sdk import jws, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import AlgorithmNotAllowed, KeyFormatInvalid, Malformed, SignatureInvalid

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# RFC 7515 appendix A.3: key, and a JWS by it.
RFC7515_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC7515_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
# RFC 8037 appendix A: key, thumbprint, and a JWS by it.
RFC8037_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
RFC8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
RFC8037_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("jwk", "alg", "token"),
    [
        (RFC7515_JWK, "ES256", RFC7515_TOKEN),
        (RFC8037_JWK, "EdDSA", RFC8037_TOKEN),
        (RFC8037_JWK, "Ed25519", RFC8037_TOKEN),
    ],
)
def test_rfc_examples_verify(jwk: dict[str, str], alg: str, token: str) -> None:
    key = PublicKey.from_jwk(jwk, alg)
    compact = jws.parse(token)
    key.verify(compact.signing_input, compact.signature)
    assert jws.attach(compact.signing_input, compact.signature) == token
    with pytest.raises(SignatureInvalid):
        key.verify(compact.signing_input + b"x", compact.signature)


def test_sign_and_read_back(any_signer: Any) -> None:
    token = any_signer.jws('{"a":"中"}'.encode())
    compact = jws.parse(token)
    jws.require_header(compact.header, typ="dc+sd-jwt", alg=any_signer.alg)
    any_signer.public.verify(compact.signing_input, compact.signature)
    assert compact.payload == '{"a":"中"}'.encode()
    header = {"alg": any_signer.alg, "typ": "dc+sd-jwt", "kid": any_signer.kid}
    assert list(compact.header.items()) == list(header.items())


NONE_SPELLINGS = ["".join(case) for case in itertools.product("nN", "oO", "nN", "eE")]
OTHER_ALGORITHMS = [
    "", " ES256", "ES256 ", "es256", "Es256", "ＥＳ256", "ES-256", "ES256K", "ES384",
    "ES512",
    "HS256", "hs256", "HS384", "HS512", "RS256", "PS256", "EdDSA", "Ed25519", "SM2", "dir",
    None, 0, True,
    ["ES256"], {"alg": "ES256"},
]  # fmt: skip


@pytest.mark.parametrize("alg", [*NONE_SPELLINGS, *OTHER_ALGORITHMS])
@pytest.mark.parametrize("signature", [b"", b"\x01" * 64])
def test_t01_only_the_records_algorithm(alg: Any, signature: bytes) -> None:
    header = {"alg": alg, "typ": "dc+sd-jwt", "kid": "k"}
    token = jws.attach(jws.signing_input(header, b"{}"), signature)
    with pytest.raises(AlgorithmNotAllowed):
        jws.require_header(jws.parse(token).header, typ="dc+sd-jwt", alg="ES256")


def test_t01_missing_algorithm() -> None:
    with pytest.raises(AlgorithmNotAllowed):
        jws.require_header({"typ": "dc+sd-jwt", "kid": "k"}, typ="dc+sd-jwt", alg="ES256")


def test_t01_a_signature_must_stand(any_signer: Any) -> None:
    compact = jws.parse(any_signer.jws(b"{}").rpartition(".")[0] + ".")
    assert compact.signature == b""
    with pytest.raises(SignatureInvalid):
        any_signer.public.verify(compact.signing_input, compact.signature)


def test_t02_no_text_form_of_a_key_is_an_hmac_secret(es256_signer: Any) -> None:
    public = es256_signer.private.public_key()
    encoding, form = serialization.Encoding, serialization.PublicFormat
    texts = [
        public.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo),
        public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
        public.public_bytes(encoding.OpenSSH, form.OpenSSH),
        public.public_bytes(encoding.X962, form.UncompressedPoint),
        json.dumps(es256_signer.jwk).encode(),
        es256_signer.jwk["x"].encode(),
    ]
    header = {**es256_signer.header(), "alg": "HS256"}
    data = jws.signing_input(header, b"{}")
    for secret in texts:
        mac = hmac.digest(secret, data, "sha256")
        compact = jws.parse(jws.attach(data, mac))
        with pytest.raises(AlgorithmNotAllowed):
            jws.require_header(compact.header, typ="dc+sd-jwt", alg="ES256")
        with pytest.raises(SignatureInvalid):
            es256_signer.public.verify(compact.signing_input, compact.signature)
    for alg in ("HS256", "none", "RS256", ""):
        with pytest.raises(AlgorithmNotAllowed):
            PublicKey.from_jwk(es256_signer.jwk, alg)


KIDS = [
    "", "a b", "../../etc/passwd", "/etc/passwd", "' OR 1=1 --", "http://evil.example/k",
    "k\x00", "k\n", "é",
    "ｋ", "x" * 65, "%00", "a.b", "a/b", "a\\b", "${x}", "{{7*7}}", None, 1, True, ["k"], {"k": 1},
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS)
def test_t04_kid_has_a_narrow_grammar(kid: Any, es256_signer: Any) -> None:
    with pytest.raises(Malformed):
        jws.require_header({"alg": "ES256", "typ": "t", "kid": kid}, typ="t", alg="ES256")
    if isinstance(kid, str) and kid:
        with pytest.raises(KeyFormatInvalid):
            PublicKey.from_jwk(es256_signer.jwk, "ES256", kid=kid)


def test_t04_a_megabyte_of_kid() -> None:
    header = b64u(json.dumps({"alg": "ES256", "typ": "t", "kid": "k" * 2**20}).encode())
    with pytest.raises(Malformed):
        jws.parse(f"{header}.e30.AA")
    with pytest.raises(Malformed):
        jws.parse(f"{header}.e30.AA", max_bytes=2**22)


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://evil.example/"}, {"x5u": "https://evil.example/"}, {"jwk": RFC7515_JWK},
        {"x5c": ["AA"]}, {"x5t": "AA"}, {"x5t#S256": "AA"},
        {"crit": ["exp"]}, {"crit": []}, {"crit": "b64"}, {"crit": None}, {"crit": ["b64", "b64"]},
        {"crit": ["b64"], "b64": True}, {"b64": False}, {"b64": True}, {"zip": "DEF"},
        {"enc": "A128GCM"}, {"cty": "JWT"}, {"Alg": "ES256"}, {"": 1},
    ],
)  # fmt: skip
def test_t06_t07_t08_t09_no_other_header_member(extra: dict[str, Any], es256_signer: Any) -> None:
    token = es256_signer.jws(b"{}", header={**es256_signer.header(), **extra})
    with pytest.raises(Malformed):
        jws.require_header(jws.parse(token).header, typ="dc+sd-jwt", alg="ES256")


@pytest.mark.parametrize(
    "typ", ["kb+jwt", "statuslist+jwt", "DC+SD-JWT", "", None, "application/dc+sd-jwt"]
)
def test_t19_the_type_must_be_the_contexts(typ: Any, es256_signer: Any) -> None:
    with pytest.raises(Malformed):
        jws.require_header({**es256_signer.header(), "typ": typ}, typ="dc+sd-jwt", alg="ES256")
    with pytest.raises(Malformed):
        jws.require_header({"alg": "ES256", "kid": "k"}, typ="dc+sd-jwt", alg="ES256")


def test_t09_compressed_payload_is_never_inflated(es256_signer: Any) -> None:
    bomb = zlib.compress(bytes(20_000))
    header = {**es256_signer.header(), "zip": "DEF"}
    compact = jws.parse(es256_signer.jws(bomb, header=header))
    assert compact.payload == bomb


HEADER = b64u(b'{"alg":"ES256"}')
GRAMMAR = [
    "", ".", "..", "...", HEADER, f"{HEADER}.e30", f"{HEADER}.e30.AA.AA", f"{HEADER}..AA",
    ".e30.AA",
    f"{HEADER}.e30.AA.", f" {HEADER}.e30.AA", f"{HEADER}.e30.AA\n", f"{HEADER}.e3 0.AA",
    f"{HEADER}.e30=.AA",
    f"{HEADER}.e30.AB", f"{HEADER}.e31.AA", f"{HEADER}.e30.A", f"{HEADER}.é30.AA",
    f"{HEADER}.e30.AA~",
    f"{HEADER}.e30.A\u200bA", f"{HEADER}.e30.AA.AA.AA", "~", f"Bearer {HEADER}.e30.AA",
]  # fmt: skip


@pytest.mark.parametrize("token", GRAMMAR)
def test_t16_t18_grammar(token: str) -> None:
    with pytest.raises(Malformed):
        jws.parse(token)


POLYGLOTS = [
    '{{"protected":"{h}","payload":"{p}","signature":"{s}"}}',
    '{{"payload":"{p}","signatures":[{{"protected":"{h}","signature":"{s}"}}]}}',
    '{{" {h}.":"","{p}":"","{s}":""}}',
    '  {{"{h}.{p}.{s}":1}}',
    '{{"protected":"{h}","payload":"e30","signature":"{s}","x":".{p}."}}',
    '{{"{h}.{p}":"","payload":"{p}","protected":"{h}","signature":"{s}"}}',
    '{{"e30.":1,"protected":"{h}","payload":"{p}","signature":"{s}"}}',
    '["{h}.{p}.{s}"]',
    '"{h}.{p}.{s}"',
    "{h}.{p}.{s}{{}}",
    "{{{h}.{p}.{s}}}",
]


@pytest.mark.parametrize("form", POLYGLOTS)
def test_t18_json_serialisations_and_polyglots(form: str, es256_signer: Any) -> None:
    header, payload, signature = es256_signer.jws(b'{"a":1}').split(".")
    with pytest.raises(Malformed):
        jws.parse(form.format(h=header, p=payload, s=signature))


HEADERS = [
    b'{"alg":"ES256","alg":"none"}', b'["ES256"]', b'"ES256"', b"null", b"{", b"\xef\xbb\xbf{}",
    '{"alg":"ES256"}'.encode("utf-16"), b'{"alg":"\xff"}', b'{"alg":"ES256\\u0000"}',
    b'{"alg":"\\ud800"}',
    b'{"alg":NaN}', b'{"alg":1e400}', b"[" * 4000, b'{"a":' * 1000,
    b'{"x":"' + b"y" * 9000 + b'"}',
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_t13_t15_t17_headers(header: bytes) -> None:
    with pytest.raises(Malformed):
        jws.parse(f"{b64u(header)}.e30.AA")


def test_limits() -> None:
    body = "A" * (strict.MAX_TOKEN - len(HEADER) - 5)
    body = body[: len(body) // 4 * 4]
    assert jws.parse(f"{HEADER}.{body}.AA").payload == bytes(len(body) // 4 * 3)
    with pytest.raises(Malformed):
        jws.parse(f"{HEADER}.{body}AAAAAAAA.AA")


def test_payload_must_not_be_empty() -> None:
    with pytest.raises(Malformed):
        jws.signing_input({"alg": "ES256"}, b"")
