"""Run writes on SQLite in batches, each in one transaction.

A durable commit waits for the disk (fsync). Writes that arrive during a commit therefore share the next one.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from leads_adapters.sql.jobs import Job
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.errors import outage_from, translate_error
from leads_adapters.sql.sqlite.write_connection import WriteConnection
from leads_adapters.sql.unit_of_work import SqlUnitOfWork

BATCH_MAX = 128
"""The maximum number of writes in a commit. A larger batch would block the event loop for too long."""


class BatchWriter:
    """Runs jobs in the order of their arrival, and delivers their results after the commit.

    `check_file` runs before each batch, and raises if the database file was replaced.
    """

    def __init__(
        self,
        writing: WriteConnection,
        work: SqlUnitOfWork,
        check_file: Callable[[], None],
        deliver: Callable[[Sequence[Job]], None],
    ) -> None:
        self._writing = writing
        self._connection = writing.connection
        self._work = work
        self._check_file = check_file
        self._deliver = deliver
        self._waiting: list[Job] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, job: Job) -> None:
        """Add a job to the next batch."""
        self._waiting.append(job)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run_batches())

    async def finish(self) -> None:
        """Wait for the jobs that were added."""
        if self._task is not None:
            await self._task

    async def _run_batches(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                async with self._writing.lock:
                    await self._run_batch(batch)
                self._deliver(batch)
        finally:
            self._task = None

    async def _run_batch(self, batch: Sequence[Job]) -> None:
        try:
            self._check_file()
            await self._writing.begin()
            if not self._run_all(batch):
                self._connection.rollback()
                await self._writing.begin()
                self._run_each_in_savepoint(batch)
            await self._writing.commit()
        except Exception as error:  # noqa: BLE001 - every caller must get a result
            self._fail(batch, error)

    def _run_all(self, batch: Sequence[Job]) -> bool:
        """Run the jobs. Return False after a job that changed rows and then raised: the batch must be rolled back.

        Most jobs that raise, such as for a duplicate, have changed nothing. A savepoint for each job would be slower.
        """
        for job in batch:
            before = self._connection.total_changes
            self._run_job(job)
            if job.error and self._connection.total_changes != before:
                return False
        return True

    def _run_each_in_savepoint(self, batch: Sequence[Job]) -> None:
        """Run each job in a savepoint, so that an error undoes only the changes of its own job."""
        for job in batch:
            self._connection.execute("SAVEPOINT job")
            self._run_job(job)
            if job.error:
                self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")

    def _run_job(self, job: Job) -> None:
        job.error = None
        try:
            job.result = job.run(self._work)
        except Exception as error:
            job.error = translate_error(error)
            if not self._connection.in_transaction:  # SQLite itself rolled back, for example on a full disk
                raise

    def _fail(self, batch: Sequence[Job], cause: Exception) -> None:
        failure = outage_from(cause)
        for job in batch:
            job.error = failure
        with suppress(driver.Error):
            self._connection.rollback()
