"""Detect changes of a SQLite database by other connections."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from leads_adapters.sql.sqlite.driver import driver

POLL_SECONDS = 0.05
"""The time between two polls."""


class ChangeWatcher:
    """Polls SQLite for commits of other connections. It cannot tell what they changed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._seen: int | None = None

    async def wait(self, seconds: float) -> None:
        """Return after a commit since the last call, or after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self._has_changed():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            await asyncio.sleep(min(POLL_SECONDS, remaining))

    def _has_changed(self) -> bool:
        with suppress(driver.Error):
            before, (self._seen,) = self._seen, self._connection.execute("PRAGMA data_version").fetchone()
            return before != self._seen
        return False
