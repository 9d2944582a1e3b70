"""Test the stores of tasks."""

from contracts.task_store import TaskStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryTaskStore(OnMemory, TaskStoreContract):
    """In memory."""


class TestSqliteTaskStore(OnSqlite, TaskStoreContract):
    """On SQLite."""


class TestPostgresTaskStore(OnPostgres, TaskStoreContract):
    """On PostgreSQL."""
