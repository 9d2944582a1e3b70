"""Run use cases on PostgreSQL: in a bounded pool of threads, on a bounded pool of connections."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from sqlalchemy import Engine

from leads_adapters.database import ResultT
from leads_adapters.sql.database import Run, SqlDatabase
from leads_adapters.sql.jobs import Job
from leads_adapters.sql.postgres.batches import Queue, run_alone, run_batch
from leads_adapters.sql.postgres.engine import BEGIN_READ, BEGIN_WRITE, CONNECTIONS
from leads_adapters.sql.postgres.listener import Listener, listen
from leads_adapters.sql.postgres.transactions import Transactions

READ_BATCHES = 2
"""The number of concurrent batches of reads: a slow one does not delay all others."""

WRITE_BATCHES = 1
"""The number of concurrent batches of writes. Two would wait for each other's locks."""

ALONE_MAX = CONNECTIONS - READ_BATCHES - WRITE_BATCHES
"""The number of units of work that run alone at the same time. Their waits for locks do not delay batches."""


class PostgresDatabase(SqlDatabase):
    """Runs use cases on one PostgreSQL database, which several processes may share."""

    def __init__(
        self,
        engine: Engine,
        on_commit: Callable[[int], None] = lambda _: None,
        on_outage: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(engine, on_commit, on_outage)
        self._transactions = Transactions(engine, self._unit_of_work)
        self._reads = Queue(BEGIN_READ, READ_BATCHES)
        self._writes = Queue(BEGIN_WRITE, WRITE_BATCHES)
        self._alone = ThreadPoolExecutor(ALONE_MAX, thread_name_prefix="postgres-alone")
        self._listener = Listener(self._connect_to_listen)
        self._tasks: set[asyncio.Task[None]] = set()

    def _read(self, run: Run[ResultT]) -> asyncio.Future[ResultT]:
        return self._enqueue(self._reads, run)

    def _write(self, run: Run[ResultT]) -> asyncio.Future[ResultT]:
        return self._enqueue(self._writes, run)

    def _read_long(self, run: Run[ResultT]) -> asyncio.Future[ResultT]:
        job = Job(run)
        self._start(self._run_alone(BEGIN_READ, job))
        return job.future

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`."""
        await self._listener.wait(seconds)

    async def close(self) -> None:
        """See `Database.close`."""
        self._closed = True
        await self._listener.close()
        while self._tasks:
            await asyncio.wait(self._tasks)
        for threads in (self._reads.threads, self._writes.threads, self._alone):
            threads.shutdown()
        self._engine.dispose()

    def _check_open(self) -> None:
        super()._check_open()
        self._transactions.check_reachable()

    def _enqueue(self, queue: Queue, run: Run[ResultT]) -> asyncio.Future[ResultT]:
        job = Job(run)
        queue.waiting.append(job)
        if queue.running < queue.batches_max:
            queue.running += 1
            self._start(self._run_batches(queue))
        return job.future

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_batches(self, queue: Queue) -> None:
        while batch := queue.next_batch():
            if await _in_thread(queue.threads, run_batch, self._transactions, queue.begin, batch):
                self._deliver(queue.begin, batch)
            else:
                for job in batch:
                    self._start(self._run_alone(queue.begin, job))
        queue.running -= 1

    async def _run_alone(self, begin: str, job: Job) -> None:
        await _in_thread(self._alone, run_alone, self._transactions, begin, job)
        self._deliver(begin, [job])

    def _deliver(self, begin: str, jobs: Sequence[Job]) -> None:
        if begin == BEGIN_WRITE:
            self._deliver_writes(jobs)
        else:
            self._deliver_reads(jobs)

    async def _connect_to_listen(self) -> psycopg.Connection[Any]:
        connection = await _in_thread(self._alone, self._transactions.connect)
        await _in_thread(self._alone, listen, connection)
        return connection


async def _in_thread(threads: ThreadPoolExecutor, call: Callable[..., ResultT], *args: Any) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(threads, call, *args)
