"""Test the stores of digests."""

from contracts.digest_store import DigestStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryDigestStore(OnMemory, DigestStoreContract):
    """In memory."""


class TestSqliteDigestStore(OnSqlite, DigestStoreContract):
    """On SQLite."""


class TestPostgresDigestStore(OnPostgres, DigestStoreContract):
    """On PostgreSQL."""
