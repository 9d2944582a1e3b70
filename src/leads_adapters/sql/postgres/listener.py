"""Receive a notification from PostgreSQL when a process has scheduled a follow-up."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import psycopg

from leads_adapters.sql.follow_up_store import NOTIFICATION
from leads_domain.errors import Unavailable


def listen(connection: psycopg.Connection[Any]) -> None:
    """Subscribe a connection to the notifications; close it if that fails."""
    try:
        connection.execute(f"LISTEN {NOTIFICATION}")
    except psycopg.Error:
        connection.close()
        raise


class Listener:
    """Listens on a connection that the event loop watches, without a thread or polling."""

    def __init__(self, connect: Callable[[], Awaitable[psycopg.Connection[Any]]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._watched_descriptor = -1
        self._connecting: asyncio.Task[None] | None = None
        self._notified = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return when there was a notification since the last call, or after `seconds`. Reconnect if necessary."""
        if self._connection is None and self._connecting is None:
            self._connecting = asyncio.create_task(self._listen())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._notified.wait(), seconds)
        self._notified.clear()

    async def close(self) -> None:
        """Close the connection."""
        if self._connecting is not None:
            await self._connecting
        self._disconnect()

    async def _listen(self) -> None:
        with suppress(Unavailable, psycopg.Error):  # the next call of `wait` tries again
            self._connection = await self._connect()
            # Watch a duplicate: libpq closes its own descriptor before it reports a lost connection.
            self._watched_descriptor = os.dup(self._connection.fileno())
            asyncio.get_running_loop().add_reader(self._watched_descriptor, self._receive)
            self._notified.set()  # earlier notifications were missed
        self._connecting = None

    def _receive(self) -> None:
        if self._connection is not None:
            self._notified.set()
            try:
                self._connection.pgconn.consume_input()
                while self._connection.pgconn.notifies():
                    pass
            except psycopg.Error:
                self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            asyncio.get_running_loop().remove_reader(self._watched_descriptor)
            os.close(self._watched_descriptor)
            self._connection.close()
            self._connection = None
