"""Copy a whole database to another one of either kind, and check the copy."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Row,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.exc import StatementError

from leads_adapters.sql import migrations
from leads_adapters.sql.sqlite.statistics import analyze_leads
from leads_adapters.sql.tables import metadata
from leads_adapters.sql.word_index import rebuild_word_index

BATCH_ROWS = 500
"""The number of rows in memory. The largest lead takes a third of a MiB."""

OnProgress = Callable[[int, int], None]
"""Called with the number of rows done and the total. A row counts twice: when it is written and when it is checked."""


class CopyFailed(Exception):
    """Nothing was copied. The message says why, and contains no secrets and no rows."""


@dataclass(frozen=True, slots=True)
class TableContent:
    """The content of a table. The checksum (128 bits, hexadecimal) does not depend on the order of the rows."""

    table: str
    rows: int
    checksum: str


def copy_database(source: Engine, target: Engine, on_progress: OnProgress) -> list[TableContent]:
    """Copy every table from one snapshot of `source`, in one transaction, and return the content of each.

    The target must be empty; its tables are created if necessary. Raises `CopyFailed` if the copy fails, if the target
    returns other rows than were written, or if the source changes during the copy.
    """
    if source.dialect.name == "sqlite" and not Path(str(source.url.database)).is_file():
        raise CopyFailed("The source cannot be used: there is no such file.")
    tables = metadata.sorted_tables  # referenced tables come first
    with _raise_copy_failed("The source cannot be used"), source.connect().execution_options(snapshot=True) as reading:
        _check_schema("source", migrations.current_revision_on(reading))
        migrations.lift_time_limits(reading)
        marker = _change_marker(reading, tables)
        progress = _Progress(2 * sum(_count(reading, table) for table in tables), on_progress)
        with _raise_copy_failed("The target cannot be used"):
            _create_tables_if_missing(target)
            with target.begin() as writing:
                migrations.lift_time_limits(writing)
                _lock_and_check_empty(writing, tables)
                copied = [_copy(table, reading, writing, progress) for table in tables]
                rebuild_word_index(writing)
                analyze_leads(writing)
                for table, content in zip(tables, copied, strict=True):
                    _check_copy(table, content, writing, progress)
                with _raise_copy_failed("The source cannot be used"):
                    reading.rollback()
                    if _change_marker(reading, tables) != marker:
                        advice = "Stop every service that uses it, and copy again."
                        raise CopyFailed(f"The source was changed during the copy. {advice}")
    return copied


def _check_schema(role: str, found: str | None) -> None:
    if found is not None and found > migrations.HEAD:
        raise CopyFailed(f"The {role} cannot be used: {migrations.explain_mismatch(found)}")
    if found != migrations.HEAD:
        state = (
            f"The schema of the {role} is at {found}, not at {migrations.HEAD}"
            if found
            else f"The {role} has no tables"
        )
        raise CopyFailed(f"{state}. Run `leads migrate` on it first.")


def _create_tables_if_missing(target: Engine) -> None:
    """Create the tables if there are none. An existing schema is not migrated: it may be in use."""
    if migrations.current_revision(target) is None:
        migrations.upgrade(target)
    _check_schema("target", migrations.current_revision(target))


def _lock_and_check_empty(writing: Connection, tables: Sequence[Table]) -> None:
    """Lock the tables of the target against writes, as SQLite does by itself. Raise `CopyFailed` if one has rows."""
    if writing.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        writing.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
    for table in tables:
        if _count(writing, table):
            raise CopyFailed(f"The target is not empty: its table {table.name} has rows. Name an empty database.")


def _change_marker(reading: Connection, tables: Sequence[Table]) -> Sequence[Any]:
    """Return a value that changes with every commit. On PostgreSQL, it is computed from the rows' transaction ids."""
    if reading.dialect.name == "sqlite":
        return reading.exec_driver_sql("PRAGMA data_version").all()
    writers = func.sum(cast(cast(literal_column("xmin"), Text), BigInteger))
    return [reading.execute(select(func.count(), writers).select_from(table)).one() for table in tables]


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copy(table: Table, reading: Connection, writing: Connection, progress: "_Progress") -> TableContent:
    checksum = _Checksum()
    for batch in _batches(table, reading):
        checksum.add(batch)
        with _raise_copy_failed(f"The table {table.name} could not be written"):
            writing.execute(insert(table), [row._asdict() for row in batch])
        progress.advance(len(batch))
    _continue_sequence(table, writing)
    return checksum.content(table)


def _check_copy(table: Table, copied: TableContent, writing: Connection, progress: "_Progress") -> None:
    """Read the rows back before the commit, and compare the checksums."""
    checksum = _Checksum()
    for batch in _batches(table, writing):
        checksum.add(batch)
        progress.advance(len(batch))
    if checksum.content(table) != copied:
        raise CopyFailed(f"The table {table.name} of the target does not contain the rows that were written to it.")


def _batches(table: Table, connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """Yield all rows in the order of the primary key. This finds the next batch by index and fills B-trees in order."""
    key = list(table.primary_key)
    following = select(*_stored(table)).order_by(*key).limit(BATCH_ROWS)
    statement = following
    with _raise_copy_failed(f"The table {table.name} could not be read"):
        while batch := connection.execute(statement).all():
            yield batch
            last = batch[-1]._asdict()
            last_key = [literal(last[column.name], column.type) for column in key]
            statement = following.where(tuple_(*key) > tuple_(*last_key))


def _stored(table: Table) -> list[Any]:
    """Return the stored columns. The target computes the others."""
    return [column for column in table.columns if column.computed is None]


def _continue_sequence(table: Table, writing: Connection) -> None:
    """Set PostgreSQL's sequence to continue after the copied rows, as SQLite does by itself."""
    column = table.autoincrement_column
    if column is not None and writing.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        writing.execute(select(func.setval(sequence, func.max(column))))


class _Progress:
    """Reports the number of rows done."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._done, self._total = 0, total
        self._on_progress = on_progress

    def advance(self, rows: int) -> None:
        self._done += rows
        self._on_progress(self._done, self._total)


class _Checksum:
    """Counts rows and adds up their hashes."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, rows: Sequence[Row[Any]]) -> None:
        for row in rows:
            # MessagePack encodes equal values equally, including times with different offsets.
            self._sum += int.from_bytes(blake2b(msgspec.msgpack.encode(tuple(row)), digest_size=16).digest())
        self._rows += len(rows)

    def content(self, table: Table) -> TableContent:
        return TableContent(table.name, self._rows, f"{self._sum % 2**128:032x}")


@contextmanager
def _raise_copy_failed(problem: str) -> Iterator[None]:
    """Raise `CopyFailed` for an error of a database, with only its first line: the rest may contain a row."""
    try:
        yield
    except (StatementError, ValueError) as error:
        reason = str(error.orig if isinstance(error, StatementError) else error)
        raise CopyFailed(f"{problem}: {reason.partition(chr(10))[0].rstrip('.')}.") from error
