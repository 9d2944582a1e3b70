"""Every database that the service runs on, each on an event loop of its own, so that tests can stay synchronous."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from sqlalchemy import URL, Engine

from leads_adapters.database import Arguments, Database, ResultT, UseCase
from leads_adapters.memory.database import MemoryDatabase
from leads_adapters.sql.migrations import upgrade
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_adapters.sql.sqlite.engine import sqlite_engine
from postgres import postgres_url

TIMEOUT_SECONDS = 20.0
"""After how many seconds a test that waits for an answer fails, rather than hang."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class RunningDatabase:
    """A database and the event loop that it runs on."""

    database: Database
    runner: asyncio.Runner

    def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read`."""
        return self.run(self.database.read(use_case, *args, **kwargs))

    def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_long`."""
        return self.run(self.database.read_long(use_case, *args, **kwargs))

    def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.write`."""
        return self.run(self.database.write(use_case, *args, **kwargs))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Whatever `work` answers, on the database's event loop."""
        # Not `Runner.run`: it handles signals anew each time, which takes longer than most questions.
        return self.runner.get_loop().run_until_complete(asyncio.wait_for(work, TIMEOUT_SECONDS))


@contextmanager
def memory_database(_folder: Path) -> Iterator[RunningDatabase]:
    """An empty database in memory."""
    with asyncio.Runner() as runner:
        yield RunningDatabase(MemoryDatabase(), runner)


@contextmanager
def sqlite_database(folder: Path) -> Iterator[RunningDatabase]:
    """An empty, migrated SQLite database in `folder`."""
    with asyncio.Runner() as runner:
        database = SqliteDatabase(engine_of(sqlite_file(folder)))
        try:
            yield RunningDatabase(database, runner)
        finally:
            runner.run(database.close())


@contextmanager
def postgres_database(_folder: Path) -> Iterator[RunningDatabase]:
    """An empty, migrated PostgreSQL database."""
    with postgres_url() as url, on_postgres(url) as running:
        yield running


@contextmanager
def on_postgres(url: URL) -> Iterator[RunningDatabase]:
    """A database that a server has already."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        try:
            yield RunningDatabase(database, runner)
        finally:
            runner.run(database.close())


@contextmanager
def database_url(store: str, folder: Path) -> Iterator[URL | None]:
    """An empty, migrated database for the time of a test; none for the memory."""
    if store == "postgresql":
        with postgres_url() as url:
            yield url
    else:
        yield URL.create("sqlite", database=str(sqlite_file(folder))) if store == "sqlite" else None


Opener = Callable[[Path], AbstractContextManager[RunningDatabase]]

DATABASES: dict[str, Opener] = {"memory": memory_database, "sqlite": sqlite_database, "postgresql": postgres_database}
"""How to open each of them, empty, for the time of a test."""

USE_CASE_STORES = [store if store == "memory" else pytest.param(store, marks=pytest.mark.soak) for store in DATABASES]
"""For tests of use cases: the memory every day, because the contracts prove that the stores are equal; else all."""


class OnMemory:
    """What makes a contract's tests run in memory."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """See `memory_database`."""
        return memory_database(folder)


class OnSqlite:
    """What makes a contract's tests run on SQLite."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """See `sqlite_database`."""
        return sqlite_database(folder)


class OnPostgres:
    """What makes a contract's tests run on PostgreSQL."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """See `postgres_database`."""
        return postgres_database(folder)


def engine_of(file: Path) -> Engine:
    """The service's engine for a SQLite file."""
    return sqlite_engine(URL.create("sqlite", database=str(file)))


def sqlite_file(folder: Path) -> Path:
    """A new, migrated SQLite file in `folder`. The migrations run once; every test gets a copy."""
    file = folder / "leads.db"
    file.write_bytes(_migrated())
    return file


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "leads.db"
        engine = engine_of(file)
        upgrade(engine)
        engine.dispose()
        return file.read_bytes()
