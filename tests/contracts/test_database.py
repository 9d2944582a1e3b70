from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.database import DatabaseContract
from databases import OnMemory, OnPostgres, OnSqlite, RunningDatabase, sqlite_database


class TestMemoryDatabase(OnMemory, DatabaseContract):
    """In memory."""


class TestSqliteDatabase(OnSqlite, DatabaseContract):
    """On SQLite, as this machine's version allows."""


class TestPostgresDatabase(OnPostgres, DatabaseContract):
    """On PostgreSQL."""


class TestSqliteDatabaseWithARollbackJournal(DatabaseContract):
    """On SQLite as if its version were one that can corrupt a WAL database."""

    @contextmanager
    def open(self, folder: Path) -> Iterator[RunningDatabase]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("leads_adapters.sql.sqlite.SAFE_WAL_VERSION", (99,))
            with sqlite_database(folder) as database:
                yield database
