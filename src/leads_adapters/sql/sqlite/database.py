"""Run use cases on SQLite: one writer with grouped commits, and readers that never wait for it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from leads_adapters.database import Outage, ResultT
from leads_adapters.sql.database import Run, SqlDatabase
from leads_adapters.sql.jobs import Job
from leads_adapters.sql.sqlite.batch_writer import BatchWriter
from leads_adapters.sql.sqlite.change_watcher import ChangeWatcher
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.engine import connect
from leads_adapters.sql.sqlite.errors import translate_error
from leads_adapters.sql.sqlite.files import FileWatcher
from leads_adapters.sql.sqlite.log_limit import LogLimit
from leads_adapters.sql.sqlite.readers import LongReader, ShortReader
from leads_adapters.sql.sqlite.secure_delete import SecureDelete
from leads_adapters.sql.sqlite.statistics import Statistics
from leads_adapters.sql.sqlite.write_connection import WriteConnection


class SqliteDatabase(SqlDatabase):
    """Runs use cases on one SQLite file, which several processes may open."""

    def __init__(
        self,
        engine: Engine,
        on_commit: Callable[[int], None] = lambda _: None,
        on_outage: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(engine, on_commit, on_outage)
        self._writing = WriteConnection(connect(engine))
        self._reading = connect(engine, query_only=True)
        self._changes = ChangeWatcher(self._reading)
        self._short_reader = ShortReader(self._reading, self._unit_of_work(self._reading))
        self._long_reader = LongReader(self._connect_reader, self._unit_of_work)
        work = self._unit_of_work(self._writing.connection)
        self._secure_delete = SecureDelete(self._writing, work, self._long_reader)
        self._statistics = Statistics(self._writing, self._long_reader.renew)
        file = str(engine.url.database)
        self._log_limit = LogLimit(file, self._writing, self._long_reader)
        self._files = FileWatcher(Path(file))
        self._writer = BatchWriter(self._writing, work, self._files.check, self._deliver_batch)

    def _connect_reader(self) -> Any:
        """Open a connection for reads. Check the file first: SQLite would create a deleted file again."""
        self._files.check()
        return connect(self._engine, query_only=True)

    async def _read(self, run: Run[ResultT]) -> ResultT:
        try:
            return self._short_reader.read(run)
        except driver.DatabaseError as error:
            raise self._note_outage(error) from error

    async def _read_long(self, run: Run[ResultT]) -> ResultT:
        await self._log_limit.keep()
        try:
            return await self._long_reader.read(run)
        except driver.DatabaseError as error:
            raise self._note_outage(error) from error
        except Outage as outage:
            self._outages.note(outage)
            raise

    def _note_outage(self, error: Exception) -> Exception:
        failure = translate_error(error)
        if isinstance(failure, Outage):
            self._outages.note(failure)
        return failure

    async def _write(self, run: Run[ResultT]) -> ResultT:
        job = Job(run)
        self._writer.add(job)
        result: ResultT = await job.future
        return result

    def _deliver_batch(self, batch: Sequence[Job]) -> None:
        self._deliver_writes(batch)
        self._secure_delete.start()
        self._statistics.start()

    async def check_writes(self) -> None:
        """Raise `Outage` if the file was deleted or replaced, or if writes fail."""
        self._files.check()
        await super().check_writes()

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`. Returns after any change."""
        await self._changes.wait(seconds)

    async def close(self) -> None:
        """See `Database.close`."""
        self._closed = True
        await self._writer.finish()
        await self._statistics.finish()
        await self._secure_delete.finish()
        await self._long_reader.close()
        await asyncio.sleep(0)  # let a queued rollback of the last snapshot run
        self._reading.close()
        self._writing.close()
        self._engine.dispose()
