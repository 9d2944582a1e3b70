"""Notice changes of a SQLite database, by any process."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from leads_adapters.sql.sqlite.driver import driver

POLL_SECONDS = 0.05
"""How often SQLite is polled, which takes 3 us."""


class ChangeWatcher:
    """Polls SQLite for commits of other connections. What has changed is unknown."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._seen: int | None = None

    async def wait(self, seconds: float) -> None:
        """Return after a commit since the last call, or after `seconds`."""
        give_up = time.monotonic() + seconds
        while not self._has_changed():
            left = give_up - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(POLL_SECONDS, left))

    def _has_changed(self) -> bool:
        with suppress(driver.Error):
            before, (self._seen,) = self._seen, self._connection.execute("PRAGMA data_version").fetchone()
            return before != self._seen
        return False
