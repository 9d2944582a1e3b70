"""How a process hears, on PostgreSQL, that another one has scheduled a follow-up: from NOTIFY."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import psycopg

from leads_domain.errors import Unavailable


class Listener:
    """Hears announcements on a connection of its own, which the event loop watches: no thread waits, and no query."""

    def __init__(self, connect: Callable[[], Awaitable[psycopg.Connection[Any]]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._watched = -1
        self._connecting: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until something was announced since the last call, or for `seconds`. A lost connection is made again."""
        if self._connection is None and self._connecting is None:
            self._connecting = asyncio.create_task(self._listen())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), seconds)
        self._heard.clear()

    async def close(self) -> None:
        """Listen no more."""
        if self._connecting is not None:
            await self._connecting
        self._hang_up()

    async def _listen(self) -> None:
        with suppress(Unavailable):  # whoever waits, waits; the next who does tries again
            self._connection = await self._connect()
            # A descriptor of our own: libpq closes its own when the connection is lost, before it says so.
            self._watched = os.dup(self._connection.fileno())
            asyncio.get_running_loop().add_reader(self._watched, self._hear)
            self._heard.set()  # what was announced before this was not heard
        self._connecting = None

    def _hear(self) -> None:
        if self._connection is not None:
            self._heard.set()
            try:
                self._connection.pgconn.consume_input()
                while self._connection.pgconn.notifies():
                    pass
            except psycopg.Error:
                self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            os.close(self._watched)
            self._connection.close()
            self._connection = None
