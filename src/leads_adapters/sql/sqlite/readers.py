"""Read from SQLite: short reads on the event loop, long ones in threads."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from leads_adapters.database import Outage, ResultT
from leads_adapters.sql.long_reads import BACKGROUND_READS_MAX, LONG_READS_MAX, READ_SECONDS
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.unit_of_work import SqlUnitOfWork

_STEPS_BETWEEN_CHECKS = 1_000_000
"""The instructions of SQLite, some 20 ms, between two looks at the clock."""

Run = Callable[[SqlUnitOfWork], ResultT]


class ShortReader:
    """Reads on the event loop: switching to a thread takes longer than a short read.

    All reads of one turn of the event loop share a snapshot. No result is out of date: a caller can learn of a later
    commit only in a later turn.
    """

    def __init__(self, connection: Any, work: SqlUnitOfWork) -> None:
        self._connection = connection
        self._work = work

    def read(self, run: Run[ResultT]) -> ResultT:
        """Run a use case on the snapshot of this turn."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
            asyncio.get_running_loop().call_soon(self._connection.rollback)
        return run(self._work)


class LongReader:
    """Reads in threads. Each read has its own snapshot and connection; connections are reused."""

    def __init__(self, connect: Callable[[], Any], unit_of_work: Callable[[Any], SqlUnitOfWork]) -> None:
        self._connect = connect
        self._unit_of_work = unit_of_work
        self._idle: list[Any] = []
        self._threads = ThreadPoolExecutor(LONG_READS_MAX + BACKGROUND_READS_MAX, thread_name_prefix="sqlite-read")
        self._gate = asyncio.Lock()
        self._running: set[asyncio.Future[Any]] = set()

    async def read(self, run: Run[ResultT]) -> ResultT:
        """Run a use case in a thread."""
        async with self._gate:
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._read, run)
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        return await running

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let no read start, after those that run have ended. Their snapshots keep SQLite from emptying its log."""
        async with self._gate:
            if self._running:
                await asyncio.wait(self._running)
            yield

    def _read(self, run: Run[ResultT]) -> ResultT:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        deadline = monotonic() + READ_SECONDS
        connection.set_progress_handler(lambda: monotonic() > deadline, _STEPS_BETWEEN_CHECKS)
        connection.execute("BEGIN")
        try:
            return run(self._unit_of_work(connection))
        except driver.OperationalError as error:
            if monotonic() > deadline:
                raise Outage(f"A read was ended after {READ_SECONDS:.0f} s.") from error
            raise
        finally:
            connection.rollback()
            self._idle.append(connection)

    async def checkpoint(self) -> bool:
        """Copy the log into the database file. Return whether all of it was copied. Writes continue meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._checkpoint)

    def _checkpoint(self) -> bool:
        connection = self._connect()
        try:
            ((_, frames, copied),) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            connection.close()
        return bool(frames == copied)

    def renew(self) -> None:
        """Close idle connections. Only a new connection loads new statistics."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def close(self) -> None:
        """Wait for running reads, and close the connections."""
        async with self._gate:
            await asyncio.to_thread(self._threads.shutdown)
        self.renew()
