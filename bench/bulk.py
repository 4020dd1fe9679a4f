"""Fills a database with certificates by the million: copies of ones that were really issued.

What is sealed in a copy does not open, since the seal names its row; sizes, indexes and status are
those of real ones. PostgreSQL takes them by COPY.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench.harness import Bar
from certsvc.service.engine import writing
from certsvc.storage.status_lists import LIST_SIZE
from certsvc.storage.tables import certificate, holder, idempotency, log_entry, status_list
from certsvc.storage.typed_codes import LOOKUP_BYTES

#: One in so many is revoked.
REVOKED_EACH = 100
#: Bulk lists begin here: those of real issuing come before.
FIRST_LIST = 1000
#: Coprime to the size of a list: places in no order, each once.
_STRIDE = 7919
_STEP = 20_000

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Templates:
    """Rows of issued certificates, one list a table; equal places belong together."""

    certificate: list[Values]
    holder: list[Values]
    idempotency: list[Values]
    log_entry: list[Values]


def fill(engine: Engine, issuer_id: str, count: int, *, now: int) -> None:
    """Add so many certificates of an issuer who has issued some already.

    Args:
        engine: the issuer's database.
        issuer_id: who has issued.
        count: certificates to add.
        now: Unix seconds.
    """
    templates = _templates(engine, issuer_id)
    made: tuple[tuple[sa.Table, Callable[[Templates, int], Values]], ...] = (
        (certificate, _certificate),
        (holder, _holder),
        (idempotency, _idempotency),
        (log_entry, _log_entry),
    )
    bar = Bar(f"{count:,} certificates", len(made) * -(-count // _STEP))
    with writing(engine) as connection:
        key = connection.execute(sa.select(status_list.c.permutation_key)).scalars().first()
        for number in range(-(-count // LIST_SIZE)):
            connection.execute(status_list.insert(), _list(issuer_id, number, key, now))
    for table, make in made:
        for start in range(0, count, _STEP):
            numbers = range(start, min(start + _STEP, count))
            with writing(engine) as connection:
                _put(connection, table, (make(templates, number) for number in numbers))
            bar.step()
        # The next table refers to this one: PostgreSQL must know by then that it is large.
        with writing(engine) as connection:
            connection.exec_driver_sql("ANALYZE")
    bar.end()


def _put(connection: sa.Connection, table: sa.Table, rows: Iterator[Values]) -> None:
    names = [column.name for column in table.columns]
    if connection.dialect.name != "postgresql":
        marks = ", ".join("?" * len(names))
        text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        cursor = connection.connection.cursor()
        cursor.executemany(text, ([row[name] for name in names] for row in rows))
        return
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row([row[name] for name in names])


def _templates(engine: Engine, issuer_id: str) -> Templates:
    with engine.connect() as connection:

        def rows(table: sa.Table) -> Mapping[str, Values]:
            query = table.select().where(table.c.issuer_id == issuer_id)
            found = connection.execute(query).mappings()
            return {row["certificate_id"]: dict(row) for row in found}

        issued = {k: v for k, v in rows(certificate).items() if v["state"] == "valid"}
        others = rows(holder), rows(idempotency), rows(log_entry)
    whole = [name for name in issued if all(name in other for other in others)]
    return Templates(
        [issued[name] for name in whole], *([o[name] for name in whole] for o in others)
    )


def _list(issuer_id: str, number: int, key: object, now: int) -> Values:
    return {
        "issuer_id": issuer_id,
        "list_no": FIRST_LIST + number,
        "size": LIST_SIZE,
        "used": LIST_SIZE,
        "permutation_key": key,
        "version": 2,
        "published_version": 0,
        "published_at": None,
        "created_at": now,
    }


def _certificate(templates: Templates, number: int) -> Values:
    revoked = number % REVOKED_EACH == 0
    return templates.certificate[number % len(templates.certificate)] | {
        "certificate_id": _name(number),
        "certificate_identifier": f"1.2.156.bulk.{number}",
        "serial": f"B{number}",
        "list_no": FIRST_LIST + number // LIST_SIZE,
        "list_index": number % LIST_SIZE * _STRIDE % LIST_SIZE,
        "state": "revoked" if revoked else "valid",
        "status_value": int(revoked),
        "status_seq": int(revoked),
        "list_version": 2 * revoked,
        # As a keyed hash: in no order.
        "code_lookup": hashlib.sha256(b"code %d" % number).digest()[:LOOKUP_BYTES],
    }


def _holder(templates: Templates, number: int) -> Values:
    return templates.holder[number % len(templates.holder)] | {
        "certificate_id": _name(number),
        # As a keyed hash: in no order, and each several times.
        "lookup": f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}" * 4,
    }


def _idempotency(templates: Templates, number: int) -> Values:
    return templates.idempotency[number % len(templates.idempotency)] | {
        "certificate_id": _name(number),
        "key_hash": f"{number * 0xC2B2AE3D27D4EB4F % (1 << 64):016x}" * 4,
    }


def _log_entry(templates: Templates, number: int) -> Values:
    mixed = (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big")
    return templates.log_entry[number % len(templates.log_entry)] | {
        "certificate_id": _name(number),
        "leaf_hash": mixed * 4,
        "log_index": (1 << 40) + number,
    }


def _name(number: int) -> str:
    # Random in real ones: an index that only grows at its end would be too kind.
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}{number:016x}"
