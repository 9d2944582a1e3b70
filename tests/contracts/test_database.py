from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from contracts.database import DatabaseContract, PatientDatabaseContract, SharedDatabaseContract
from databases import OnMemory, OnPostgres, OnSqlite, RunningDatabase, engine_of, sqlite_database
from leads_adapters.database import Database
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.sqlite.database import SqliteDatabase


def engine(database: RunningDatabase) -> Engine:
    """That of an SQL database."""
    return cast(Any, database.database)._engine  # type: ignore[no-any-return]


class TestMemoryDatabase(OnMemory, DatabaseContract):
    """In memory."""


class AgainOnSqlite:
    """What opens a SQLite file again."""

    def open_again(self, database: RunningDatabase) -> Database:
        """See `SharedDatabaseContract.open_again`."""
        return SqliteDatabase(engine_of(Path(str(engine(database).url.database))))


class TestSqliteDatabase(OnSqlite, AgainOnSqlite, DatabaseContract, SharedDatabaseContract, PatientDatabaseContract):
    """On SQLite, as this machine's version allows."""


class TestPostgresDatabase(OnPostgres, DatabaseContract, SharedDatabaseContract, PatientDatabaseContract):
    """On PostgreSQL."""

    def open_again(self, database: RunningDatabase) -> Database:
        """See `SharedDatabaseContract.open_again`."""
        return PostgresDatabase(postgres_engine(engine(database).url))


class TestSqliteDatabaseWithARollbackJournal(AgainOnSqlite, DatabaseContract, SharedDatabaseContract):
    """On SQLite as if its version were one that can corrupt a WAL database; a commit waits for whoever reads."""

    @contextmanager
    def open(self, folder: Path) -> Iterator[RunningDatabase]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("leads_adapters.sql.sqlite.driver.SAFE_WAL_VERSION", (99,))
            with sqlite_database(folder) as database:
                yield database
