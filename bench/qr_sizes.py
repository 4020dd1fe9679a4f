"""Sizes of the QR codes over the sample records: `python -m bench.qr_sizes [--markdown]`.

Tokens look like the issuer's: registered claims, then the face claims in the sample's member
order; licences in the clear, households with a disclosure for each field and member. Times are
medians of this machine and only comparable within one run.
"""

import argparse
import json
import random
import statistics
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from certsvc.face import qr_symbol
from certsvc_sdk import sdjwt
from certsvc_sdk.qr import DICTIONARY_HOUSEHOLD, DICTIONARY_LICENCE, dictionaries, frame, text
from certsvc_sdk.strict import b64u_decode, b64u_encode

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
BASE = "https://certs.example/"
HOST = "certs.example"
SEED_STATE = 20261101
FIRST_IAT = 1_793_491_200
FIXED = {"head and CRC": 5, "signature": 64}

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One type of certificate to measure."""

    title: str
    file: str
    vct: str
    type_code: str
    issuer: str
    dictionary: int
    disclose: frozenset[str]
    expires: str | None = None


_MEMBER = [
    "sex",
    "ethnicity",
    "date_of_birth",
    "birthplace",
    "native_place",
    "citizen_id",
    "education",
    "marital_status",
    "occupation",
    "employer",
    "moved_to_address",
    "religion",
    "former_name",
]
_HEAD = [
    "household_number",
    "household_type",
    "head_name",
    "address",
    "issuing_authority",
    "issued_on",
]

KINDS = (
    Kind(
        title="business licence",
        file="business-licences.jsonl",
        vct="business-licence/1",
        type_code="11100000MB0143028R001",
        issuer="119999000000000198",
        dictionary=DICTIONARY_LICENCE,
        disclose=frozenset(),
        expires="operating_to",
    ),
    Kind(
        title="household extract, nested",
        file="households.jsonl",
        vct="household-register/1",
        type_code="119999000000000273001",
        issuer="119999000000000273",
        dictionary=DICTIONARY_HOUSEHOLD,
        disclose=frozenset(
            {f"/{name}" for name in _HEAD}
            | {"/members/*"}
            | {f"/members/*/{name}" for name in _MEMBER}
        ),
    ),
)


def identifier(kind: Kind, serial: str) -> str:
    """Certificate identifier with its check character (ISO 7064 MOD 37,36)."""
    remainder = 36
    for character in f"{kind.type_code}{kind.issuer}{serial}001":
        remainder = ((remainder + _ALPHABET.index(character)) % 36 or 36) * 2 % 37
    check = _ALPHABET[(37 - remainder) % 36]
    return f"1.2.156.3005.2.{kind.type_code}.{kind.issuer}.{serial}.001.{check}"


def tokens(kind: Kind) -> Iterator[tuple[str, bytes | None, Mapping[str, object]]]:
    """Yield token, seed and registered claims of each sample; signatures are random bytes."""
    rng = random.Random(SEED_STATE)
    kid = b64u_encode(rng.randbytes(9))[:11]
    for line in (SAMPLES / kind.file).read_text("utf-8").splitlines():
        face = {name: value for name, value in json.loads(line).items() if value is not None}
        claims: dict[str, object] = {
            "iss": f"{BASE}i/{kind.issuer}",
            "vct": f"{BASE}vct/{kind.vct}",
            "certificate_identifier": identifier(kind, "".join(rng.choices(_ALPHABET, k=12))),
            "iat": FIRST_IAT + rng.randrange(365 * 86400),
        }
        if kind.expires in face:
            claims["exp"] = FIRST_IAT + rng.randrange(30 * 365) * 86400 + 57600
        uri = f"{BASE}status/{kind.issuer}/1"
        claims["status"] = {"status_list": {"idx": rng.randrange(100_000), "uri": uri}}
        seed = rng.randbytes(frame.SEED_BYTES) if kind.disclose else None
        draft = sdjwt.draft(
            header={"alg": "ES256", "typ": "dc+sd-jwt", "kid": kid},
            claims={**claims, **face},  # type: ignore[dict-item]
            disclose=kind.disclose,
            salts=sdjwt.salts_from_seed(seed or bytes(frame.SEED_BYTES)),
        )
        yield draft.finish(rng.randbytes(64)), seed, claims


def spread(values: list[int]) -> str:
    """Median, 95th percentile and maximum."""
    ordered = sorted(values)
    p95 = ordered[round(0.95 * (len(ordered) - 1))]
    return f"{statistics.median(ordered):.0f} / {p95} / {ordered[-1]}"


def milliseconds(call: Callable[..., object], *arguments: object, **named: object) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call(*arguments, **named)
    return (time.perf_counter() - start) * 1000


def registered_bytes(kind: Kind, token: str, claims: Mapping[str, object]) -> int:
    """Compressed bytes of header and registered claims alone."""
    header = b64u_decode(token.partition(".")[0]).decode()
    stream = header + "\n" + json.dumps(claims, ensure_ascii=False, separators=(",", ":"))[:-1]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, 0, dictionaries.load(kind.dictionary))
    return len(packer.compress(stream.encode()) + packer.flush())


def measure(kind: Kind) -> list[tuple[str, str]]:
    """Return the rows of one type's table."""
    bodies, plain, digits, shares = [], [], [], []
    versions: Counter[str] = Counter()
    times: dict[str, list[float]] = {"pack": [], "unpack": [], "symbol": []}
    for token, seed, claims in tokens(kind):
        body = frame.pack(token, seed, dictionary=kind.dictionary)
        parts = text.to_parts(body, HOST)
        symbol = qr_symbol(*parts)
        bodies.append(len(body))
        plain.append(len(frame.pack(token, seed, dictionary=0)))
        digits.append(len(parts[1]))
        versions[f"{symbol.version}-{symbol.ecc}"] += 1
        shares.append(registered_bytes(kind, token, claims))
        times["pack"].append(milliseconds(frame.pack, token, seed, dictionary=kind.dictionary))
        times["unpack"].append(milliseconds(frame.unpack, body))
        times["symbol"].append(milliseconds(qr_symbol, *parts))
    seed_bytes = frame.SEED_BYTES if kind.disclose else 0
    median = statistics.median(bodies)
    registered = statistics.median(shares)
    claims_bytes = median - sum(FIXED.values()) - seed_bytes - registered
    parts_of = {
        **FIXED,
        "seed": seed_bytes,
        "registered claims": registered,
        "face claims": claims_bytes,
    }
    return [
        ("codes", str(len(bodies))),
        ("body bytes, median / p95 / max", spread(bodies)),
        ("without dictionary", spread(plain)),
        ("digits", spread(digits)),
        (
            "versions",
            ", ".join(f"{name}: {versions[name]}" for name in sorted(versions, key=_order)),
        ),
        (
            "median body by part",
            ", ".join(
                f"{name} {size:.0f} ({size / median:.0%})"
                for name, size in parts_of.items()
                if size
            ),
        ),
        (
            "ms, median: " + ", ".join(times),
            ", ".join(f"{statistics.median(row):.2f}" for row in times.values()),
        ),
    ]


def _order(name: str) -> int:
    return int(name.partition("-")[0])


def main() -> None:
    """Print the table of each type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="as the table of docs/qr-sizes.md")
    markdown = parser.parse_args().markdown
    tables = {kind.title: dict(measure(kind)) for kind in KINDS}
    if markdown:
        sys.stdout.write("| | " + " | ".join(tables) + " |\n|---|" + "---|" * len(tables) + "\n")
        for row in next(iter(tables.values())):
            cells = " | ".join(table[row] for table in tables.values())
            sys.stdout.write(f"| {row} | {cells} |\n")
        return
    for title, table in tables.items():
        sys.stdout.write(f"{title}\n")
        for name, value in table.items():
            sys.stdout.write(f"  {name:32} {value}\n")


if __name__ == "__main__":
    main()
