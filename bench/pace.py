"""What verifying and issuing cost, as ratios to the raw ES256 primitive in the same run.

Rounds alternate between the rows, so that a machine whose speed drifts drifts for all of them;
medians of the rounds are shown. Usage: python bench/pace.py [rounds]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.records import demo_records
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.service.engine import make_engine
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from certsvc_sdk import Verifier, jws
from certsvc_sdk.strict import b64u_decode
from keys import open_store

REPEATS = 40


def per_second(work: Callable[[], object]) -> float:
    """Calls a second over one round."""
    began = time.perf_counter()
    for _ in range(REPEATS):
        work()
    return REPEATS / (time.perf_counter() - began)


def raw_verify(token: str, jwk: dict[str, str]) -> Callable[[], object]:
    """The signature check alone, on parsed inputs."""
    numbers = [int.from_bytes(b64u_decode(jwk[name])) for name in ("x", "y")]
    key = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    compact = jws.parse(token.split("~")[0])
    half = len(compact.signature) // 2
    parts = compact.signature[:half], compact.signature[half:]
    der = encode_dss_signature(*(int.from_bytes(part) for part in parts))
    return lambda: key.verify(der, compact.signing_input, ec.ECDSA(hashes.SHA256()))


def main() -> None:
    """Print one row for each path."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_env({"CERTSVC_HOME": folder})
        bootstrap.initialise(settings, now=int(time.time()), report=lambda _line: None)
        engine = make_engine(settings.database_url)
        keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
        service = IssuingService(
            engine=engine,
            keys=keys,
            catalogue=Catalogue.builtin(),
            settings=settings,
            clock=time.time,
        )
        make_worker(settings, engine, keys, name="bench").run_once()
        verifier = Verifier.from_root(
            settings.trust_root,
            url=settings.published.as_uri() + "/",
            cache_dir=Path(folder) / "cache",
        )
        verifier.prefetch()
        rows: dict[str, Callable[[], object]] = {}
        count = iter(range(10**9))
        for department in bootstrap.departments():
            who = operator(department.issuer_id)
            request = IssueRequest(type=department.type, claims=demo_records(department.type)[0])
            issued = service.issue(who, request, "first")
            key = keys.active(department.issuer_id, "certificate")
            if not rows:
                rows["raw ES256 verify"] = raw_verify(issued.token, dict(key.public_jwk))
                rows["sign and check (key store)"] = lambda key=key: key.sign(b"x" * 600)
            rows[f"verify {department.type}, token"] = lambda t=issued.token: verifier.check(t)
            rows[f"verify {department.type}, QR text"] = lambda t=issued.qr_text: verifier.check(t)
            rows[f"issue {department.type}, one by one"] = lambda w=who, r=request: service.issue(
                w, r, f"k{next(count)}"
            )
        found: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(rounds):
            for name, work in rows.items():
                found[name].append(per_second(work))
        base = statistics.median(found["raw ES256 verify"])
        for name, rates in found.items():
            ratios = [a / b for a, b in zip(rates, found["raw ES256 verify"], strict=True)]
            rate, ratio = statistics.median(rates), statistics.median(ratios)
            bar = "█" * max(1, round(40 * rate / base))
            print(f"{name:<40} {rate:9.0f}/s  {ratio:6.3f} × raw  {bar}")
        engine.dispose()


if __name__ == "__main__":
    main()
