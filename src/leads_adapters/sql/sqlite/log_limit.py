"""Limit the write-ahead log: SQLite starts it again only at a moment without reads, which constant long reads prevent.

See docs/decisions/0037-long-reads.md.
"""

import asyncio
from contextlib import suppress
from functools import partial
from time import monotonic

from leads_adapters.database import Outage
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.engine import LOG_MAX_BYTES
from leads_adapters.sql.sqlite.files import log_size
from leads_adapters.sql.sqlite.readers import LongReader
from leads_adapters.sql.sqlite.secure_delete import empty_log
from leads_adapters.sql.sqlite.write_connection import WriteConnection

HOLD_SECONDS = 5.0
"""The time to wait for long reads of other processes."""

RETRY_SECONDS = 0.1
"""The time between two attempts to empty the log."""

PAUSE_SECONDS = 30.0
"""The time until the next hold after one without success, such as during a backup. Long reads run meanwhile."""


class LogLimit:
    """Holds long reads while the log is too large, until a checkpoint has emptied it."""

    def __init__(self, file: str, writing: WriteConnection, reader: LongReader) -> None:
        self._file = file
        self._writing = writing
        self._reader = reader
        self._next_hold = float("-inf")

    async def keep(self) -> None:
        """Empty the log if it is too large. Call before each long read."""
        if not self._is_exceeded():
            return
        async with self._reader.held():
            deadline = monotonic() + HOLD_SECONDS
            while self._is_exceeded() and not await self._empty():
                if monotonic() < deadline:
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    self._next_hold = monotonic() + PAUSE_SECONDS

    def _is_exceeded(self) -> bool:
        return log_size(self._file) > LOG_MAX_BYTES and monotonic() >= self._next_hold

    async def _empty(self) -> bool:
        """Return whether the log was emptied. A snapshot of another process prevents it."""
        with suppress(driver.Error, Outage):  # for example a full disk
            if await self._reader.checkpoint():
                async with self._writing.lock:
                    return await self._writing.in_thread(partial(empty_log, self._writing.connection))
        return False
