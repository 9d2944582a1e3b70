"""Back up and restore a SQLite database."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from leads_adapters.backup_files import BackupFailed, publish, sync
from leads_adapters.sql.sqlite_driver import driver

_PAGES = 4_096
"""How many pages are copied between two looks at whether the user has pressed Ctrl-C."""

_COMPANIONS = ("-wal", "-journal")
"""Files beside a database that hold a part of it; `-shm` is made from `-wal`."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
"""Not the index of words: a version of SQLite cannot count what a newer one has put there."""


def back_up(engine: Engine, file: Path) -> Mapping[str, int]:
    """Write one moment of the database to a new file; return how many rows each table has.

    The pages are copied within one read transaction: with a write-ahead log nobody waits for it. `VACUUM INTO` then
    drops from the copy what was deleted.
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
    for suffix in ("", *_COMPANIONS):
        source = Path(f"{file}{suffix}")
        if not suffix or source.exists():
            shutil.copyfile(source, f"{copy}{suffix}")
    return copy


def rows_of(file: Path, statement: str) -> Sequence[Any]:
    """Return what a statement finds in a database that is only read."""
    with _explained(str(file)), closing(driver.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return list(connection.execute(statement))


def replace(database: Path, new: Path, aside: Path) -> None:
    """Put a new file in the place of a database that no process has open; keep that, if there is one, as `aside`.

    At every moment there is a database under the name. What the old one had in its journal goes with it.
    """
    if database.exists():
        _settle(database)
        os.link(database, aside)
        aside.chmod(0o600)
    for suffix in (*_COMPANIONS, "-shm"):  # SQLite would take them for those of the new file
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(f"{aside}{suffix}")
    sync(database.parent)
    publish(new, database)


def _settle(database: Path) -> None:
    """Bring what is in the journal into the file, and remove the journal. A damaged database stays as it is."""
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
