"""How work is run on PostgreSQL: in a bounded pool of threads, each unit of work on a connection of its own.

Reads that arrive in the same turn of the event loop share a thread, a connection and a snapshot: a hop to a
thread and the two ends of a transaction cost several times as much as a point read.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from psycopg import errors
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Engine, Executable, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import DBAPIError

from leads_adapters.database import Answer, Arguments, UseCase
from leads_adapters.sql.driver import Driver, Statement
from leads_adapters.sql.jobs import Job, deliver
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import Unavailable

CONNECTIONS = 8
"""How many connections, and threads, a process uses at the most."""

LOCK_SECONDS = 5
"""How long a statement may wait for what another unit of work has locked before it is given up."""

STATEMENT_SECONDS = 30
"""How long a statement may take before the server gives it up."""

CONNECT_SECONDS = 5
"""How long making a connection may take, and an answer on a connection whose other end is gone."""

AWAY_SECONDS = 1.0
"""For how long nobody waits for a server that has just been found to be away."""

READS_MAX = 32
"""How many reads share a connection at the most, so that a slow one holds up few others."""

RUNS_MAX = 4
"""How often a unit of work is run before its lost races, or its lost connections, are told."""

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"


_SETTINGS = f"""
SET timezone = 'UTC';
SET lock_timeout = '{LOCK_SECONDS}s';
SET statement_timeout = '{STATEMENT_SECONDS}s';
SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'
"""


def postgres_engine(url: URL) -> Engine:
    """An engine whose connections begin only when told to, speak UTC, and wait for nothing for ever."""
    arguments = {
        "application_name": "leads",
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
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _configure(connection: psycopg.Connection[Any], _: Any) -> None:
    connection.autocommit = True
    connection.execute(_SETTINGS)
    connection.prepare_threshold = 0  # every statement is run again and again
    connection.adapters.register_loader("uuid", TextLoader)  # identifiers are text in Python


class _ConnectionLost(Unavailable):
    """The connection broke before the unit of work was committed: nothing of it was done."""


# Whoever loses a race runs again, and then sees who has won: stores look before they write.
_RUN_AGAIN = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected, _ConnectionLost)


# What is no fault of the use case, but of the server, of the way to it, or of whoever did not run the migrations.
_OUT_OF_SERVICE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.UndefinedTable,
    errors.UndefinedColumn,
)


class PostgresDatabase:
    """Runs use cases on one PostgreSQL database, which any number of processes may share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statements: dict[Executable, Statement] = {}
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="postgres")
        self._reads: list[Job] = []
        self._running: set[asyncio.Future[None]] = set()
        self._away_until = float("-inf")
        self._closed = False

    async def read(
        self, use_case: UseCase[Arguments, Answer], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """See `Database.read`."""
        self._check_open()
        loop = asyncio.get_running_loop()
        job = Job(lambda work: use_case(work, *args, **kwargs), loop.create_future())
        if not self._reads:
            loop.call_soon(self._start_reads)
        self._reads.append(job)
        answer: Answer = await job.future
        return answer

    async def write(
        self, use_case: UseCase[Arguments, Answer], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """See `Database.write`."""
        self._check_open()
        job = Job(lambda work: use_case(work, *args, **kwargs), asyncio.get_running_loop().create_future())
        self._start(partial(self._run, _WRITE, job), [job])
        answer: Answer = await job.future
        return answer

    async def close(self) -> None:
        """Finish what was begun and let go of the connections."""
        self._closed = True
        self._start_reads()
        await asyncio.gather(*self._running)
        self._threads.shutdown()
        self._engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed.")
        if time.monotonic() < self._away_until:
            raise Unavailable("The database is out of reach.")

    def _start_reads(self) -> None:
        waiting, self._reads = self._reads, []
        for first in range(0, len(waiting), READS_MAX):
            jobs = waiting[first : first + READS_MAX]
            self._start(partial(self._read, jobs), jobs)

    def _start(self, work: Callable[[], None], jobs: Sequence[Job]) -> None:
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        running.add_done_callback(lambda _: deliver(jobs))

    def _read(self, jobs: Sequence[Job]) -> None:
        """Run jobs in one snapshot; if the database fails at any of them, each in a snapshot of its own."""
        try:
            with self._transaction(_READ) as work:
                for job in jobs:
                    _attempt(job, work)
        except (psycopg.Error, Unavailable):
            for job in jobs:
                self._run(_READ, job)

    def _run(self, begin: str, job: Job) -> None:
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
        pooled = self._connection()
        connection = pooled.driver_connection
        try:
            try:
                connection.execute(begin)
                yield self._unit_of_work(pooled)
            except BaseException as error:
                with suppress(psycopg.Error):
                    connection.rollback()
                if connection.closed:
                    raise _ConnectionLost(f"The connection to the database was lost: {error}.") from error
                raise
            connection.commit()
        finally:
            if connection.closed:
                pooled.invalidate()
                self._engine.dispose()  # what has ended one connection has ended the others, most likely
            pooled.close()

    def _connection(self) -> Any:
        try:
            return self._engine.raw_connection()
        except DBAPIError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise Unavailable(f"The database is out of reach: {error.orig}.") from error

    def _unit_of_work(self, pooled: PoolProxiedConnection) -> SqlUnitOfWork:
        """That of this connection; it is kept with it."""
        work: SqlUnitOfWork | None = pooled.info.get("unit_of_work")
        if work is None:
            driver = Driver(pooled.driver_connection, self._engine.dialect, self._statements)
            work = pooled.info["unit_of_work"] = SqlUnitOfWork(driver)
        return work


def _attempt(job: Job, work: SqlUnitOfWork) -> None:
    """Run a job beside others: what it raises is its own affair, but not what the database raises."""
    try:
        job.answer = job.run(work)
    except psycopg.Error:
        raise
    except Exception as error:  # noqa: BLE001 - every caller gets its own error back
        job.error = error


def _told(error: Exception) -> Exception:
    if isinstance(error, _OUT_OF_SERVICE):
        return Unavailable(f"The database did not do its work: {error}.")
    return error
