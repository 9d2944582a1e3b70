"""Test the feed of events on every database."""

from contracts.feed import FeedContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryFeed(OnMemory, FeedContract):
    """In memory."""


class TestSqliteFeed(OnSqlite, FeedContract):
    """On SQLite."""


class TestPostgresFeed(OnPostgres, FeedContract):
    """On PostgreSQL."""
