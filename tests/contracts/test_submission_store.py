from contracts.submission_store import SubmissionStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemorySubmissionStore(OnMemory, SubmissionStoreContract):
    """In memory."""


class TestSqliteSubmissionStore(OnSqlite, SubmissionStoreContract):
    """On SQLite."""


class TestPostgresSubmissionStore(OnPostgres, SubmissionStoreContract):
    """On PostgreSQL."""
