"""Test the stores of leads."""

from contracts.lead_store import LeadStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryLeadStore(OnMemory, LeadStoreContract):
    """In memory."""


class TestSqliteLeadStore(OnSqlite, LeadStoreContract):
    """On SQLite."""


class TestPostgresLeadStore(OnPostgres, LeadStoreContract):
    """On PostgreSQL."""
