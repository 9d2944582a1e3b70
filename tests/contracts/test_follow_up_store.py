"""Test the stores of follow-ups."""

from contracts.follow_up_store import FollowUpStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryFollowUpStore(OnMemory, FollowUpStoreContract):
    """In memory."""


class TestSqliteFollowUpStore(OnSqlite, FollowUpStoreContract):
    """On SQLite."""


class TestPostgresFollowUpStore(OnPostgres, FollowUpStoreContract):
    """On PostgreSQL."""
