"""Test the stores of idempotency records."""

from contracts.idempotency_store import IdempotencyStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryIdempotencyStore(OnMemory, IdempotencyStoreContract):
    """In memory."""


class TestSqliteIdempotencyStore(OnSqlite, IdempotencyStoreContract):
    """On SQLite."""


class TestPostgresIdempotencyStore(OnPostgres, IdempotencyStoreContract):
    """On PostgreSQL."""
