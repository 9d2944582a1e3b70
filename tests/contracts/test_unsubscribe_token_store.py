"""Test the stores of unsubscribe tokens."""

from contracts.unsubscribe_token_store import UnsubscribeTokenStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryUnsubscribeTokenStore(OnMemory, UnsubscribeTokenStoreContract):
    """In memory."""


class TestSqliteUnsubscribeTokenStore(OnSqlite, UnsubscribeTokenStoreContract):
    """On SQLite."""


class TestPostgresUnsubscribeTokenStore(OnPostgres, UnsubscribeTokenStoreContract):
    """On PostgreSQL."""
