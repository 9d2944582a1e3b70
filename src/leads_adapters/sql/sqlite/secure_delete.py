"""Remove the copies of erased rows that SQLite leaves in its files.

With `PRAGMA secure_delete`, SQLite overwrites deleted rows in place. Two kinds of copies remain:

- older versions of pages, in the write-ahead log;
- for a few rows, bytes in the unused part of a page that SQLite has split. Only rewriting the whole file removes them.

docs/privacy.md describes what this means for operators.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.engine import set_busy_timeout
from leads_adapters.sql.sqlite.readers import LongReader
from leads_adapters.sql.sqlite.statistics import refresh_personal_samples
from leads_adapters.sql.sqlite.write_connection import WriteConnection
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.word_index import drop_deleted_words

RETRY_SECONDS = 5.0
"""The time between two attempts. They fail while another process reads an old snapshot."""

WAIT_SECONDS = 0.1
"""The time that an attempt waits for readers of the log. It blocks all writes."""

REWRITE_MAX_BYTES = 32 * 2**20
"""The largest file that is rewritten. Rewriting blocks all writes."""


class SecureDelete:
    """Cleans the files after an erasure, between two transactions. Retries until it succeeds."""

    def __init__(self, writing: WriteConnection, work: SqlUnitOfWork, reader: LongReader) -> None:
        self._writing = writing
        self._reader = reader
        self._runner = work.runner
        self._task: asyncio.Task[None] | None = None
        self._next_attempt = float("-inf")
        with suppress(driver.Error):
            empty_log(writing.connection)  # an earlier process may have been killed after an erasure

    def start(self) -> None:
        """Start to clean the files if a person was erased."""
        if self._runner.needs_secure_delete and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._retry_until_clean())

    async def finish(self) -> None:
        """Make a last attempt, if one is due."""
        if self._task is not None:
            self._task.cancel()
        if self._runner.needs_secure_delete:
            await self._writing.in_thread(self._attempt)

    async def _retry_until_clean(self) -> None:
        while self._runner.needs_secure_delete:
            await asyncio.sleep(self._next_attempt - time.monotonic())
            async with self._reader.held(), self._writing.lock:
                await self._writing.in_thread(self._attempt)
            self._next_attempt = time.monotonic() + RETRY_SECONDS
        self._task = None

    def _attempt(self) -> None:
        connection = self._writing.connection
        with suppress(driver.Error):  # for example a full disk
            drop_deleted_words(connection)
            refresh_personal_samples(connection)
            self._runner.needs_secure_delete = not remove_copies(connection)


def remove_copies(connection: Any) -> bool:
    """Empty the log and rewrite a small file. Return False if another process reads an old snapshot."""
    if not empty_log(connection):
        return False
    if _size(connection) > REWRITE_MAX_BYTES:
        return True
    connection.execute("VACUUM")
    return empty_log(connection)


def empty_log(connection: Any) -> bool:
    """Move the write-ahead log into the file. Return False if another process still reads the log."""
    set_busy_timeout(connection, WAIT_SECONDS)
    try:
        ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        set_busy_timeout(connection, 0)
    return not busy


def _size(connection: Any) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (bytes_each,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages * bytes_each)
