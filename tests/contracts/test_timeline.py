"""Test the timelines."""

from contracts.timeline import TimelineContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryTimeline(OnMemory, TimelineContract):
    """In memory."""


class TestSqliteTimeline(OnSqlite, TimelineContract):
    """On SQLite."""


class TestPostgresTimeline(OnPostgres, TimelineContract):
    """On PostgreSQL."""
