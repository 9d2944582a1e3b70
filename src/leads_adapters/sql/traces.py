"""Leaving no trace of what was erased from a SQLite file.

With `secure_delete`, SQLite overwrites what is deleted where it was. Two kinds of copies stay: older versions of whole
pages, in the write-ahead log; and, of about one in a thousand rows, what was left in the unused middle of a page when
SQLite distributed its rows over several. Only writing the whole file anew removes those.
"""

from contextlib import suppress
from typing import Any

from leads_adapters.sql.sqlite_driver import driver

WAIT_SECONDS = 0.1
"""How long to wait for those who still read the log; nobody else can write meanwhile."""

REWRITE_MAX_BYTES = 32 * 2**20
"""Up to which size the file is written anew: that takes 6 ms for each MiB, in which nobody else can write."""


def remove_traces(connection: Any) -> bool:
    """Whether it was done. If not, somebody reads an older state of the database: it is to be tried again later."""
    with suppress(driver.Error):  # such as a full disk
        if empty_log(connection):
            if _size(connection) > REWRITE_MAX_BYTES:
                return True
            connection.execute("VACUUM")
            return empty_log(connection)
    return False


def empty_log(connection: Any) -> bool:
    """Whether the write-ahead log is empty now: all of it is in the file, and nobody reads it."""
    connection.execute(f"PRAGMA busy_timeout = {int(WAIT_SECONDS * 1000)}")
    try:
        ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
    return not busy


def _size(connection: Any) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (bytes_each,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages * bytes_each)
