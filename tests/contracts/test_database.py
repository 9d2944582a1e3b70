"""Test the databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from contracts.database import ConcurrentReadContract, DatabaseContract, SharedDatabaseContract
from databases import OnMemory, OnPostgres, OnSqlite, RunningDatabase, engine_of, sqlite_database
from leads_adapters.database import Database
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.sqlite.database import SqliteDatabase


def engine(database: RunningDatabase) -> Engine:
    """Return the engine of an SQL database."""
    return cast(Any, database.database)._engine  # type: ignore[no-any-return]


class TestMemoryDatabase(OnMemory, DatabaseContract):
    """In memory."""


class ReopenSqlite:
    """Open a SQLite file again."""

    def open_again(self, database: RunningDatabase) -> Database:
        """See `SharedDatabaseContract.open_again`."""
        return SqliteDatabase(engine_of(Path(str(engine(database).url.database))))


class TestSqliteDatabase(OnSqlite, ReopenSqlite, DatabaseContract, SharedDatabaseContract, ConcurrentReadContract):
    """On SQLite, in the journal mode that this version supports."""


class TestPostgresDatabase(OnPostgres, DatabaseContract, SharedDatabaseContract, ConcurrentReadContract):
    """On PostgreSQL."""

    def open_again(self, database: RunningDatabase) -> Database:
        """See `SharedDatabaseContract.open_again`."""
        return PostgresDatabase(postgres_engine(engine(database).url))


class TestSqliteDatabaseWithARollbackJournal(ReopenSqlite, DatabaseContract, SharedDatabaseContract):
    """On SQLite with a rollback journal, as for versions that can corrupt a WAL database. A commit waits for reads."""

    @contextmanager
    def open(self, folder: Path) -> Iterator[RunningDatabase]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("leads_adapters.sql.sqlite.driver.SAFE_WAL_VERSION", (99,))
            with sqlite_database(folder) as database:
                yield database
