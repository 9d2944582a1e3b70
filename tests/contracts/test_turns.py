"""Test the stores of the turns of the assignment."""

from contracts.turns import TurnsContract
from databases import OnMemory, OnPostgres, OnSqlite


class TestMemoryTurns(OnMemory, TurnsContract):
    """In memory."""


class TestSqliteTurns(OnSqlite, TurnsContract):
    """On SQLite."""


class TestPostgresTurns(OnPostgres, TurnsContract):
    """On PostgreSQL."""
