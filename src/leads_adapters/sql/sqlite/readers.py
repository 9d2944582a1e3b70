"""Read from SQLite: short reads on the event loop, long ones in threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from leads_adapters.database import ResultT
from leads_adapters.sql.unit_of_work import SqlUnitOfWork

LONG_READS_MAX = 2
"""The maximum number of concurrent long reads."""

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
        self._threads = ThreadPoolExecutor(LONG_READS_MAX, thread_name_prefix="sqlite-read")

    async def read(self, run: Run[ResultT]) -> ResultT:
        """Run a use case in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, run)

    def _read(self, run: Run[ResultT]) -> ResultT:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        connection.execute("BEGIN")
        try:
            return run(self._unit_of_work(connection))
        finally:
            connection.rollback()
            self._idle.append(connection)

    def renew(self) -> None:
        """Close idle connections. Only a new connection loads new statistics."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def close(self) -> None:
        """Wait for running reads, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self.renew()
