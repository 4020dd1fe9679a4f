"""Many rows in one statement say the same on both databases as row after row."""

import pytest
import sqlalchemy as sa

from certsvc.service.engine import reading, writing
from certsvc.storage.many import inserting, updating
from certsvc.storage.tables import log_entry

OFFICE = "119999000000000198"
NAMES = ("issuer_id", "certificate_id", "seq", "leaf", "leaf_hash", "created_at")
INSERT = inserting(log_entry, NAMES)
MOVE = updating(
    {
        "b_certificate_id": log_entry.c.certificate_id,
        "b_hash": log_entry.c.leaf_hash,
        "b_log_index": log_entry.c.log_index,
    },
    lambda given: (
        log_entry.update()
        .where(
            log_entry.c.issuer_id == OFFICE,
            log_entry.c.certificate_id == given["b_certificate_id"],
            log_entry.c.log_index.is_(None),
        )
        .values(log_index=given["b_log_index"], leaf_hash=given["b_hash"])
    ),
)
TEXTS = [
    "",
    "'; DROP TABLE audit; --",
    '"quoted" \\ {"json": [1]}',
    "\t\r\n \x01\x1f\x7f",
    "张三 𠮷 é \u2028 \ufeff",
    "\\x00 \\u0000 %s %(b_rows)s :b_rows",
    "a" * 100_000,
]
NUMBERS = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)]


def row(number: int, **changes: object) -> dict[str, object]:
    values = {
        "issuer_id": OFFICE,
        "certificate_id": f"{number:032x}",
        "seq": 0,
        "leaf": "{}",
        "leaf_hash": bytes(32),
        "created_at": number,
    }
    return values | changes


def written(engine) -> list[dict[str, object]]:
    query = sa.select(*(log_entry.c[name] for name in NAMES)).order_by(log_entry.c.certificate_id)
    with reading(engine) as connection:
        return [dict(one) for one in connection.execute(query).mappings()]


def test_every_value_comes_back(engine):
    rows = [row(number, leaf=text) for number, text in enumerate(TEXTS)]
    rows += [row(50 + place, created_at=number) for place, number in enumerate(NUMBERS)]
    rows += [row(90, leaf_hash=bytes(range(256))), row(91, leaf_hash=b"")]
    with writing(engine) as connection:
        assert INSERT.run(connection, rows) == len(rows)
    assert written(engine) == rows


def test_rows_are_counted(engine):
    rows = [row(number) for number in range(300)]
    moves = [
        {"b_certificate_id": f"{number:032x}", "b_hash": bytes([number % 256]), "b_log_index": None}
        for number in range(290, 310)
    ]
    with writing(engine) as connection:
        assert INSERT.run(connection, []) == 0
        assert INSERT.run(connection, rows) == 300
        assert INSERT.run(connection, [row(300)]) == 1
        # Nine of them are not there.
        assert MOVE.run(connection, moves) == 11
        placed = [{**one, "b_log_index": place} for place, one in enumerate(moves)]
        assert MOVE.run(connection, placed) == 11
        # What is not as the statement wants it stays.
        assert MOVE.run(connection, placed) == 0
    assert written(engine)[295]["leaf_hash"] == bytes([295 % 256])


@pytest.mark.parametrize(
    "clash",
    [
        [row(7)],
        [row(1), row(2), row(1)],
        [row(1, issuer_id="nobody")],
        [row(1, leaf=None)],
    ],
    ids=["there already", "twice in one call", "no such issuer", "nothing where text belongs"],
)
def test_a_clash_takes_all_of_them_back(engine, clash):
    with writing(engine) as connection:
        INSERT.run(connection, [row(7)])
        with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
            INSERT.run(connection, clash)
    assert written(engine) == [row(7)]


def test_a_binary_column_takes_bytes(engine):
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            with pytest.raises(TypeError):
                INSERT.run(connection, [row(1, leaf_hash="text")])
        assert INSERT.run(connection, [row(1)]) == 1
