"""What the benches verify and issue: real keys, a published tree, a full status list, tokens."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from certsvc.catalogue import Catalogue
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc_sdk import jws, sdjwt, statuslist, strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.client import Verifier
from certsvc_sdk.trust.about import About, Environment
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse, Level, Right
from keys import State
from keys.filestore import FileKeyStore
from keys.signer import Signer

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
BASE = "https://certs.example/"
USCC = "119999000000000198"
ISS = f"{BASE}i/{USCC}"
PREFIX = f"{BASE}status/{USCC}/"
LIST = f"{PREFIX}1"
LICENCE, HOUSEHOLD = "business-licence", "household-register"
ENTRIES = 100_000
DAY = 86_400
HOUR = 3_600
SEED = bytes(range(16))
FLAT_BYTES = 2_100
DISCLOSURES = 13
# The median of real households, by docs/performance.md.
HOUSEHOLD_DISCLOSURES = 43
ALGS = ("ES256", "Ed25519")
_PASSPHRASE = b"bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An issuer with everything it publishes, and certificates of it.

    Attributes:
        folder: home of the tree, the pinned root and caches.
        now: Unix seconds at which all was made.
        signers: certificate keys by algorithm.
        claims: claims by name of the token: `flat`, `thirteen`, `household`.
        disclose: pointers of what is disclosable in them.
    """

    folder: Path
    now: int
    signers: Mapping[str, Signer]
    status_signer: Signer
    record: IssuerRecord
    claims: Mapping[str, dict[str, Any]]
    disclose: Mapping[str, Collection[str]]

    @property
    def url(self) -> str:
        """Address of the published tree."""
        return (self.folder / "published").as_uri() + "/"

    def header(self, alg: str) -> dict[str, Any]:
        """Header of a certificate."""
        return {"alg": alg, "typ": "dc+sd-jwt", "kid": self.signers[alg].kid}

    def draft(self, name: str, alg: str) -> sdjwt.Draft:
        """A certificate before its signature."""
        return sdjwt.draft(
            header=self.header(alg),
            claims=self.claims[name],
            disclose=self.disclose[name],
            salts=sdjwt.salts_from_seed(SEED),
        )

    def token(self, name: str, alg: str) -> str:
        """A certificate; `flat` has no disclosures."""
        draft = self.draft(name, alg)
        return draft.finish(self.signers[alg].sign(draft.signing_input))

    def tokens(self, name: str, alg: str, count: int) -> list[str]:
        """Certificates that differ in their identifiers, as those of many holders do."""
        signer, made = self.signers[alg], []
        for number in range(count):
            draft = sdjwt.draft(
                header=self.header(alg),
                claims=self.claims[name] | {"certificate_identifier": f"1.2.156.3005.2.{number}"},
                disclose=self.disclose[name],
                salts=sdjwt.salts_from_seed(number.to_bytes(len(SEED), "big")),
            )
            made.append(draft.finish(signer.sign(draft.signing_input)))
        return made

    def flat(self, alg: str) -> str:
        """The certificate without disclosures as a plain JWS."""
        return self.token("flat", alg).rstrip("~")

    def public(self, alg: str) -> PublicKey:
        """The key that verifies."""
        return PublicKey.from_jwk(dict(self.signers[alg].public_jwk), alg)

    def verifier(self, cache: str = "cache", *, offline: bool = False) -> Verifier:
        """A verifier of the tree, with a cache of its own that holds everything."""
        verifier = Verifier.from_root(
            self.folder / "root.json",
            url=self.url,
            cache_dir=self.folder / cache,
            offline=offline,
            status_refresh=DAY,
            trust_refresh=DAY,
        )
        if not offline:
            verifier.prefetch()
        return verifier


@contextmanager
def make_world(now: int) -> Iterator[World]:
    """A world in a temporary folder."""
    with TemporaryDirectory(prefix="certsvc-bench-") as name:
        folder = Path(name)
        store = FileKeyStore(folder / "keys", passphrase=_PASSPHRASE, scrypt_n=2)
        signers = {alg: _active(store, f"office-{alg}", "certificate", alg, now) for alg in ALGS}
        status = _active(store, "office-status", "status", "ES256", now)
        tree = PublishedTree(folder / "published")
        publisher = TrustPublisher(tree, store)
        root = publisher.initialise(now, About(env=Environment.DEMO, base=BASE))
        (folder / "root.json").write_bytes(root)
        record = _record(signers, status, now)
        publisher.publish_records([record], now)
        tree.write(f"status/{USCC}/lists.json", json.dumps({"status_lists": [LIST]}).encode())
        tree.write(f"status/{USCC}/1", _status_list(status, now).encode())
        claims = _claims(now)
        kind = Catalogue.builtin().get(HOUSEHOLD)
        face = [name for name in claims["thirteen"] if name not in _registered(now)]
        disclose = {
            "flat": (),
            "thirteen": tuple(f"/{name}" for name in face[-DISCLOSURES:]),
            "household": kind.profile(None).disclose,
        }
        yield World(
            folder=folder,
            now=now,
            signers=signers,
            status_signer=status,
            record=record,
            claims=claims,
            disclose=disclose,
        )


def samples(name: str) -> list[dict[str, Any]]:
    """The sample records of `business-licences` or `households`."""
    lines = (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _registered(now: int, kind: str = LICENCE) -> dict[str, Any]:
    return {
        "iss": ISS,
        "vct": f"{BASE}vct/{kind}/1",
        "certificate_identifier": f"1.2.156.3005.2.{'1' * 21}.{USCC}.999900A1B2C3D4E5F6.001.X",
        "iat": now - HOUR,
        "exp": now + 365 * DAY,
        "status": {"status_list": {"idx": 76_543, "uri": LIST}},
    }


def _claims(now: int) -> dict[str, dict[str, Any]]:
    """Claims of the three tokens."""
    licence = {k: v for k, v in samples("business-licences")[0].items() if v is not None}
    licence["operating_to"] = "2048-11-15"
    thirteen = _registered(now) | licence
    flat = dict(thirteen)
    flat["remarks"] = ""
    gap = FLAT_BYTES - len(strict.dumps(flat))
    flat["remarks"] = ("准予变更登记。" * FLAT_BYTES)[: gap // 3]
    return {"flat": flat, "thirteen": thirteen, "household": _household(now)}


def _household(now: int) -> dict[str, Any]:
    """The sample household whose number of disclosures comes nearest to the median one."""
    kind = Catalogue.builtin().get(HOUSEHOLD)
    profile = kind.profile(None)
    candidates = (
        kind.select(kind.normalise(record), profile.name) for record in samples("households")
    )
    chosen = min(
        candidates, key=lambda claims: abs(profile.disclosures(claims) - HOUSEHOLD_DISCLOSURES)
    )
    return _registered(now, HOUSEHOLD) | chosen


def _active(store: FileKeyStore, owner: str, purpose: str, alg: str, now: int) -> Signer:
    info = store.generate(issuer_id=owner, alg=alg, purpose=purpose, now=now)
    store.set_state(owner, info.kid, State.PRE_PUBLISHED, now=now)
    store.set_state(owner, info.kid, State.ACTIVE, now=now)
    return store.signer(owner, info.kid)


def _record(signers: Mapping[str, Signer], status: Signer, now: int) -> IssuerRecord:
    uses = [(signer, KeyUse.CERTIFICATE) for signer in signers.values()]
    return IssuerRecord(
        iss=ISS,
        uscc=USCC,
        division="999900",
        names={"zh": "示例市市场监督管理局（示例）", "en": "Example Market Regulator (demo)"},
        level=Level.CITY,
        keys=tuple(
            KeyRecord(
                kid=signer.kid,
                alg=signer.alg,
                use=use,
                public=PublicKey.from_jwk(dict(signer.public_jwk), signer.alg),
                not_before=now - 1000 * DAY,
                state=KeyState.ACTIVE,
            )
            for signer, use in (*uses, (status, KeyUse.STATUS))
        ),
        rights=tuple(
            Right(vct=f"{BASE}vct/{kind}", division="999900", not_before=now - 1000 * DAY)
            for kind in (LICENCE, HOUSEHOLD)
        ),
        status_prefix=PREFIX,
        status_aggregation=f"{PREFIX}lists.json",
    )


def _status_list(signer: Signer, now: int) -> str:
    """A full list with one entry in a hundred revoked."""
    bits = statuslist.MutableStatusBits(ENTRIES)
    for index in range(0, ENTRIES, 100):
        bits.set(index, statuslist.INVALID)
    data = statuslist.draft(
        header={"alg": signer.alg, "typ": statuslist.TYP, "kid": signer.kid},
        sub=LIST,
        iat=now,
        exp=now + DAY,
        ttl=300,
        version=1,
        bits=bits.freeze(),
    )
    return jws.attach(data, signer.sign(data))
