"""What is made here is what is taken here, and by OpenSSL."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import (
    AlgorithmNotAllowed,
    ChainMalformed,
    ChainUntrusted,
    KeyFormatInvalid,
)
from certsvc_sdk.x509 import Expected, validate_chain
from certsvc_sdk.x509.lists import revocation_list
from certsvc_sdk.x509.making import (
    Places,
    authority_certificate,
    department_certificate,
    root_certificate,
)
from certsvc_sdk.x509.names import Office, constraint_host
from certsvc_sdk.x509.requests import read_request, request
from certsvc_sdk.x509.signing import ExternalKey, jwk_of

PLACES = Places(
    crl="https://certs.example/x509/a.crl", certificate="https://certs.example/x509/a.cer"
)
Make = Callable[..., dict[str, Any]]


def raw(key: Any) -> Callable[[bytes], bytes]:
    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


@pytest.fixture
def signers(x509_keys: Any) -> dict[str, ExternalKey]:
    return {
        name: ExternalKey(raw(key), jwk_of(key.public_key())) for name, key in x509_keys.items()
    }


@pytest.fixture
def office(tools: Any) -> Office:
    return Office(iss=tools.ISS, uscc=tools.USCC, name="示例局")


@pytest.fixture
def made(signers: dict[str, ExternalKey], office: Office, tools: Any) -> Make:
    """A chain of three with its lists, as the argument of `validate_chain`."""

    def make(*, area: str = "330100", host: str | None = "certs.example") -> dict[str, Any]:
        root_key, middle_key, leaf_key = (signers[one] for one in ("root", "middle", "leaf"))
        times = {"start": tools.NOW, "end": tools.NOW + tools.DAY}
        root = root_certificate(root_key, name="根", host=host, depth=1, serial=bytes(16), **times)
        middle = authority_certificate(
            middle_key.public_key(),
            root,
            root_key,
            name="市",
            area=area,
            host=host,
            places=PLACES,
            serial=bytes([1] * 16),
            **times,
        )
        leaf = department_certificate(
            leaf_key.public_key(),
            middle,
            middle_key,
            office=office,
            places=PLACES,
            serial=bytes([2] * 16),
            **times,
        )
        lists = [
            revocation_list(cert, key, [], number=1, **times)
            for cert, key in ((middle, middle_key), (root, root_key))
        ]
        public = PublicKey.from_jwk(jwk_of(leaf_key.public_key()), "ES256")
        return {
            "chain": [leaf, middle],
            "anchors": [root],
            "crls": lists,
            "expected": Expected(public=public, iss=office.iss, uscc=office.uscc, name=office.name),
            "at": tools.NOW,
            "now": tools.NOW,
        }

    return make


@pytest.mark.parametrize("area", ["100000", "330000", "330100", "330106"])
@pytest.mark.parametrize("host", ["certs.example", None])
def test_what_is_made_is_taken(
    made: Make, world: Any, openssl: Any, area: str, host: str | None
) -> None:
    arguments = made(area=area, host=host)
    found = validate_chain(**arguments)
    # A leading one and 128 random bits.
    assert found.serial == int.from_bytes(b"\1" + bytes([2] * 16))
    world.chain, world.anchors, world.crls = (
        arguments[name] for name in ("chain", "anchors", "crls")
    )
    good, said = openssl(world)
    assert good, said


@pytest.mark.parametrize("area", ["440000", "330200", "330105", "340000"])
def test_an_authority_stays_in_its_area(made: Make, world: Any, openssl: Any, area: str) -> None:
    arguments = made(area=area)
    with pytest.raises(ChainUntrusted, match="area"):
        validate_chain(**arguments)
    world.chain, world.anchors, world.crls = (
        arguments[name] for name in ("chain", "anchors", "crls")
    )
    assert not openssl(world)[0]


def test_what_a_certificate_says(made: Make, tmp_path: Any, openssl: Any) -> None:
    (tmp_path / "leaf.der").write_bytes(made()["chain"][0])
    said = subprocess.run(
        [
            *f"openssl x509 -inform DER -in {tmp_path}/leaf.der -noout -text -nameopt".split(),
            "utf8,sep_comma_plus",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in (
        "C=CN,ST=33,L=3301,OU=330106,O=示例局,organizationIdentifier=NTRCN-11330106MB2F1234X5",
        "Signature Algorithm: ecdsa-with-SHA256",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "1.3.6.1.5.5.7.3.36",
        "URI:https://certs.example/i/11330106MB2F1234X5",
        "Full Name:\n                  URI:https://certs.example/x509/a.crl",
        "CA Issuers - URI:https://certs.example/x509/a.cer",
    ):
        assert line in said


def test_a_request_shows_that_the_key_is_there(
    signers: dict[str, ExternalKey], office: Office, x509_keys: Any
) -> None:
    asked = request(signers["leaf"], office)
    assert read_request(asked) == (office, jwk_of(x509_keys["leaf"].public_key()))
    lying = ExternalKey(raw(x509_keys["other"]), jwk_of(x509_keys["leaf"].public_key()))
    other = Office(iss=office.iss, uscc="11330106MB2F1234X6", name=office.name)
    for wrong in (
        request(lying, office),
        request(signers["leaf"], other),
        asked[:100],
        asked * 20,
        b"",
    ):
        with pytest.raises(ChainMalformed):
            read_request(wrong)


def test_a_key_outside_does_one_thing(x509_keys: Any) -> None:
    key = x509_keys["leaf"]
    outside = ExternalKey(raw(key), jwk_of(key.public_key()))
    assert (outside.key_size, outside.curve.name) == (256, "secp256r1")
    signed = outside.sign(b"data", ec.ECDSA(SHA256()))
    key.public_key().verify(signed, b"data", ec.ECDSA(SHA256()))
    for algorithm in (ec.ECDSA(SHA384()), ec.ECDSA(Prehashed(SHA256()))):
        with pytest.raises(AlgorithmNotAllowed):
            outside.sign(b"data", algorithm)
    for call in (
        lambda: outside.exchange(ec.ECDH(), key.public_key()),
        outside.private_numbers,
        lambda: outside.private_bytes(None, None, None),  # type: ignore[arg-type]
    ):
        with pytest.raises(AlgorithmNotAllowed):
            call()
    for bad in (b"", bytes(64), b"\1" * 63, bytes(32) + b"\1" * 32):
        broken = ExternalKey(lambda _, bad=bad: bad, jwk_of(key.public_key()))
        with pytest.raises(AlgorithmNotAllowed):
            broken.sign(b"data", ec.ECDSA(SHA256()))
    point = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    with pytest.raises(KeyFormatInvalid):
        ExternalKey(raw(key), point)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": " 局"},
        {"name": "局" * 65},
        {"name": "局\n"},
        {"serial": b"short"},
        {"end": 0},
        {"area": "000000"},
        {"area": "3301"},
    ],
)
def test_what_readers_would_refuse_is_not_made(
    signers: dict[str, ExternalKey], made: Make, tools: Any, change: dict[str, Any]
) -> None:
    given = {
        "name": "市",
        "area": "330100",
        "host": "certs.example",
        "places": PLACES,
        "serial": bytes(16),
        "start": tools.NOW,
        "end": tools.NOW + 1,
    }
    public = signers["middle"].public_key()
    with pytest.raises(ChainMalformed):
        authority_certificate(public, made()["anchors"][0], signers["root"], **{**given, **change})


@pytest.mark.parametrize(
    ("iss", "host"),
    [
        ("https://certs.example/", "certs.example"),
        ("https://certs.example:8443/x/", "certs.example"),
        ("http://127.0.0.1:8000/", None),
        ("http://localhost:8000/", None),
        ("https://[2001:db8::1]/", None),
        ("ftp://certs.example/", None),
    ],
)
def test_only_domains_can_be_a_limit(iss: str, host: str | None) -> None:
    assert constraint_host(iss) == host
