"""Open the service's SQLite database together with its connections and files."""

import asyncio
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from databases import TIMEOUT_SECONDS, RunningDatabase
from leads_adapters.database import Database
from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_adapters.sql.sqlite.driver import driver
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.ports import UnitOfWork

_WAL_HEADER, _FRAME_HEADER = struct.Struct(">6L8x"), struct.Struct(">4L8x")


@dataclass(frozen=True)
class SqliteParts:
    """A running database, its file and its two connections."""

    running: RunningDatabase
    file: Path
    writer: Any
    reader: Any

    @classmethod
    @contextmanager
    def opened(cls, engine: Engine) -> Iterator["SqliteParts"]:
        """Open a database on the engine's file."""
        connections: list[Any] = []
        event.listen(engine, "connect", lambda connection, _: connections.append(connection))
        with asyncio.Runner() as runner:
            database = SqliteDatabase(engine)
            try:
                writer, reader = connections
                yield cls(RunningDatabase(database, runner), Path(str(engine.url.database)), writer, reader)
            finally:
                runner.run(database.close())

    @contextmanager
    def other_connection(self) -> Iterator[Any]:
        """Open another process's connection to the same file; it never waits for a lock."""
        connection = driver.connect(str(self.file), isolation_level=None, timeout=0)
        try:
            yield connection
        finally:
            connection.close()

    @property
    def wal(self) -> Path:
        """The path of the write-ahead log."""
        return self.file.with_name(f"{self.file.name}-wal")

    def commits(self) -> int:
        """Count the commits in the write-ahead log, by its format (sqlite.org/fileformat2.html, 4.1)."""
        log = self.wal.read_bytes()
        if not log:
            return 0
        _, _, page_size, _, *salts = _WAL_HEADER.unpack_from(log)
        commits = 0
        for offset in range(32, len(log), 24 + page_size):
            _, size_after_commit, *frame_salts = _FRAME_HEADER.unpack_from(log, offset)
            if frame_salts != salts:
                break
            commits += size_after_commit > 0
        return commits


class LongRead:
    """A long read that has a snapshot of the leads and ends on demand."""

    def __init__(self, database: Database) -> None:
        self.begun = threading.Event()
        self._end = threading.Event()
        self._result = asyncio.ensure_future(database.read_long(self._read))

    def _read(self, work: UnitOfWork) -> Sequence[str]:
        leads = [lead.id for lead in work.leads.page(LeadQuery(sort=LeadSort.OLDEST_FIRST)).items]
        self.begun.set()
        assert self._end.wait(TIMEOUT_SECONDS)
        return leads

    async def has_begun(self) -> None:
        """Wait until it has its snapshot."""
        while not self.begun.is_set():
            await asyncio.sleep(0.001)

    async def end(self) -> Sequence[str]:
        """End it, and return the ids of the leads in its snapshot."""
        self._end.set()
        return await self._result
