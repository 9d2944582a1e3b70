"""How work is run on SQLite: one writer with grouped commits, and a reader that never waits for it.

A commit that survives a power cut costs one fsync, 0.4 ms and more. Writes that arrive while one is under
way are therefore run together and made durable by the next: many requests share an fsync, and
nobody is answered before it.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Executable, FromClause, NullPool, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from leads_adapters.database import Arguments, ResultT, UseCase
from leads_adapters.sql.driver import Driver, Statement
from leads_adapters.sql.folder_lock import hold_while_open
from leads_adapters.sql.jobs import Job, deliver
from leads_adapters.sql.outages import Outages, probe_write
from leads_adapters.sql.sqlite_driver import check_version, driver, is_damage, is_outage, journal_mode
from leads_adapters.sql.sqlite_files import SameFiles, make_private
from leads_adapters.sql.traces import empty_log, remove_traces
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.word_index import drop_deleted_words
from leads_domain.errors import Unavailable

BUSY_TIMEOUT_SECONDS = 5.0
"""How long another process may hold the write lock before a write is answered with `Unavailable`."""

LOOK_SECONDS = 0.05
"""How often to look whether somebody has changed the database, which takes 3 us."""

LONG_READERS = 2
"""How many long reads may be under way at once, each on a connection and in a thread of its own."""

CLEANING_SECONDS = 5.0
"""How long after one attempt to remove the traces of an erasure the next one comes."""

BATCH_MAX = 128
"""How many writes share a commit at the most, so that no request holds the event loop for long."""


def sqlite_engine(url: URL) -> Engine:
    """An engine whose connections are durable, strict about foreign keys, and begin only when told to.

    With the execution option `snapshot` a connection reads one moment of the database, and keeps nobody waiting.
    """
    if not url.database or url.database == ":memory:":
        message = "An in-memory SQLite database would be another one for every connection; name a file."
        raise ValueError(message)
    check_version()
    file = Path(url.database)
    # The driver looks for an adapter for each null that it is given, for 1.5 us if there is none.
    driver.register_adapter(type(None), lambda null: null)
    engine = create_engine(url, module=driver, poolclass=NullPool, connect_args={"check_same_thread": False})
    engine.dialect.statement_compiler = _Compiler
    hold_while_open(engine)
    event.listen(engine, "do_connect", lambda *_: make_private(file))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


class _Compiler(SQLiteCompiler):
    """SQLAlchemy's, but it passes hints on: `INDEXED BY`."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:  # noqa: ARG002
        return text


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1000)}")
    _set_journal_mode(connection, journal_mode())
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")


def _begin(connection: Connection) -> None:
    """The driver begins no transaction before SELECT or DDL: a failed migration would leave half its tables."""
    snapshot = connection.get_execution_options().get("snapshot")
    connection.exec_driver_sql("BEGIN" if snapshot else "BEGIN IMMEDIATE")


def _set_journal_mode(connection: Any, mode: str) -> None:
    """Set it, waiting for a process that is just making the file: here SQLite itself heeds no time-out."""
    last_try = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        except driver.OperationalError:
            if time.monotonic() > last_try:
                raise
            time.sleep(0.01)
        else:
            return


class SqliteDatabase:
    """Runs use cases on one SQLite file. Several processes may open the same file.

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
        self._damage: Unavailable | None = None
        self._statements: dict[Executable, Statement] = {}
        self._writer = self._connect()
        self._writer.execute("PRAGMA busy_timeout = 0")  # the event loop never waits; see `_patiently`
        self._reader = self._connect_to_read()
        self._writing = self._unit_of_work(self._writer)
        self._reading = self._unit_of_work(self._reader)
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._long_readers = ThreadPoolExecutor(LONG_READERS, thread_name_prefix="sqlite-read")
        self._idle_readers: list[Any] = []
        self._waiting: list[Job] = []
        self._closed = False
        self._version_seen = None
        self._batches: asyncio.Task[None] | None = None
        self._clean_at = float("-inf")
        self._cleaning: asyncio.TimerHandle | None = None
        with suppress(driver.Error):
            empty_log(self._writer)  # whoever has erased somebody may have been killed before he did
        self._files = SameFiles(Path(str(engine.url.database)))

    def _connect(self) -> Any:
        pooled = self._engine.raw_connection()
        connection = pooled.driver_connection
        pooled.detach()
        return connection

    def _connect_to_read(self) -> Any:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _connect_again(self) -> Any:
        """Connect to the file that was opened at the start: SQLite would make a deleted one anew, and empty."""
        try:
            self._files.check()
        except Unavailable as outage:
            self._outages.note(outage)
            raise
        return self._connect_to_read()

    def _unit_of_work(self, connection: Any) -> SqlUnitOfWork:
        return SqlUnitOfWork(Driver(connection, self._engine.dialect, self._statements))

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read`. It runs on the event loop: a hop to a thread costs more than a short read."""
        self._check_open()
        try:
            if not self._reader.in_transaction:
                self._begin_snapshot()
            return use_case(self._reading, *args, **kwargs)
        except driver.DatabaseError as error:
            raise self._told(error) from error

    def _begin_snapshot(self) -> None:
        """Have all reads of this turn of the event loop share a snapshot: under load, 8 to 50 of them do.

        Nobody reads what is out of date. Whoever asks because of a commit that came after this is woken, or
        heard of, after this, and so has his turn after the end of the snapshot, which is queued now.
        """
        self._reader.execute("BEGIN")
        asyncio.get_running_loop().call_soon(self._reader.rollback)

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_long`."""
        self._check_open()
        read = partial(self._read_in_thread, lambda work: use_case(work, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._long_readers, read)

    def _read_in_thread(self, run: Callable[[SqlUnitOfWork], ResultT]) -> ResultT:
        """Run a use case on a connection that nobody else has meanwhile; it is kept for the next."""
        try:
            connection = self._idle_readers.pop() if self._idle_readers else self._connect_again()
            connection.execute("BEGIN")
            try:
                return run(self._unit_of_work(connection))
            finally:
                connection.rollback()
                self._idle_readers.append(connection)
        except driver.DatabaseError as error:
            raise self._told(error) from error

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.write`."""
        self._check_open()
        job = Job(lambda work: use_case(work, *args, **kwargs), asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._work_off()
        answer: ResultT = await job.future
        return answer

    def _work_off(self) -> None:
        if self._batches is None:
            self._batches = asyncio.get_running_loop().create_task(self._run_batches())

    async def check_writes(self) -> None:
        """Raise `Unavailable` if the file is damaged or not the same any more, or if writes fail."""
        self._files.check()
        if self._damage is not None:
            raise self._damage
        if self._outages.check():
            await self.write(probe_write)

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`. SQLite cannot tell what has changed: any change will do."""
        give_up = time.monotonic() + seconds
        while not self._has_changed():
            left = give_up - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(LOOK_SECONDS, left))

    def _has_changed(self) -> bool:
        with suppress(driver.Error):
            before, (self._version_seen,) = self._version_seen, self._reader.execute("PRAGMA data_version").fetchone()
            return before != self._version_seen
        return False

    async def close(self) -> None:
        """Finish what was begun and let go of the file."""
        self._closed = True
        if self._cleaning is not None:
            self._cleaning.cancel()
        if self._batches is not None:
            await self._batches
        if self._writing.driver.erased:
            await self._in_committer(self._clean_up)
        self._committer.shutdown()
        await asyncio.to_thread(self._long_readers.shutdown)
        await asyncio.sleep(0)  # the end of a snapshot may be queued
        for connection in (self._reader, self._writer, *self._idle_readers):
            connection.close()
        self._engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed.")

    async def _run_batches(self) -> None:
        try:
            while self._waiting or self._is_to_be_cleaned():
                if self._is_to_be_cleaned():
                    await self._in_committer(self._clean_up)
                    continue
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                try:
                    await self._run(batch)
                except Exception as error:  # noqa: BLE001 - nobody may be left waiting
                    self._abandon(batch, error)
                done = deliver(batch)
                self._outages.after_write(batch, done)
                if done:
                    self._on_commit(done)
        finally:
            self._batches = None
            if self._writing.driver.erased and self._cleaning is None and not self._closed:
                self._cleaning = asyncio.get_running_loop().call_later(CLEANING_SECONDS, self._clean_now)

    def _is_to_be_cleaned(self) -> bool:
        return self._writing.driver.erased and time.monotonic() >= self._clean_at

    def _clean_up(self) -> None:
        """Remove the traces of erasures, between two batches: it needs the write lock, and would not get it else."""
        with suppress(driver.Error):  # such as a full disk: then the traces stay, and it is tried again
            drop_deleted_words(self._writer)
            self._writing.driver.erased = not remove_traces(self._writer)
        self._clean_at = time.monotonic() + CLEANING_SECONDS

    def _clean_now(self) -> None:
        self._cleaning = None
        self._work_off()

    async def _run(self, batch: list[Job]) -> None:
        self._files.check()
        await self._begin()
        if not self._attempt_all(batch):
            self._writer.rollback()
            await self._begin()
            self._attempt_each(batch)
        await self._in_committer(self._commit)

    async def _begin(self) -> None:
        """Take the write lock; wait for another process that holds it, but not on the event loop."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except driver.OperationalError:
            await self._in_committer(partial(self._patiently, "BEGIN IMMEDIATE"))

    def _commit(self) -> None:
        try:
            self._writer.execute("COMMIT")
        except driver.OperationalError:
            if not self._writer.in_transaction:
                raise
            self._patiently("COMMIT")  # with a rollback journal, others that read are waited for

    def _patiently(self, statement: str) -> None:
        """Run a statement that had to wait for another process: up to the time-out. Nothing else ever waits."""
        self._writer.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1000)}")
        try:
            self._writer.execute(statement)
        finally:
            self._writer.execute("PRAGMA busy_timeout = 0")

    async def _in_committer(self, call: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._committer, call)

    def _attempt_all(self, batch: list[Job]) -> bool:
        """Run the jobs one after the other; False if one raised that had changed something: all must be undone.

        Most that raise, such as for a duplicate, have changed nothing. A savepoint for each job, to undo the few
        others, would take 13 us of the 86 of a small job.
        """
        for job in batch:
            before = self._writer.total_changes
            self._attempt(job)
            if job.error and self._writer.total_changes != before:
                return False
        return True

    def _attempt_each(self, batch: list[Job]) -> None:
        """Run each job in a savepoint of its own, so that one that raises undoes its own work and no other's."""
        for job in batch:
            self._writer.execute("SAVEPOINT job")
            self._attempt(job)
            if job.error:
                self._writer.execute("ROLLBACK TO job")
            self._writer.execute("RELEASE job")

    def _attempt(self, job: Job) -> None:
        job.error = None
        try:
            job.answer = job.run(self._writing)
        except Exception as error:  # every caller gets its own error back
            job.error = self._told(error)
            if not self._writer.in_transaction:  # such as a full disk, after which SQLite itself rolls back
                raise

    def _abandon(self, batch: list[Job], cause: Exception) -> None:
        outage = cause if isinstance(cause, Unavailable) else self._outage(cause)
        for job in batch:
            job.error = outage
        with suppress(driver.Error):
            self._writer.rollback()

    def _told(self, error: Exception) -> Exception:
        """Return what the caller gets: `Unavailable`, unless the error is the use case's own."""
        return self._outage(error) if is_outage(error) else error

    def _outage(self, cause: Exception) -> Unavailable:
        outage = Unavailable(f"The database did not do its work: {cause}.")
        self._outages.note(outage)
        if is_damage(cause):
            self._damage = outage
        return outage
