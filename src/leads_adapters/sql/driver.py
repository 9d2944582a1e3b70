"""Core statements, compiled once and run on the driver's own cursor.

SQLAlchemy is the one place where statements are written, for every database. Its execution layer,
however, takes about 45 us for a statement that SQLite answers in 8; on the way of a request, where
three to five statements are run, that is the larger part of the time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable, Select

STATEMENTS_MAX = 1_000
"""How many compiled statements are kept."""

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]


class Statement:
    """One compiled statement: its text, the order of its parameters, and the conversions it needs."""

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
        """The given values as the driver's cursor takes them."""
        values = {**self._fixed, **given}
        for name, convert in self._to_database.items():
            values[name] = convert(values[name])
        return values if self._positions is None else [values[name] for name in self._positions]

    def rows(self, fetched: Iterable[Row]) -> list[Row]:
        """The fetched rows with their Python values."""
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
    """Runs Core statements on one connection of the driver."""

    def __init__(self, connection: Any, dialect: Dialect, statements: dict[Executable, Statement]) -> None:
        self.changes = 0
        """How many rows the statements that were run on this connection have changed."""
        self.erased = False
        """Whether a person was erased on this connection: the database may have to clean up after it."""
        self._cursor = connection.cursor()
        self._dialect = dialect
        self._statements = statements

    @property
    def dialect(self) -> str:
        """The name of the database: sqlite or postgresql."""
        return self._dialect.name

    def all(self, clause: Executable, **parameters: Any) -> list[Row]:
        """Every row that the statement answers."""
        statement = self._run(clause, parameters)
        return statement.rows(self._cursor.fetchall())

    def first(self, clause: Executable, **parameters: Any) -> Row | None:
        """The first row that the statement answers, if there is one."""
        rows = self.all(clause, **parameters)
        return rows[0] if rows else None

    def change(self, clause: Executable, **parameters: Any) -> int:
        """How many rows the statement changed."""
        self._run(clause, parameters)
        return int(self._cursor.rowcount)

    def change_many(self, clause: Executable, given: Sequence[Mapping[str, Any]]) -> int:
        """Run the statement with each of the given parameters; how many rows that changed."""
        if len(given) <= 1:  # what a batch of one adds on PostgreSQL takes as long as the statement, 30 us
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
            if len(self._statements) > STATEMENTS_MAX:  # the filters of lists can be combined in thousands of ways
                self._statements.clear()
            statement = self._statements[clause] = Statement(clause, self._dialect)
        return statement
