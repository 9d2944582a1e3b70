"""Test the stores of calendars."""

from contracts.calendar_store import CalendarStoreContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryCalendarStore(OnMemory, CalendarStoreContract):
    """In memory."""


class TestSqliteCalendarStore(OnSqlite, CalendarStoreContract):
    """On SQLite."""


class TestPostgresCalendarStore(OnPostgres, CalendarStoreContract):
    """On PostgreSQL."""
