"""The same job in other libraries, on the identical token; a library that is absent is left out.

Each peer is given its key parsed already, as ours is.
"""

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc_sdk.strict import b64u_decode

Jwk = Mapping[str, str]
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Peer(NamedTuple):
    """A peer's work, and what it leaves out of the job."""

    name: str
    work: Callable[[], object]
    note: str


def raw_verify(token: str, jwk: Jwk) -> Callable[[], object]:
    """The signature check alone, on parsed inputs: the limit."""
    signing_input, _, encoded = token.partition("~")[0].rpartition(".")
    data, signature = signing_input.encode(), b64u_decode(encoded)
    if jwk["kty"] == "OKP":
        edwards = ed25519.Ed25519PublicKey.from_public_bytes(b64u_decode(jwk["x"]))
        return lambda: edwards.verify(signature, data)
    x, y = (int.from_bytes(b64u_decode(jwk[name])) for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:]))
    der, algorithm = encode_dss_signature(r, s), ec.ECDSA(hashes.SHA256())
    return lambda: key.verify(der, data, algorithm)


def raw_sign(key: PrivateKey, data: bytes) -> Callable[[], object]:
    """The signature alone: the limit."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return lambda: key.sign(data)
    algorithm = ec.ECDSA(hashes.SHA256())
    return lambda: key.sign(data, algorithm)


def private_key(alg: str) -> PrivateKey:
    """A key to sign with."""
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def verify_jwt(token: str, jwk: Jwk, alg: str) -> list[Peer]:
    """Peers that verify a JWT: signature, payload as JSON, `exp`."""
    peers = []
    if find_spec("jwt"):
        import jwt
        from jwt.algorithms import OKPAlgorithm

        with suppress(ValueError):  # it knows the older spelling of Ed25519 only
            jwt.register_algorithm("Ed25519", OKPAlgorithm())
        key = jwt.PyJWK(dict(jwk)).key
        allowed = [alg]
        peers.append(
            Peer(
                "PyJWT",
                lambda: jwt.decode(token, key, algorithms=allowed),
                "no strict JSON, no closed header",
            )
        )
    if find_spec("joserfc"):
        from joserfc import jwt as jose
        from joserfc.jwk import ECKey, OKPKey

        loaded = (ECKey if alg == "ES256" else OKPKey).import_key(dict(jwk))
        rules = jose.JWTClaimsRegistry()

        def decode() -> None:
            rules.validate(jose.decode(token, loaded, algorithms=[alg]).claims)

        peers.append(Peer("joserfc", decode, "no strict JSON, no closed header"))
    return peers


def verify_sd_jwt(token: str, jwk: Jwk) -> list[Peer]:
    """Peers that verify an SD-JWT VC and put its disclosures in place."""
    peers = []
    if find_spec("openvc"):
        from openvc.proof.sd_jwt import SdJwtVcProofSuite

        suite, public = SdJwtVcProofSuite(), dict(jwk)
        peers.append(
            Peer(
                "openvc-core",
                lambda: suite.verify(token, public_key_jwk=public),
                "no trust record, no status; takes the key as a JWK",
            )
        )
    if find_spec("sd_jwt"):
        from jwcrypto.jwk import JWK
        from sd_jwt.verifier import SDJWTVerifier

        key = JWK.from_json(json.dumps(dict(jwk)))
        peers.append(
            Peer(
                "sd-jwt",
                lambda: SDJWTVerifier(token, lambda _iss, _header: key).get_verified_payload(),
                "no trust record, no status, no times",
            )
        )
    return peers


def issue_sd_jwt(
    key: PrivateKey, claims: Mapping[str, Any], disclose: Collection[str]
) -> list[Peer]:
    """Peers that issue an SD-JWT with flat disclosures of the named claims."""
    peers = []
    curve = isinstance(key, ec.EllipticCurvePrivateKey)
    if find_spec("openvc"):
        from openvc.keys import Ed25519SigningKey, P256SigningKey
        from openvc.proof.sd_jwt import SdJwtVcProofSuite

        suite = SdJwtVcProofSuite()
        signing = (P256SigningKey if curve else Ed25519SigningKey)(key, "kid")
        names, body = list(disclose), dict(claims)
        peers.append(
            Peer(
                "openvc-core",
                lambda: suite.issue(body, signing_key=signing, disclosable=names),
                "salts from the system; high s left as it is",
            )
        )
    if find_spec("sd_jwt"):
        from jwcrypto.jwk import JWK
        from sd_jwt.common import SDObj
        from sd_jwt.issuer import SDJWTIssuer

        held = JWK.from_pyca(key)
        header = {"typ": "dc+sd-jwt", "kid": "kid"}
        alg = "ES256" if curve else "EdDSA"
        marked = {SDObj(n) if n in disclose else n: value for n, value in claims.items()}
        peers.append(
            Peer(
                "sd-jwt",
                lambda: (
                    SDJWTIssuer(
                        dict(marked), held, sign_alg=alg, extra_header_parameters=dict(header)
                    ).sd_jwt_issuance
                ),
                "salts from the system; high s left as it is",
            )
        )
    return peers
