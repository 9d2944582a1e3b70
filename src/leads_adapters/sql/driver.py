"""Compile Core statements once, and run them on the driver's own cursor: see docs/decisions/0003.

SQLAlchemy's execution layer would add a quarter to the processor time of a request.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable, Select

STATEMENTS_MAX = 1_000
"""How many compiled statements are cached."""

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]


class Statement:
    """A compiled statement: its text, the order of its parameters, and the conversions of its types."""

    def __init__(self, clause: Executable, dialect: Dialect) -> None:
        compiled: Any = clause.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._positions: list[str] | None = compiled.positiontup if compiled.positional else None
        self._fixed: dict[str, Any] = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._to_database = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        columns = getattr(compiled.statement, "returning_column_descriptions", None)
        columns = columns or getattr(compiled.statement, "column_descriptions", [])
        processors = [column["type"].dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self.changes_rows = not isinstance(clause, Select)
        self._from_database = [(place, convert) for place, convert in enumerate(processors) if convert]

    def parameters(self, given: Mapping[str, Any]) -> Any:
        """Convert values to parameters of the cursor."""
        values = {**self._fixed, **given}
        for name, convert in self._to_database.items():
            values[name] = convert(values[name])
        return values if self._positions is None else [values[name] for name in self._positions]

    def rows(self, fetched: Iterable[Row]) -> list[Row]:
        """Convert fetched rows to Python values."""
        if not self._from_database:
            return list(fetched)
        converted = []
        for row in fetched:
            values = list(row)
            for place, convert in self._from_database:
                values[place] = convert(values[place])
            converted.append(tuple(values))
        return converted


class Driver:
    """Runs Core statements on one connection of the driver (DBAPI)."""

    def __init__(self, connection: Any, dialect: Dialect, statements: dict[Executable, Statement]) -> None:
        self.changes = 0
        """How many rows were changed on this connection."""
        self.erased = False
        """Whether a person was erased on this connection: SQLite then removes the copies it keeps."""
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

    def first(self, clause: Executable, **parameters: Any) -> Row | None:
        """Return the first row of a statement, or None."""
        rows = self.all(clause, **parameters)
        return rows[0] if rows else None

    def change(self, clause: Executable, **parameters: Any) -> int:
        """Run a statement; return how many rows it changed."""
        self._run(clause, parameters)
        return int(self._cursor.rowcount)

    def change_many(self, clause: Executable, given: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement with each of these parameters; return how many rows were changed."""
        if len(given) <= 1:  # on PostgreSQL, executemany adds 30 us to a batch of one, as much as the statement takes
            return sum(self.change(clause, **parameters) for parameters in given)
        statement = self._compiled(clause)
        self._cursor.executemany(statement.sql, [statement.parameters(parameters) for parameters in given])
        changed = int(self._cursor.rowcount)
        self.changes += changed
        return changed

    def _run(self, clause: Executable, parameters: Mapping[str, Any]) -> Statement:
        statement = self._compiled(clause)
        self._cursor.execute(statement.sql, statement.parameters(parameters))
        if statement.changes_rows:
            self.changes += max(self._cursor.rowcount, 0)
        return statement

    def _compiled(self, clause: Executable) -> Statement:
        statement = self._statements.get(clause)
        if statement is None:
            if len(self._statements) > STATEMENTS_MAX:  # filters of lists can be combined in thousands of ways
                self._statements.clear()
            statement = self._statements[clause] = Statement(clause, self._dialect)
        return statement
