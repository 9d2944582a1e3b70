"""Have SQLite count what its planner goes by when it chooses between the indexes of filters.

`PRAGMA optimize` counts too little: it leaves out the histograms, without which SQLite cannot compare two ranges
(docs/decisions/0024-leads-in-two-steps.md).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection

from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.sqlite.write_connection import WriteConnection

ENOUGH = 10_000
"""From how many leads on it matters which index is used."""

GROWTH = 1.5
"""By how much the leads grow until they are counted again."""

_LOOK_EVERY = 10_000
"""After how many changed rows to look how many leads there are."""

_ABOUT_PEOPLE = ("ix_leads_source_created_at_id", "ix_leads_owner_key_created_at_id")
_INDEXES = (
    "ix_leads_created_at_id",
    "ix_leads_updated_at_id",
    "ix_leads_next_follow_up_key_id",
    "ix_leads_status_created_at_id",
    *_ABOUT_PEOPLE,
)
"""The indexes of filters. A histogram is a sample of values: there is none of names and addresses of leads."""

_COUNTED = "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE idx = 'ix_leads_created_at_id'"
_STORED = "SELECT max(rowid) FROM leads"


class Statistics:
    """Counts the leads after they have grown, between two transactions: `on_change` is called after that."""

    def __init__(self, writing: WriteConnection, on_change: Callable[[], None]) -> None:
        self._writing = writing
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None
        self._looked_at = 0

    def start(self) -> None:
        """Look whether the leads have grown, if many rows were changed since the last look."""
        changes = self._writing.connection.total_changes
        if changes - self._looked_at >= _LOOK_EVERY and self._task is None:
            self._looked_at = changes
            self._task = asyncio.get_running_loop().create_task(self._count())

    async def finish(self) -> None:
        """Count a last time, if rows were changed."""
        if self._task is not None:
            await self._task
        with suppress(driver.ProgrammingError):  # it was closed before
            if self._writing.connection.total_changes > self._looked_at:
                await self._count()

    async def _count(self) -> None:
        with suppress(driver.Error):  # such as a full disk, or another process that writes
            async with self._writing.lock:
                grown = have_grown(self._writing.connection)
            for index in _INDEXES if grown else ():  # one by one, so that no write waits for long
                async with self._writing.lock:
                    await self._writing.in_thread(partial(_count_index, self._writing.connection, index))
            if grown:
                self._on_change()
        self._task = None


def count_leads(connection: Connection) -> None:
    """Count the leads at once, if they have grown; on PostgreSQL the server does it by itself."""
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        for index in _INDEXES if have_grown(raw) else ():
            _count_index(raw, index)


def drop_samples(connection: Any) -> None:
    """Take new samples of the values that may be about a person who was erased."""
    if _counted(connection):
        for index in _ABOUT_PEOPLE:
            _count_index(connection, index)


def _count_index(connection: Any, index: str) -> None:
    connection.execute(f"ANALYZE {index}")


def have_grown(connection: Any) -> bool:
    """Return whether there are so many more leads than were counted that it matters."""
    (stored,) = connection.execute(_STORED).fetchone()
    return (stored or 0) > max(GROWTH * _counted(connection), ENOUGH)


def _counted(connection: Any) -> int:
    with suppress(driver.OperationalError):  # nothing was ever counted
        (counted,) = connection.execute(_COUNTED).fetchone() or (0,)
        return int(counted)
    return 0
