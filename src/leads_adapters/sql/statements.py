"""Compile Core statements once, and run them on the driver's own cursor.

This avoids the cost of SQLAlchemy's execution layer: see docs/decisions/0003-statements-on-the-cursor.md.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from heapq import merge
from typing import Any

from sqlalchemy import Dialect, Executable, Select, bindparam, func, select

from leads_domain.paging import Cut, cut

STATEMENTS_MAX = 1_000
"""The maximum number of compiled statements in the cache."""

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]


class Statement:
    """A compiled statement: its SQL, the order of its parameters, and the conversions of its values."""

    def __init__(self, clause: Executable, dialect: Dialect) -> None:
        compiled: Any = clause.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._parameter_order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._constants: dict[str, Any] = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required
        }
        self._to_database = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        columns = getattr(compiled.statement, "returning_column_descriptions", None)
        columns = columns or getattr(compiled.statement, "column_descriptions", [])
        processors = [column["type"].dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self.changes_rows = not isinstance(clause, Select)
        self._from_database = [(index, convert) for index, convert in enumerate(processors) if convert]

    def parameters(self, arguments: Mapping[str, Any]) -> Any:
        """Convert Python values to the parameters of the driver's cursor."""
        values = {**self._constants, **arguments}
        for name, convert in self._to_database.items():
            values[name] = convert(values[name])
        return values if self._parameter_order is None else [values[name] for name in self._parameter_order]

    def rows(self, fetched: Iterable[Row]) -> list[Row]:
        """Convert fetched rows to Python values."""
        if not self._from_database:
            return list(fetched)
        converted = []
        for row in fetched:
            values = list(row)
            for index, convert in self._from_database:
                values[index] = convert(values[index])
            converted.append(tuple(values))
        return converted


class StatementRunner:
    """Runs Core statements on one connection of the driver (DB-API 2.0)."""

    def __init__(self, connection: Any, dialect: Dialect, statements: dict[Executable, Statement]) -> None:
        self.changed_rows = 0
        """The number of rows that this connection has changed."""
        self.needs_secure_delete = False
        """True after an erasure, until SQLite has removed the copies of the erased rows."""
        self._connection = connection
        self._cursor = connection.cursor()
        self._dialect = dialect
        self._statements = statements

    @property
    def dialect(self) -> str:
        """Return the name of the dialect: sqlite or postgresql."""
        return self._dialect.name

    def all(self, clause: Executable, **parameters: Any) -> list[Row]:
        """Return all rows of a statement."""
        statement = self._run(clause, parameters)
        return statement.rows(self._cursor.fetchall())

    def page(
        self,
        clause: Select[Any],
        *runs: Mapping[str, Any],
        large: int,
        limit: int,
        bytes_max: int,
        key: Callable[[Row], Any] | None = None,
        reverse: bool = False,
    ) -> Cut[Row]:
        """Return the first rows of a query that selects one row more than the limit, as `cut` does.

        The size of a row is that of its column `large`. Several `runs`, each with its parameters, are merged by `key`.
        SQLite reads a row when it is needed. PostgreSQL sends all rows at once, so it counts the bytes itself.
        """
        size = {"limit": limit + 1}
        if self.dialect == "postgresql":
            clause, size = _within_bytes(clause, large), {**size, "bytes_max": bytes_max}
        statement = self._compiled(clause)
        cursors = [self._cursor, *(self._connection.cursor() for _ in runs[1:])]
        try:
            for cursor, run in zip(cursors, runs, strict=True):
                cursor.execute(statement.sql, statement.parameters({**run, **size}))
            found = cursors[0]
            if len(cursors) > 1:  # by `fetchone`, because `merge` would close the last cursor
                found = merge(*(iter(cursor.fetchone, None) for cursor in cursors), key=key, reverse=reverse)
            sized = ((row, len(text) if (text := row[large]).isascii() else len(text.encode())) for row in found)
            rows, has_more, is_cut = cut(sized, limit=limit, bytes_max=bytes_max)
        finally:
            if self.dialect == "sqlite":  # a statement that has more rows would keep its snapshot
                for cursor in cursors:
                    cursor.close()
                self._cursor = self._connection.cursor()
        return Cut(statement.rows(rows), has_more, is_cut)

    def first(self, clause: Executable, **parameters: Any) -> Row | None:
        """Return the first row of a statement, or None."""
        rows = self.all(clause, **parameters)
        return rows[0] if rows else None

    def change(self, clause: Executable, **parameters: Any) -> int:
        """Run a statement and return the number of changed rows."""
        self._run(clause, parameters)
        return int(self._cursor.rowcount)

    def change_many(self, clause: Executable, batch: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement once for each set of parameters and return the number of changed rows."""
        if len(batch) <= 1:  # executemany is slower for one row: see docs/performance.md
            return sum(self.change(clause, **parameters) for parameters in batch)
        statement = self._compiled(clause)
        self._cursor.executemany(statement.sql, [statement.parameters(parameters) for parameters in batch])
        changed = int(self._cursor.rowcount)
        self.changed_rows += changed
        return changed

    def _run(self, clause: Executable, parameters: Mapping[str, Any]) -> Statement:
        statement = self._compiled(clause)
        self._cursor.execute(statement.sql, statement.parameters(parameters))
        if statement.changes_rows:
            self.changed_rows += max(self._cursor.rowcount, 0)
        return statement

    def _compiled(self, clause: Executable) -> Statement:
        statement = self._statements.get(clause)
        if statement is None:
            if len(self._statements) > STATEMENTS_MAX:  # filters can be combined in thousands of ways
                self._statements.clear()
            statement = self._statements[clause] = Statement(clause, self._dialect)
        return statement


@lru_cache(STATEMENTS_MAX)
def _within_bytes(clause: Select[Any], large: int) -> Select[Any]:
    """Select the rows of a query, up to the two that follow when `bytes_max` is exceeded.

    So there are at least two rows, and `cut` learns that there are more. A window without an order keeps that of the
    rows.
    """
    rows = clause.subquery("rows")
    two_before = func.sum(func.octet_length([*rows.c][large])).over(rows=(None, -2)).label("two_before")
    sized = select(rows, two_before).subquery("sized")
    return select(*[*sized.c][:-1]).where(func.coalesce(sized.c.two_before, 0) <= bindparam("bytes_max"))
