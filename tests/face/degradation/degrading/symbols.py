"""Codes of the 600 sample certificates, by version, as the issuer would print them."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from degrading.suite import Chance

from certsvc.catalogue import Catalogue
from certsvc.catalogue.certificate_type import CertificateType
from certsvc.face.errors import SymbolTooLarge
from certsvc.face.qr import Level, Symbol, qr_symbol, symbol_size
from certsvc_sdk import sdjwt
from certsvc_sdk.qr import DICTIONARY_HOUSEHOLD, DICTIONARY_LICENCE, frame, text
from certsvc_sdk.strict import b64u_encode

SAMPLES: Final = Path(__file__).parents[3] / "samples"
_BASE: Final = "https://certs.example/"
_HOST: Final = "certs.example"
_ISSUED: Final = 1_793_491_200
_DAY: Final = 86_400
_SYMBOLS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Published dictionaries never change, so the codes stay the same when a better one appears.
_KINDS: Final = (
    ("business-licence", "business-licences", "119999000000000198", DICTIONARY_LICENCE),
    ("household-register", "households", "119999000000000273", DICTIONARY_HOUSEHOLD),
)

Parts = tuple[str, str]


@cache
def by_version() -> dict[int, list[Parts]]:
    """Byte segment and digits of the samples' codes, by version of their symbol."""
    found: dict[int, list[Parts]] = {}
    for parts in _all_parts():
        try:
            version, _ = symbol_size(*parts)
        except SymbolTooLarge:
            continue
        found.setdefault(version, []).append(parts)
    return found


def symbol(version: int, chance: Chance) -> tuple[str, Symbol]:
    """Text and symbol of a certificate of that version, chosen by chance."""
    parts = by_version()[version]
    chosen = parts[chance.below(len(parts))]
    return "".join(chosen), drawn(chosen)


@cache
def drawn(parts: Parts, levels: tuple[Level, ...] = ("Q", "M")) -> Symbol:
    """The symbol, drawn once."""
    return qr_symbol(*parts, levels=levels)


def _all_parts() -> Iterator[Parts]:
    catalogue = Catalogue.builtin()
    for name, file, issuer, dictionary in _KINDS:
        kind = catalogue.get(name)
        lines = (SAMPLES / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        for number, record in enumerate([*records, *_large(records)]):
            chance = Chance("symbol", name, number)
            token, seed = _token(kind, issuer, record, chance)
            yield text.to_parts(frame.pack(token, seed, dictionary=dictionary), _HOST)


def _large(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Households of seven and more, whose codes reach the versions that no sample needs."""
    if "members" in records[0]:
        for one, other in pairwise(records):
            members = [*one["members"], *other["members"][1:]]
            if len(members) > 6:
                yield one | {"members": members}


def _token(
    kind: CertificateType, issuer: str, record: dict[str, Any], chance: Chance
) -> tuple[str, bytes | None]:
    """A token as issued; its signature is noise, which nothing here verifies."""
    claims = {name: value for name, value in record.items() if value is not None}
    profile = kind.profile(None)
    serial = "".join(_SYMBOLS[chance.below(36)] for _ in range(12))
    number = f"1.2.156.3005.2.{kind.type_code}.{issuer}.{serial}.001.X"
    registered: dict[str, Any] = {
        "iss": f"{_BASE}i/{issuer}",
        "vct": f"{_BASE}vct/{kind.name}/{kind.version}",
        "certificate_identifier": number,
        "iat": _ISSUED + chance.below(365 * _DAY),
    }
    if claims.get("operating_to"):
        registered["exp"] = _ISSUED + chance.below(30 * 365) * _DAY + 57_600
    uri = f"{_BASE}status/{issuer}/1"
    registered["status"] = {"status_list": {"idx": chance.below(100_000), "uri": uri}}
    seed = chance.state.bytes(frame.SEED_BYTES) if profile.disclose else None
    draft = sdjwt.draft(
        header={"alg": "ES256", "typ": "dc+sd-jwt", "kid": b64u_encode(chance.state.bytes(8))},
        claims={**registered, **claims},
        disclose=profile.disclose,
        salts=sdjwt.salts_from_seed(seed or bytes(frame.SEED_BYTES)),
    )
    return draft.finish(chance.state.bytes(64)), seed
