"""Queue long reads: a few run at once, and the others wait for a limited time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from leads_adapters.database import Busy, ResultT

LONG_READS_MAX = 2
"""The number of reads for `Database.read_long` that run at once."""

BACKGROUND_READS_MAX = 1
"""The number of reads for `Database.read_background` that run at once."""

WAITING_MAX = 100
"""The number of reads that may wait."""

LONG_WAIT_SECONDS = 10.0
"""The longest wait of a read for `Database.read_long`."""

BACKGROUND_WAIT_SECONDS = 45.0
"""The longest wait of a read for `Database.read_background`: an export that ends early is worse than a slow one."""

READ_SECONDS = 30.0
"""The longest time that a read, on PostgreSQL each of its statements, may run."""


class LongReads:
    """Runs up to `at_once` reads at the same time. The others wait, first come, first served.

    A caller that is cancelled while it waits leaves the queue, and its read never starts.
    """

    def __init__(self, at_once: int, wait_seconds: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._wait_seconds = wait_seconds
        self._waiting = 0
        self._running: set[asyncio.Task[Any]] = set()  # the event loop holds only weak references

    async def run(self, read: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Run a read. Raises `Busy` if too many wait, or if this one has waited for too long."""
        await self._wait()
        running = asyncio.get_running_loop().create_task(read())
        self._running.add(running)
        running.add_done_callback(self._end)
        return await asyncio.shield(running)  # a thread cannot be cancelled

    async def _wait(self) -> None:
        if self._free.locked() and self._waiting >= WAITING_MAX:
            raise Busy("Too many searches and counts are waiting.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Busy(f"The request has waited for {self._wait_seconds:.0f} s behind searches and counts.") from None
        finally:
            self._waiting -= 1

    def _end(self, read: asyncio.Task[Any]) -> None:
        self._running.discard(read)
        self._free.release()
