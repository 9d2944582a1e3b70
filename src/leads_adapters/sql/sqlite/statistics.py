"""Maintain the statistics that SQLite's query planner uses to choose between the indexes of filters.

`PRAGMA optimize` is not enough: it leaves out the histograms, which SQLite needs to compare two ranges. See
docs/decisions/0024-leads-in-two-steps.md.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection

from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.write_connection import WriteConnection

LEADS_MIN = 10_000
"""The number of leads from which the choice of an index matters."""

GROWTH_FACTOR = 1.5
"""The growth of the number of leads after which they are analyzed again."""

_CHECK_EVERY_ROWS = 10_000
"""The number of changed rows after which the number of leads is checked."""

_PERSONAL_INDEXES = ("ix_leads_source_created_at_id", "ix_leads_owner_key_created_at_id")
_INDEXES = (
    "ix_leads_created_at_id",
    "ix_leads_updated_at_id",
    "ix_leads_next_follow_up_key_id",
    "ix_leads_status_created_at_id",
    "ix_leads_opted_out",
    *_PERSONAL_INDEXES,
)
"""The indexes of filters. Histograms are samples of values: none contains names or addresses of leads."""

_ANALYZED_LEADS = "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE idx = 'ix_leads_created_at_id'"
_STORED_LEADS = "SELECT max(rowid) FROM leads"


class Statistics:
    """Analyzes the indexes after growth, between two transactions, then calls `on_change`."""

    def __init__(self, writing: WriteConnection, on_change: Callable[[], None]) -> None:
        self._writing = writing
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None
        self._changes_at_last_check = 0

    def start(self) -> None:
        """Check whether the leads have grown, if many rows were changed since the last check."""
        changes = self._writing.connection.total_changes
        if changes - self._changes_at_last_check >= _CHECK_EVERY_ROWS and self._task is None:
            self._changes_at_last_check = changes
            self._task = asyncio.get_running_loop().create_task(self._analyze())

    async def finish(self) -> None:
        """Check a last time, if rows were changed."""
        if self._task is not None:
            await self._task
        with suppress(driver.ProgrammingError):  # the connection is already closed
            if self._writing.connection.total_changes > self._changes_at_last_check:
                await self._analyze()

    async def _analyze(self) -> None:
        with suppress(driver.Error):  # for example a full disk, or another process that writes
            async with self._writing.lock:
                needs_analysis = leads_have_grown(self._writing.connection)
            for index in _INDEXES if needs_analysis else ():  # one at a time, so that no write waits for long
                async with self._writing.lock:
                    await self._writing.in_thread(partial(_analyze_index, self._writing.connection, index))
            if needs_analysis:
                self._on_change()
        self._task = None


def analyze_leads(connection: Connection) -> None:
    """Analyze the indexes now if the leads have grown. A PostgreSQL server does that by itself."""
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        for index in _INDEXES if leads_have_grown(raw) else ():
            _analyze_index(raw, index)


def refresh_personal_samples(connection: Any) -> None:
    """Replace the samples that may contain values of an erased person."""
    if _analyzed_leads(connection):
        for index in _PERSONAL_INDEXES:
            _analyze_index(connection, index)


def _analyze_index(connection: Any, index: str) -> None:
    connection.execute(f"ANALYZE {index}")


def leads_have_grown(connection: Any) -> bool:
    """Return whether the number of leads has grown enough since the last analysis."""
    (stored,) = connection.execute(_STORED_LEADS).fetchone()
    return (stored or 0) > max(GROWTH_FACTOR * _analyzed_leads(connection), LEADS_MIN)


def _analyzed_leads(connection: Any) -> int:
    with suppress(driver.OperationalError):  # never analyzed
        (analyzed,) = connection.execute(_ANALYZED_LEADS).fetchone() or (0,)
        return int(analyzed)
    return 0
