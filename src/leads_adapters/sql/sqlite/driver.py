"""Select the driver for SQLite: `pysqlite3`, which contains a recent SQLite, or else Python's `sqlite3`.

`pysqlite3` has wheels for some platforms only: see the marker in `pyproject.toml`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import dbapi2 as driver
else:
    try:
        from pysqlite3 import dbapi2 as driver
    except ImportError:
        from sqlite3 import dbapi2 as driver

__all__ = [
    "OLDEST_VERSION",
    "SAFE_WAL_VERSION",
    "check_version",
    "describe_library",
    "driver",
    "journal_mode",
]

OLDEST_VERSION = (3, 38, 0)
"""The oldest version with `unixepoch` (3.38), STRICT tables (3.37) and RETURNING (3.35)."""

SAFE_WAL_VERSION = (3, 51, 3)
"""The oldest version that cannot corrupt a WAL database when two connections write or checkpoint at once."""


def check_version(version: tuple[int, ...] = driver.sqlite_version_info) -> None:
    """Raise `ValueError` if this version of SQLite is too old for the service."""
    if version < OLDEST_VERSION:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST_VERSION))
        message = f"This Python has SQLite {found}; leads needs {needed} or newer. Use a newer Python or PostgreSQL."
        raise ValueError(message)


def journal_mode(version: tuple[int, ...] = driver.sqlite_version_info) -> str:
    """Return the best journal mode that is safe with this version of SQLite.

    With WAL, readers and the writer do not block each other.
    """
    return "WAL" if version >= SAFE_WAL_VERSION else "DELETE"


def describe_library() -> str:
    """Describe the SQLite library and its journal, for the operator."""
    package = driver.__name__.partition(".")[0]
    source = "pysqlite3" if package == "pysqlite3" else "Python"
    if journal_mode() == "WAL":
        return f"version {driver.sqlite_version} of {source}, with a write-ahead log"
    return (
        f"version {driver.sqlite_version} of {source}, with a rollback journal: reads and writes wait for each other "
        "(a write-ahead log is safe from version 3.51.3)"
    )
