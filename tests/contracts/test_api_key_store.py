"""Test the stores of API keys."""

from contracts.api_key_store import ApiKeyStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryApiKeyStore(OnMemory, ApiKeyStoreContract):
    """In memory."""


class TestSqliteApiKeyStore(OnSqlite, ApiKeyStoreContract):
    """On SQLite."""


class TestPostgresApiKeyStore(OnPostgres, ApiKeyStoreContract):
    """On PostgreSQL."""
