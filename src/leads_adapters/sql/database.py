"""Run use cases on an SQL database: the part that SQLite and PostgreSQL share."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import Engine, Executable

from leads_adapters.database import Arguments, ResultT, UseCase
from leads_adapters.sql.jobs import Job, deliver
from leads_adapters.sql.long_reads import (
    BACKGROUND_READS_MAX,
    BACKGROUND_WAIT_SECONDS,
    LONG_READS_MAX,
    LONG_WAIT_SECONDS,
    LongReads,
)
from leads_adapters.sql.migrations import check_schema
from leads_adapters.sql.outages import Outages
from leads_adapters.sql.statements import Statement, StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.write_probe import delete_probe, store_probe
from leads_domain.errors import Unavailable

Run = Callable[[SqlUnitOfWork], ResultT]
"""A use case with its arguments."""


class SqlDatabase(ABC):
    """Implements `Database`. Subclasses choose the connection, the thread and the transaction.

    `on_commit` is called after every commit with its number of units of work. `on_outage` is called with the reason of
    an outage, once a minute.
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
        self._long_reads = LongReads(LONG_READS_MAX, LONG_WAIT_SECONDS)
        self._background_reads = LongReads(BACKGROUND_READS_MAX, BACKGROUND_WAIT_SECONDS)
        self._closed = False

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read`."""
        self._check_open()
        return await self._read(lambda work: use_case(work, *args, **kwargs))

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_long`."""
        return await self._long_reads.run(lambda: self._start_long(lambda work: use_case(work, *args, **kwargs)))

    async def read_background(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_background`."""
        return await self._background_reads.run(lambda: self._start_long(lambda work: use_case(work, *args, **kwargs)))

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.write`."""
        self._check_open()
        return await self._write(lambda work: use_case(work, *args, **kwargs))

    async def check_ready(self) -> None:
        """See `Database.check_ready`."""
        self._check_open()
        await self._read(check_schema)
        await self.check_writes()

    async def check_writes(self) -> None:
        """Raise `Outage` if writes fail. After a failed write, test one."""
        if self._outages.needs_probe():
            await self.write(store_probe)
            await self.write(delete_probe)

    @abstractmethod
    def _read(self, run: Run[ResultT]) -> Awaitable[ResultT]: ...

    @abstractmethod
    def _read_long(self, run: Run[ResultT]) -> Awaitable[ResultT]: ...

    @abstractmethod
    def _write(self, run: Run[ResultT]) -> Awaitable[ResultT]: ...

    async def _start_long(self, run: Run[ResultT]) -> ResultT:
        self._check_open()
        return await self._read_long(run)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed.")

    def _unit_of_work(self, connection: Any) -> SqlUnitOfWork:
        return SqlUnitOfWork(StatementRunner(connection, self._engine.dialect, self._statements))

    def _deliver_reads(self, jobs: Sequence[Job]) -> None:
        self._outages.after_read(jobs)
        deliver(jobs)

    def _deliver_writes(self, jobs: Sequence[Job]) -> None:
        """Deliver the results of jobs in one transaction, after its commit or failure."""
        self._outages.after_write(jobs)
        deliver(jobs)
        if done := sum(job.error is None for job in jobs):
            self._on_commit(done)
