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
"""How many pages are copied between two chances to stop for Ctrl-C."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
"""Leave out the index of words: a version of SQLite cannot count the rows that a newer one wrote."""


def back_up(engine: Engine, file: Path) -> Mapping[str, int]:
    """Write a snapshot of the database to a new file; return how many rows each table has.

    The pages are copied in one read transaction, which with a write-ahead log blocks no other process. `VACUUM INTO`
    then removes deleted rows from the copy.
    """
    raw = file.with_suffix(".raw")
    with _explained("The database"), engine.connect().execution_options(snapshot=True) as reading:
        source: Any = reading.connection.driver_connection
        source.execute("BEGIN")
        counts = _counts(source)
        with closing(driver.connect(raw)) as copy:
            source.backup(copy, pages=_PAGES, progress=lambda *_: None)
        source.rollback()
    compact(raw, file)
    if check(file, "The backup") != counts:
        raise BackupFailed("The backup does not hold what the database holds; it was thrown away.")
    return counts


def check(file: Path, name: str) -> Mapping[str, int]:
    """Return how many rows each table has; raise `BackupFailed`, with this name, for a damaged file."""
    with _explained(name), closing(driver.connect(file)) as connection:
        [[found]] = connection.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok":
            raise BackupFailed(f"{name} is damaged: {' '.join(found.split())}.")
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupFailed(f"{name} is damaged: it has rows that refer to missing ones.")
        return _counts(connection)


def compact(file: Path, target: Path) -> None:
    """Move a database that no process has open to a new file, without the remains of what was deleted."""
    with _explained("The copy"), closing(driver.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM INTO ?", [str(target)])
    file.unlink()


def copy_of(file: Path, folder: Path) -> Path:
    """Copy a database that no process has open, so that it can be opened without a change to it."""
    copy = folder / "leads.db"
    for suffix in ("", *JOURNALS):
        source = Path(f"{file}{suffix}")
        if not suffix or source.exists():
            shutil.copyfile(source, f"{copy}{suffix}")
    return copy


def rows_of(file: Path, statement: str) -> Sequence[Any]:
    """Return the rows of a statement on a database that is opened read-only."""
    with _explained(str(file)), closing(driver.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return list(connection.execute(statement))


def replace(database: Path, new: Path, aside: Path) -> None:
    """Replace a database that no process has open by a new file; keep the old one, if it exists, as `aside`.

    The name refers to a complete database at every moment. The journal of the old one moves with it.
    """
    if database.exists():
        _settle(database)
        os.link(database, aside)
        aside.chmod(0o600)
    for suffix in COMPANIONS:  # SQLite would use them with the new file
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(f"{aside}{suffix}")
    sync(database.parent)
    publish(new, database)


def _settle(database: Path) -> None:
    """Move the content of the journal into the file, and remove the journal. Leave a damaged database as it is."""
    try:
        with closing(driver.connect(database, timeout=0, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
            connection.execute("PRAGMA journal_mode = DELETE")
    except driver.Error as error:
        if "locked" in str(error):
            raise BackupFailed(f"Another program has {database} open. End it first.") from None


def _counts(connection: Any) -> Mapping[str, int]:
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a table's own name
        for name in tables
    }


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        raise BackupFailed(f"{what} cannot be read or written: {error}.") from error
