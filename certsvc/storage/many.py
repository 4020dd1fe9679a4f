"""Many rows in one statement: on PostgreSQL each row of its own costs a turn of the server.

There the rows travel as one JSON text, which `json_to_recordset` takes apart; the statement is the
same for any number of rows, so it is prepared once. SQLite binds row after row at no cost.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.engine import Connection

#: What a statement takes from a row, by name.
Values = Mapping[str, sa.ColumnElement[object]]
Statement = sa.Insert | sa.Update

_ROWS = "b_rows"


class Many:
    """A statement for many rows.

    Args:
        columns: the columns that a row's values are for, by the values' names.
        each: the statement for one row; its parameters have these names.
        together: makes the statement for rows that a query brings.
    """

    def __init__(
        self,
        columns: Mapping[str, sa.Column[object]],
        *,
        each: Statement,
        together: Callable[[Values], Statement],
    ) -> None:
        self._each = each.execution_options(preserve_rowcount=True)
        self._binary = frozenset(
            name for name, column in columns.items() if isinstance(column.type, sa.LargeBinary)
        )
        source = _source(columns, self._binary)
        self._together = together(
            {
                name: sa.func.decode(source.c[name], "base64") if name in self._binary else value
                for name, value in source.c.items()
            }
        ).execution_options(preserve_rowcount=True)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> int:
        """Run it; returns how many rows were written.

        Raises:
            sqlalchemy.exc.IntegrityError: a key is taken.
        """
        if not rows:
            return 0
        if connection.dialect.name != "postgresql":
            return connection.execute(self._each, rows).rowcount
        text = orjson.dumps([self._plain(row) for row in rows]).decode()
        return connection.execute(self._together, {_ROWS: text}).rowcount

    def _plain(self, row: Mapping[str, object]) -> Mapping[str, object]:
        if not self._binary:
            return row
        return {**row, **{name: _text(row[name]) for name in self._binary}}


def inserting(table: sa.Table, names: Sequence[str]) -> Many:
    """Insert rows that have these columns."""
    return Many(
        {name: table.c[name] for name in names},
        each=table.insert(),
        together=lambda values: table.insert().from_select(
            list(names), sa.select(*(values[name] for name in names))
        ),
    )


def updating(
    columns: Mapping[str, sa.Column[object]], statement: Callable[[Values], sa.Update]
) -> Many:
    """Update rows, each by its own values.

    Args:
        columns: the columns that the values are for, by the values' names, which must not be
            names of columns that are set.
        statement: makes the statement from the values of one row.
    """
    return Many(
        columns,
        each=statement(
            {name: sa.bindparam(name, type_=column.type) for name, column in columns.items()}
        ),
        together=statement,
    )


def _source(
    columns: Mapping[str, sa.Column[object]], binary: frozenset[str]
) -> sa.TableValuedAlias:
    """The rows of the parameter as a table, in their order."""
    types = {name: sa.Text() if name in binary else column.type for name, column in columns.items()}
    rows = sa.func.json_to_recordset(sa.cast(sa.bindparam(_ROWS, type_=sa.Text), JSON))
    named = [sa.column(name, type_) for name, type_ in types.items()]
    return rows.table_valued(*named).render_derived(name="given", with_types=True)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, bytes):
        raise TypeError("a binary column takes bytes")
    return b2a_base64(value, newline=False).decode()
