from contracts.reply_store import ReplyStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryReplyStore(OnMemory, ReplyStoreContract):
    """In memory."""


class TestSqliteReplyStore(OnSqlite, ReplyStoreContract):
    """On SQLite."""


class TestPostgresReplyStore(OnPostgres, ReplyStoreContract):
    """On PostgreSQL."""
