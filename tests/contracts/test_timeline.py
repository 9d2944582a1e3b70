from contracts.timeline import TimelineContract
from databases import OnMemory, OnSqlite


class TestMemoryTimeline(OnMemory, TimelineContract):
    """In memory."""


class TestSqliteTimeline(OnSqlite, TimelineContract):
    """On SQLite."""
