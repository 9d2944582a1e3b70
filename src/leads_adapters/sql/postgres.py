"""How work is run on PostgreSQL: in a bounded pool of threads, on a bounded pool of connections.

A hop to a thread and the two ends of a transaction cost several times as much as the statements of a small
request. Units of work that wait at the same time therefore share them. If the database refuses anything to
such a batch, nothing of it was done, and each unit of work runs in a transaction of its own.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg import errors
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Engine, Executable, Pool, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import DBAPIError

from leads_adapters.database import Arguments, ResultT, UseCase
from leads_adapters.sql.driver import Driver, Statement
from leads_adapters.sql.follow_up_store import ANNOUNCED
from leads_adapters.sql.jobs import Job, deliver
from leads_adapters.sql.listener import Listener
from leads_adapters.sql.outages import Outages, probe_write
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import Unavailable

CONNECTIONS = 8
"""How many connections, and threads, a process works with at the most; one more connection listens."""

LOCK_SECONDS = 5
"""How long a statement may wait for what another unit of work has locked before it is given up."""

STATEMENT_SECONDS = 30
"""How long a statement may take before the server gives it up."""

CONNECT_SECONDS = 5
"""How long making a connection may take, and an answer on a connection whose other end is gone."""

AWAY_SECONDS = 1.0
"""For how long nobody waits for a server that has just been found to be away."""

BATCH_MAX = 64
"""How many units of work share a transaction at the most."""

READ_LANES = 2
"""How many batches of reads may be under way at once, so that a slow one does not hold up all others."""

WRITE_LANES = 1
"""How many batches of writes: with two, each would wait for what the other has locked."""

LONERS = CONNECTIONS - READ_LANES - WRITE_LANES
"""How many units of work may be under way alone: however many of them wait for a lock, batches go on."""

RUNS_MAX = 4
"""How often a unit of work is run before its lost races, or its lost connections, are told."""

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"

_TOGETHER = "; SET LOCAL lock_timeout = '100ms'"
"""Nobody waits for long because of a lock that another one's work needs: it is run alone then."""


def postgres_engine(url: URL) -> Engine:
    """An engine whose connections begin only when told to, speak UTC, and wait for nothing for ever.

    With the execution option `snapshot` a connection reads one moment of the database.
    """
    arguments = {
        "application_name": "leads",
        "client_encoding": "UTF8",
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": CONNECT_SECONDS * 1000,  # in milliseconds
    }
    engine = create_engine(
        url,
        connect_args={name: value for name, value in arguments.items() if name not in url.query},
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_reset_on_return=None,  # whoever takes a connection ends his transaction himself
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: psycopg.Connection[Any], _: Any) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        message = (
            f"the database keeps text as {encoding}, which does not hold every script: make it with ENCODING 'UTF8'"
        )
        connection.close()
        raise psycopg.OperationalError(message)
    connection.autocommit = True
    connection.execute(
        f"SET timezone = 'UTC'; SET lock_timeout = '{LOCK_SECONDS}s'; SET statement_timeout = '{STATEMENT_SECONDS}s';"
        f"SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'"
    )
    connection.prepare_threshold = 0  # every statement is run again and again
    connection.adapters.register_loader("uuid", TextLoader)  # identifiers are text in Python


def _begin(connection: Connection) -> None:
    snapshot = connection.get_execution_options().get("snapshot")
    connection.exec_driver_sql(_READ if snapshot else "BEGIN")


class _ConnectionLost(Unavailable):
    """The connection broke before the transaction was committed: nothing of it was done."""


class _Undecided(Unavailable):
    """The connection broke while the transaction was committed: all of it was done, or nothing."""


class _Undo(Exception):
    """A unit of work failed after it had changed something that only a rollback undoes."""


# Whoever loses a race runs again, and then sees who has won: stores look before they write.
_RUN_AGAIN = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected, _ConnectionLost)


# What is no fault of the use case, but of the server, of the way to it, or of whoever did not run the migrations.
_OUT_OF_SERVICE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.InsufficientPrivilege,
    errors.UndefinedTable,
    errors.UndefinedColumn,
)


@dataclass(slots=True)
class _Queue:
    """Use cases that wait to be run, and how many batches of them may be under way at once, each in a thread."""

    begin: str
    lanes: int
    threads: ThreadPoolExecutor = field(init=False)
    waiting: list[Job] = field(default_factory=list)
    under_way: int = 0

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(self.lanes, thread_name_prefix="postgres")


class PostgresDatabase:
    """Runs use cases on one PostgreSQL database, which any number of processes may share.

    `on_commit` is called after every commit, with the number of units of work that it made durable; `on_outage` with
    the reason why the database fails, once a minute.
    """

    def __init__(
        self,
        engine: Engine,
        on_commit: Callable[[int], None] = lambda _: None,
        on_outage: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._outages = Outages(on_outage)
        self._statements: dict[Executable, Statement] = {}
        self._reads = _Queue(_READ, READ_LANES)
        self._writes = _Queue(_WRITE, WRITE_LANES)
        self._loners = ThreadPoolExecutor(LONERS, thread_name_prefix="postgres-alone")
        self._listener = Listener(self._listening_connection)
        self._tasks: set[asyncio.Task[None]] = set()
        self._away_until = float("-inf")
        self._away_because = ""
        self._closed = False

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read`."""
        answer: ResultT = await self._ask(self._reads, lambda work: use_case(work, *args, **kwargs))
        return answer

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_long`."""
        self._check_open()
        job = Job(lambda work: use_case(work, *args, **kwargs), asyncio.get_running_loop().create_future())
        self._begin(self._work_off_alone(_READ, job))
        answer: ResultT = await job.future
        return answer

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.write`."""
        answer: ResultT = await self._ask(self._writes, lambda work: use_case(work, *args, **kwargs))
        return answer

    async def check_writes(self) -> None:
        """Raise `Unavailable` if writes fail."""
        if self._outages.check():
            await self.write(probe_write)

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`."""
        await self._listener.wait(seconds)

    async def close(self) -> None:
        """See `Database.close`."""
        self._closed = True
        await self._listener.close()
        while self._tasks:
            await asyncio.wait(self._tasks)
        for threads in (self._reads.threads, self._writes.threads, self._loners):
            threads.shutdown()
        self._engine.dispose()

    def _ask(self, queue: _Queue, run: Callable[[SqlUnitOfWork], Any]) -> asyncio.Future[Any]:
        self._check_open()
        job = Job(run, asyncio.get_running_loop().create_future())
        queue.waiting.append(job)
        if queue.under_way < queue.lanes:
            queue.under_way += 1
            self._begin(self._work_off(queue))
        return job.future

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed.")
        self._check_reachable()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, queue: _Queue) -> None:
        """Run what waits, and what comes meanwhile, batch by batch."""
        while queue.waiting:
            batch, queue.waiting = queue.waiting[:BATCH_MAX], queue.waiting[BATCH_MAX:]
            if await _in_thread(queue.threads, self._run_together, queue.begin, batch):
                self._deliver(queue.begin, batch)
            else:
                for job in batch:
                    self._begin(self._work_off_alone(queue.begin, job))
        queue.under_way -= 1

    async def _work_off_alone(self, begin: str, job: Job) -> None:
        await _in_thread(self._loners, self._run_alone, begin, job)
        self._deliver(begin, [job])

    def _deliver(self, begin: str, jobs: Sequence[Job]) -> None:
        done = deliver(jobs)
        if begin != _WRITE:
            self._outages.after_read(jobs)
            return
        self._outages.after_write(jobs, done)
        if done:
            self._on_commit(done)

    def _run_together(self, begin: str, batch: Sequence[Job]) -> bool:
        """Run jobs in one transaction; whether it was ended. If not, nothing was done, and each is to run alone."""
        try:
            with self._transaction(begin + _TOGETHER) as work:
                for job in batch:
                    _attempt(job, work)
        except _Undecided as error:
            for job in batch:
                job.error = error
        except Exception:  # noqa: BLE001 - whatever it is, whoever runs alone is told
            return False
        return True

    def _run_alone(self, begin: str, job: Job) -> None:
        """Run a job in a transaction of its own: again, if it loses a race, or its connection before the commit."""
        for runs_left in reversed(range(RUNS_MAX)):
            try:
                with self._transaction(begin) as work:
                    job.answer, job.error = job.run(work), None
            except Exception as error:  # noqa: BLE001 - every caller gets its own error back
                job.error = _told(error)
                if runs_left and isinstance(error, _RUN_AGAIN):
                    continue
            return

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[SqlUnitOfWork]:
        """A transaction on a connection of the pool. It is committed, or undone if anything is raised."""
        pool = self._engine.pool
        pooled = self._connection(pool)
        connection: Any = pooled.driver_connection
        try:
            try:
                connection.execute(begin, prepare=False)
                yield self._unit_of_work(pooled)
            except BaseException as error:
                with suppress(psycopg.Error):
                    connection.rollback()
                if connection.closed:
                    raise _ConnectionLost(f"The connection to the database was lost: {error}.") from error
                raise
            try:
                connection.commit()
            except psycopg.Error as error:
                raise _Undecided(f"The database did not say whether it has done its work: {error}.") from error
        finally:
            if connection.closed and pool is self._engine.pool:
                self._engine.dispose()  # what has ended one connection has most likely ended the others
            if pool is not self._engine.pool:
                pooled.invalidate()  # nobody would take it from there again
            pooled.close()

    def _connection(self, pool: Pool) -> PoolProxiedConnection:
        self._check_reachable()
        began = time.monotonic()
        try:
            try:
                return pool.connect()
            except (psycopg.Error, DBAPIError):
                if time.monotonic() - began > AWAY_SECONDS:
                    raise
                return pool.connect()  # it may have been ended while it was made, which says nothing of the server
        except (psycopg.Error, DBAPIError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            self._away_because = f"The database is out of reach: {error}."
            raise Unavailable(self._away_because) from error

    async def _listening_connection(self) -> psycopg.Connection[Any]:
        return await _in_thread(self._loners, self._connect_to_listen)

    def _connect_to_listen(self) -> psycopg.Connection[Any]:
        pooled = self._connection(self._engine.pool)
        connection: Any = pooled.driver_connection
        pooled.detach()  # the pool may make another one instead
        try:
            connection.execute(f"LISTEN {ANNOUNCED}")
        except psycopg.Error as error:
            connection.close()
            raise Unavailable(f"The database cannot be listened to: {error}.") from error
        return cast("psycopg.Connection[Any]", connection)

    def _check_reachable(self) -> None:
        if time.monotonic() < self._away_until:
            raise Unavailable(self._away_because)

    def _unit_of_work(self, pooled: PoolProxiedConnection) -> SqlUnitOfWork:
        """That of this connection; it is kept with it."""
        work: SqlUnitOfWork | None = pooled.info.get("unit_of_work")
        if work is None:
            driver = Driver(pooled.driver_connection, self._engine.dialect, self._statements)
            work = pooled.info["unit_of_work"] = SqlUnitOfWork(driver)
        return work


async def _in_thread(threads: ThreadPoolExecutor, call: Callable[..., ResultT], *args: Any) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(threads, call, *args)


def _attempt(job: Job, work: SqlUnitOfWork) -> None:
    """Run a job beside others. What it raises is its own affair, unless something has to be undone."""
    before = work.driver.changes
    try:
        job.answer = job.run(work)
    except psycopg.Error:
        raise
    except Exception as error:
        if work.driver.changes != before:
            raise _Undo from error
        job.error = error


def _told(error: Exception) -> Exception:
    if isinstance(error, _OUT_OF_SERVICE):
        return Unavailable(f"The database did not do its work: {error}.")
    return error
