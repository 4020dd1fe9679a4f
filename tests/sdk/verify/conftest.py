"""A small real world in memory: real keys, records, status lists and tokens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from certsvc_sdk import jws, qr, sdjwt, statuslist, strict
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
LICENCE = f"{BASE}vct/business-licence"
SEED = bytes(range(16))
IDENTIFIER = "1.2.156.3005.2.11100000MB0143028R001.119999000000000198.999900000000000001.001.X"


class Issuer:
    """An office with a certificate key and a status key, its record, its lists, its tokens."""

    def __init__(self, key: Any, status_key: Any) -> None:
        self.key = key
        self.status_key = status_key

    def key_json(self, signer: Any, use: str, **changes: Any) -> dict[str, Any]:
        return {
            "kid": signer.kid,
            "alg": signer.alg,
            "use": use,
            "public": signer.jwk,
            "not_before": NOW - 400 * DAY,
            "not_after": None,
            "state": "active",
            "types": None,
            "compromised_at": None,
            "accept_before_log_index": None,
        } | changes

    def record_json(self, *, key: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        right = {
            "vct": LICENCE,
            "division": "999900",
            "from": NOW - 400 * DAY,
            "to": None,
            "max_validity": None,
        }
        keys = [
            self.key_json(self.key, "certificate", **(key or {})),
            self.key_json(self.status_key, "status"),
        ]
        return {
            "version": 1,
            "iss": ISS,
            "uscc": USCC,
            "division": "999900",
            "names": {"zh": "示例市市场监督管理局", "en": "Demo Market Regulator"},
            "level": "city",
            "keys": keys,
            "rights": [right],
            "status_prefix": PREFIX,
            "status_aggregation": f"{PREFIX}lists.json",
            "log_origin": None,
            "aliases": [],
            "mirrors": [],
            "successor": None,
        } | changes

    def record(self, **changes: Any) -> IssuerRecord:
        return parse_record(strict.dumps(self.record_json(**changes)))

    def claims(self, **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": ISS,
            "vct": f"{LICENCE}/1",
            "certificate_identifier": IDENTIFIER,
            "iat": NOW - DAY,
            "nbf": NOW - DAY,
            "exp": NOW + 300 * DAY,
            "status": {"status_list": {"idx": 7, "uri": URI}},
            "unified_social_credit_code": "91999900MA0000007U",
            "name": "示例科技有限公司",
            "legal_representative": "张三",
        }
        return {k: v for k, v in (claims | changes).items() if v is not ...}

    def token(
        self,
        *,
        disclose: tuple[str, ...] = ("/legal_representative",),
        header: dict[str, Any] | None = None,
        signer: Any = None,
        **changes: Any,
    ) -> str:
        """An SD-JWT; `name=...` (Ellipsis) leaves a claim out."""
        signer = signer or self.key
        draft = sdjwt.draft(
            header=(header or signer.header()),
            claims=self.claims(**changes),
            disclose=disclose,
            salts=sdjwt.salts_from_seed(SEED),
        )
        return draft.finish(signer.sign(draft.signing_input))

    def raw_token(self, payload: bytes, *, header: dict[str, Any] | None = None) -> str:
        """Any payload bytes, signed, without disclosures."""
        return self.key.jws(payload, header=header) + "~"

    def qr_text(self, token: str) -> str:
        return qr.encode(token, SEED, host="check.example", dictionary=qr.DICTIONARY_LICENCE)

    def status_token(
        self,
        values: dict[int, int] | None = None,
        *,
        uri: str = URI,
        iat: int = NOW - 60,
        exp: int | None = None,
        ttl: int = 300,
        version: int = 1,
        signer: Any = None,
        width: int = 2,
    ) -> str:
        bits = statuslist.MutableStatusBits(1000, width)
        for index, value in (values or {}).items():
            bits.set(index, value)
        signer = signer or self.status_key
        data = statuslist.draft(
            header=signer.header("statuslist+jwt"),
            sub=uri,
            iat=iat,
            exp=iat + DAY if exp is None else exp,
            ttl=ttl,
            version=version,
            bits=bits.freeze(),
        )
        return jws.attach(data, signer.sign(data))

    def snapshot(self, values: dict[int, int] | None = None, **changes: Any) -> StatusSnapshot:
        return StatusSnapshot(statuslist.read(self.status_token(values, **changes)), NOW)


@dataclass
class MemoryWorld:
    """The `World` of a verification, in memory; plays its own trust view."""

    records: dict[str, Any]
    lists: dict[str, StatusSnapshot] = field(default_factory=dict)
    clock_floor: int = 0
    as_of: int = NOW - 100
    expires: int = NOW + DAY
    refresh_due: int = NOW + 200
    env: Environment = Environment.PRODUCTION
    revoked: set[tuple[str, int]] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    logged: dict[bytes, int] = field(default_factory=dict)
    lives: dict[bytes, Any] = field(default_factory=dict)
    has_trust: bool = True

    def trust(self) -> "MemoryWorld | None":
        return self if self.has_trust else None

    def record(self, iss: str) -> Any:
        found = self.records.get(iss)
        if isinstance(found, Exception):
            raise found
        return found

    def status(self, uri: str, record: Any) -> StatusSnapshot | None:
        self.asked.append(uri)
        return self.lists.get(uri)

    def dictionary(self, number: int) -> bytes | None:
        return None

    def known_revoked(self, uri: str, index: int) -> bool:
        return (uri, index) in self.revoked

    def remember_revoked(self, uri: str, index: int) -> None:
        self.revoked.add((uri, index))

    def log_index(self, signing_input: bytes, record: Any) -> int | None:
        return self.logged.get(signing_input)

    def life(self, signing_input: bytes, record: Any, at: int, *, fresh: bool = False) -> Any:
        return self.lives.get(signing_input)


@pytest.fixture(scope="session")
def facts() -> SimpleNamespace:
    """The constants of this world."""
    return SimpleNamespace(
        now=NOW, day=DAY, base=BASE, uscc=USCC, iss=ISS, prefix=PREFIX, uri=URI, vct=LICENCE,
        identifier=IDENTIFIER,
    )  # fmt: skip


@pytest.fixture(scope="session")
def issuer(make_signer: Callable[..., Any]) -> Issuer:
    return Issuer(make_signer("ES256", 11), make_signer("ES256", 12))


@pytest.fixture
def world(issuer: Issuer) -> MemoryWorld:
    """A world in order: a fresh record and a list that says valid for all."""
    return MemoryWorld({ISS: issuer.record()}, {URI: issuer.snapshot()})
