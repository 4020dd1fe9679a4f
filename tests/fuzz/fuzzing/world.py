"""A small real world, made with `cryptography`: keys, a trust record, a status list, tokens."""

import hashlib
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc_sdk import qr, sdjwt, statuslist
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord, parse_record
from certsvc_sdk.world import StatusSnapshot

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
USCC = "119999000000000198"
ISS = f"{BASE}i/{USCC}"
PREFIX = f"{BASE}status/{USCC}/"
URI = f"{PREFIX}1"
TYPES = f"{BASE}vct/"
SEED = bytes(range(16))
IDENTIFIER = "1.2.156.3005.2.11100000MB0143028R001.119999000000000198.999900000000000001.001.X"
AUDIENCE = "https://hall.example/window/3"
NONCE = "n-0S6_WzA2Mj"
# Index 7 is everybody's; the others of the first list show every value.
INDEX = 7
VALUES = {1: 1, 2: 2, 3: 3}
ENTRIES = 1000

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64u(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: str) -> bytes:
    """Decode any base64url text leniently; foreign characters are passed over."""
    return urlsafe_b64decode(text.encode("ascii", "ignore") + b"==")


def compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Signer:
    """A fixed private key; equal numbers give equal keys and equal signatures."""

    def __init__(self, alg: str, number: int) -> None:
        self.alg = alg
        secret = hashlib.sha256(f"fuzz {alg} {number}".encode()).digest()
        if alg == "ES256":
            scalar = int.from_bytes(secret, "big") % P256_ORDER
            self.private: Any = ec.derive_private_key(scalar, ec.SECP256R1())
            numbers = self.private.public_key().public_numbers()
            x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
            self.jwk = {"crv": "P-256", "kty": "EC", "x": b64u(x), "y": b64u(y)}
        else:
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
            raw = self.private.public_key().public_bytes_raw()
            self.jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64u(raw)}
        self.kid = b64u(hashlib.sha256(compact(self.jwk)).digest())[:11]

    def sign(self, data: bytes) -> bytes:
        if self.alg != "ES256":
            return bytes(self.private.sign(data))
        # RFC 6979, so that an input of the fuzzer means the same when it is played again.
        made = self.private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(made)
        return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")

    def header(self, typ: str) -> dict[str, str]:
        return {"alg": self.alg, "typ": typ, "kid": self.kid}


ISSUER = Signer("ES256", 1)
ISSUER_TOO = Signer("Ed25519", 2)
STATUS = Signer("ES256", 3)
HOLDER = Signer("ES256", 4)
STRANGER = Signer("ES256", 5)
SIGNERS = {signer.kid: signer for signer in (ISSUER, ISSUER_TOO, STATUS, HOLDER, STRANGER)}


def record_json() -> dict[str, Any]:
    def key(signer: Signer, use: str) -> dict[str, Any]:
        return {
            "kid": signer.kid, "alg": signer.alg, "use": use, "public": signer.jwk,
            "not_before": NOW - 400 * DAY, "not_after": None, "state": "active", "types": None,
            "compromised_at": None, "accept_before_log_index": None,
        }  # fmt: skip

    def right(name: str, longest: int | None) -> dict[str, Any]:
        return {
            "vct": TYPES + name, "division": "999900", "from": NOW - 400 * DAY, "to": None,
            "max_validity": longest,
        }  # fmt: skip

    return {
        "version": 1,
        "iss": ISS,
        "uscc": USCC,
        "division": "999900",
        "names": {"zh": "示例市市场监督管理局", "en": "Demo Market Regulator"},
        "level": "city",
        "keys": [key(ISSUER, "certificate"), key(ISSUER_TOO, "certificate"), key(STATUS, "status")],
        "rights": [right("business-licence", None), right("household-register", 800 * DAY)],
        "status_prefix": PREFIX,
        "status_aggregation": f"{PREFIX}lists.json",
        "log_origin": "certs.example/log",
        "aliases": [f"{BASE}old/i/{USCC}"],
        "mirrors": ["https://mirror.example/certs/"],
        "successor": None,
    }


def list_payload() -> dict[str, Any]:
    bits = bytearray(ENTRIES * 2 // 8)
    for index, value in VALUES.items():
        bits[index // 4] |= value << index % 4 * 2
    return {
        "sub": URI, "iat": NOW - 60, "exp": NOW - 60 + DAY, "ttl": 300, "version": 1,
        "status_list": {"bits": 2, "lst": b64u(zlib.compress(bytes(bits)))},
    }  # fmt: skip


def jws(signer: Signer, typ: str, payload: bytes) -> str:
    signing_input = f"{b64u(compact(signer.header(typ)))}.{b64u(payload)}"
    return f"{signing_input}.{b64u(signer.sign(signing_input.encode()))}"


def claims(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "iss": ISS,
        "vct": f"{TYPES}{kind}/1",
        "certificate_identifier": IDENTIFIER,
        "iat": NOW - DAY,
        "nbf": NOW - DAY,
        "exp": NOW + 300 * DAY,
        "status": {"status_list": {"idx": INDEX, "uri": URI}},
        **more,
    }


_LICENCE = {
    "unified_social_credit_code": "91999900MA0000007U",
    "name": "示例科技有限公司",
    "legal_representative": "张三",
    "capital": 1_000_000,
    "founded": "2019-05-06",
    "registered_capital": "伍佰万元整",
}
_MEMBERS = [
    {
        "name": "李四",
        "relationship": "户主",
        "citizen_id": "999900199001010018",
        "notes": ["甲", "乙"],
    },
    {"name": "李五", "relationship": "子", "citizen_id": "999900201501010027", "height": 1.25},
]
_HIDDEN = ("/address", "/members/*", "/members/*/citizen_id", "/members/*/notes/*")


def _token(signer: Signer, content: dict[str, Any], disclose: tuple[str, ...]) -> str:
    draft = sdjwt.draft(
        header=signer.header("dc+sd-jwt"),
        claims=content,
        disclose=disclose,
        salts=sdjwt.salts_from_seed(SEED),
    )
    return draft.finish(signer.sign(draft.signing_input))


@cache
def tokens() -> dict[str, str]:
    """Valid presentations of several shapes; all of them are VALID in `Surroundings`."""
    household = claims("household-register", address="示例路 1 号", members=_MEMBERS)
    whole = _token(ISSUER, household, _HIDDEN)
    return {
        "licence": _token(
            ISSUER, claims("business-licence", **_LICENCE), ("/legal_representative",)
        ),
        "household": whole,
        "withheld": sdjwt.present(whole, ("/members/0", "/members/0/citizen_id")),
        "clear": _token(ISSUER_TOO, claims("business-licence", **_LICENCE), ()),
        "bound": _token(
            ISSUER, claims("business-licence", cnf={"jwk": HOLDER.jwk}, **_LICENCE), ("/name",)
        ),
    }


@cache
def codes() -> dict[str, str]:
    """QR texts of the tokens; one seed, individual salts, none."""
    made = tokens()
    household, licence = qr.DICTIONARY_HOUSEHOLD, qr.DICTIONARY_LICENCE
    return {
        "licence": qr.encode(made["licence"], SEED, host="check.example", dictionary=licence),
        "household": qr.encode(made["household"], SEED, host="check.example", dictionary=household),
        "withheld": qr.encode(made["withheld"], None, host="check.example", dictionary=household),
        "clear": qr.encode(made["clear"], None, host="check.example", dictionary=0),
    }


def bind(presentation: str, *, iat: int = NOW - 5) -> str:
    """The holder's key-binding JWT for a presentation."""
    digest = b64u(hashlib.sha256(presentation.encode()).digest())
    payload = {"iat": iat, "aud": AUDIENCE, "nonce": NONCE, "sd_hash": digest}
    signing_input = f"{b64u(compact({'alg': 'ES256', 'typ': 'kb+jwt'}))}.{b64u(compact(payload))}"
    return f"{signing_input}.{b64u(HOLDER.sign(signing_input.encode()))}"


@cache
def list_token() -> str:
    return jws(STATUS, "statuslist+jwt", compact(list_payload()))


@cache
def record_bytes() -> bytes:
    return compact(record_json())


@cache
def issuer_record() -> IssuerRecord:
    return parse_record(record_bytes())


@dataclass
class Surroundings:
    """The world of a verification in memory; plays its own trust view."""

    issuer: IssuerRecord = field(default_factory=issuer_record)
    lists: dict[str, StatusSnapshot] = field(
        default_factory=lambda: {URI: StatusSnapshot(statuslist.read(list_token()), NOW)}
    )
    env: Environment = Environment.PRODUCTION
    clock_floor: int = 0
    as_of: int = NOW - 100
    expires: int = NOW + DAY
    refresh_due: int = NOW + 200
    revoked: set[tuple[str, int]] = field(default_factory=set)

    def trust(self) -> "Surroundings":
        return self

    def record(self, iss: str) -> IssuerRecord | None:
        return self.issuer if self.issuer.answers_to(iss) else None

    def status(self, uri: str, record: IssuerRecord) -> StatusSnapshot | None:
        return self.lists.get(uri)

    def log_index(self, signing_input: bytes, record: IssuerRecord) -> int | None:
        return None

    def life(
        self, signing_input: bytes, record: IssuerRecord, at: int, *, fresh: bool = False
    ) -> None:
        return None

    def dictionary(self, number: int) -> bytes | None:
        """None is listed."""
        return None

    def known_revoked(self, uri: str, index: int) -> bool:
        return (uri, index) in self.revoked

    def remember_revoked(self, uri: str, index: int) -> None:
        self.revoked.add((uri, index))
