from contracts.api_key_store import ApiKeyStoreContract
from databases import OnMemory, OnSqlite


class TestMemoryApiKeyStore(OnMemory, ApiKeyStoreContract):
    """In memory."""


class TestSqliteApiKeyStore(OnSqlite, ApiKeyStoreContract):
    """On SQLite."""
