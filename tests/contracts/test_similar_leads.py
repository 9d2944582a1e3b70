"""Test the finders of possible duplicates."""

from contracts.similar_leads import SimilarLeadsContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemorySimilarLeads(OnMemory, SimilarLeadsContract):
    """In memory."""


class TestSqliteSimilarLeads(OnSqlite, SimilarLeadsContract):
    """On SQLite."""


class TestPostgresSimilarLeads(OnPostgres, SimilarLeadsContract):
    """On PostgreSQL."""
