"""Record when API keys were last used, outside of the requests that use them."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic

import structlog

from leads_adapters.database import Database
from leads_domain.sources import Clock

PRECISION_SECONDS = 60.0
"""The minimum interval between two records of one key: a write costs more than most requests."""


class UsageRecorder:
    """Collect the keys that requests use, and store them in the background, one write at a time."""

    def __init__(self, database: Database, clock: Clock, now: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._clock = clock
        self._now = now
        self._next_record_at: dict[str, float] = {}
        self._used: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None

    def note(self, key_id: str) -> None:
        """Collect a key that is used now. Call this on the event loop."""
        now = self._now()
        if now < self._next_record_at.get(key_id, now):
            return
        self._next_record_at[key_id] = now + PRECISION_SECONDS
        self._used[key_id] = self._clock.now()
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._used:
                used, self._used = self._used, {}
                await self._record(used)
        except Exception as error:  # noqa: BLE001 - no request may fail because of it
            structlog.get_logger().warning("key_use_not_recorded", error=type(error).__name__)
        finally:
            self._writing = None

    async def _record(self, used: Mapping[str, datetime]) -> None:
        await self._database.write(lambda work: work.api_keys.record_use(used))
