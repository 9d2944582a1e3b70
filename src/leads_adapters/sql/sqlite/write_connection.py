"""Begin and commit write transactions on SQLite without blocking the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from leads_adapters.database import ResultT
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.engine import busy_timeout, set_busy_timeout


class WriteConnection:
    """The only connection of this process that writes. A thread commits, and waits for other processes.

    Hold `lock` during a transaction.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")
        self._busy_seconds = busy_timeout(connection)
        set_busy_timeout(connection, 0)  # the event loop never waits; see `_execute_patiently`

    async def begin(self) -> None:
        """Take the write lock of the database."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except driver.OperationalError:
            await self.in_thread(partial(self._execute_patiently, "BEGIN IMMEDIATE"))

    async def commit(self) -> None:
        """Make the transaction durable."""
        await self.in_thread(self._commit)

    def _commit(self) -> None:
        try:
            self.connection.execute("COMMIT")
        except driver.OperationalError:
            if not self.connection.in_transaction:
                raise
            self._execute_patiently("COMMIT")  # with a rollback journal, a commit waits for readers in other processes

    def _execute_patiently(self, statement: str) -> None:
        """Run a statement, and wait up to the time-out for another process."""
        set_busy_timeout(self.connection, self._busy_seconds)
        try:
            self.connection.execute(statement)
        finally:
            set_busy_timeout(self.connection, 0)

    async def in_thread(self, call: Callable[[], ResultT]) -> ResultT:
        """Run a blocking call in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def close(self) -> None:
        """Wait for the thread, and close the connection."""
        self._thread.shutdown()
        self.connection.close()
