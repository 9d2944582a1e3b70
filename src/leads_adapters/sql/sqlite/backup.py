"""Back up and restore a SQLite database."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from leads_adapters.backup_files import BackupFailed, publish, sync
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.files import COMPANIONS, JOURNALS

_PAGES = 4_096
"""The number of pages to copy at a time. Ctrl-C is handled between two steps."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
"""Select the names of all tables except the word index: SQLite cannot read the index of a newer version."""


def back_up(engine: Engine, file: Path) -> Mapping[str, int]:
    """Write a snapshot of the database to a new file and return the number of rows in each table.

    The pages are copied in one read transaction. With a write-ahead log, this blocks no other process. `VACUUM INTO`
    then removes deleted rows from the copy.
    """
    raw = file.with_suffix(".raw")
    with _raise_backup_failed("The database"), engine.connect().execution_options(snapshot=True) as reading:
        source: Any = reading.connection.driver_connection
        source.execute("BEGIN")
        counts = _counts(source)
        with closing(driver.connect(raw)) as copy:
            source.backup(copy, pages=_PAGES, progress=lambda *_: None)
        source.rollback()
    compact(raw, file)
    if check(file, "The backup") != counts:
        raise BackupFailed("The backup did not contain all rows of the database and was deleted. Back up again.")
    return counts


def check(file: Path, name: str) -> Mapping[str, int]:
    """Return the number of rows in each table. Raises `BackupFailed`, which mentions `name`, for a damaged file."""
    with _raise_backup_failed(name), closing(driver.connect(file)) as connection:
        [[found]] = connection.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok":
            raise BackupFailed(f"{name} is damaged: {' '.join(found.split())}.")
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupFailed(f"{name} is damaged: it has rows that refer to missing rows.")
        return _counts(connection)


def compact(file: Path, target: Path) -> None:
    """Replace a database file by a copy without deleted rows. No process may have the database open."""
    with _raise_backup_failed("The copy"), closing(driver.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM INTO ?", [str(target)])
    file.unlink()


def copy_closed(file: Path, folder: Path) -> Path:
    """Copy a database and its journal to a folder, so that opening the copy does not change the original."""
    copy = folder / "leads.db"
    for suffix in ("", *JOURNALS):
        source = Path(f"{file}{suffix}")
        if not suffix or source.exists():
            shutil.copyfile(source, f"{copy}{suffix}")
    return copy


def rows_of(file: Path, statement: str) -> Sequence[Any]:
    """Open a database read-only and return the rows of a statement."""
    with (
        _raise_backup_failed(str(file)),
        closing(driver.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return list(connection.execute(statement))


def replace(database: Path, new: Path, aside: Path) -> None:
    """Replace a database that no process has open with a new file. Rename the old one, if it exists, to `aside`.

    A complete database has this name at every moment. The journal of the old database moves with it.
    """
    if database.exists():
        _remove_journal(database)
        os.link(database, aside)
        aside.chmod(0o600)
    for suffix in COMPANIONS:  # SQLite would apply them to the new file
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(f"{aside}{suffix}")
    sync(database.parent)
    publish(new, database)


def _remove_journal(database: Path) -> None:
    """Merge the journal into the file, and remove the journal. Leave a damaged database unchanged."""
    try:
        with closing(driver.connect(database, timeout=0, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
            connection.execute("PRAGMA journal_mode = DELETE")
    except driver.Error as error:
        if "locked" in str(error):
            raise BackupFailed(f"Another program has {database} open. Stop it first.") from None


def _counts(connection: Any) -> Mapping[str, int]:
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a table's own name
        for name in tables
    }


@contextmanager
def _raise_backup_failed(name: str) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        raise BackupFailed(f"{name} cannot be read or written: {error}.") from error
