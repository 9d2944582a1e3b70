"""Open each supported database on its own event loop, so that tests can be synchronous."""

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
"""The time-out of a test that waits for a result."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class RunningDatabase:
    """A database and its event loop."""

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

    def read_background(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_background`."""
        return self.run(self.database.read_background(use_case, *args, **kwargs))

    def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.write`."""
        return self.run(self.database.write(use_case, *args, **kwargs))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of `work`, run on the database's event loop."""
        # Not `Runner.run`: it installs signal handlers on each call, which takes longer than most queries.
        return self.runner.get_loop().run_until_complete(asyncio.wait_for(work, TIMEOUT_SECONDS))


@contextmanager
def memory_database(_folder: Path) -> Iterator[RunningDatabase]:
    """Open an empty in-memory database."""
    with asyncio.Runner() as runner:
        yield RunningDatabase(MemoryDatabase(), runner)


@contextmanager
def sqlite_database(folder: Path) -> Iterator[RunningDatabase]:
    """Open an empty, migrated SQLite database in `folder`."""
    with asyncio.Runner() as runner:
        database = SqliteDatabase(engine_of(sqlite_file(folder)))
        try:
            yield RunningDatabase(database, runner)
        finally:
            runner.run(database.close())


@contextmanager
def postgres_database(_folder: Path) -> Iterator[RunningDatabase]:
    """Open an empty, migrated PostgreSQL database."""
    with postgres_url() as url, on_postgres(url) as running:
        yield running


@contextmanager
def on_postgres(url: URL) -> Iterator[RunningDatabase]:
    """Open an existing PostgreSQL database."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        try:
            yield RunningDatabase(database, runner)
        finally:
            runner.run(database.close())


@contextmanager
def database_url(store: str, folder: Path) -> Iterator[URL | None]:
    """Create an empty, migrated database for one test and yield its URL; yield None for the in-memory store."""
    if store == "postgresql":
        with postgres_url() as url:
            yield url
    else:
        yield URL.create("sqlite", database=str(sqlite_file(folder))) if store == "sqlite" else None


Opener = Callable[[Path], AbstractContextManager[RunningDatabase]]

DATABASES: dict[str, Opener] = {"memory": memory_database, "sqlite": sqlite_database, "postgresql": postgres_database}
"""A function for each database that opens it, empty, for one test."""

USE_CASE_STORES = [store if store == "memory" else pytest.param(store, marks=pytest.mark.matrix) for store in DATABASES]
"""Stores for tests of use cases: in memory by default, all with `make fuzz`. The contracts prove the stores equal."""


class OnMemory:
    """A mixin that runs a contract in memory."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """See `memory_database`."""
        return memory_database(folder)


class OnSqlite:
    """A mixin that runs a contract on SQLite."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """See `sqlite_database`."""
        return sqlite_database(folder)


class OnPostgres:
    """A mixin that runs a contract on PostgreSQL."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """See `postgres_database`."""
        return postgres_database(folder)


def engine_of(file: Path) -> Engine:
    """Return the service's engine for a SQLite file."""
    return sqlite_engine(URL.create("sqlite", database=str(file)))


def sqlite_file(folder: Path) -> Path:
    """Create a migrated SQLite file in `folder`. The migrations run once; each test gets a copy."""
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
