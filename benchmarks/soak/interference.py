"""Interfere with a database from outside the service."""

import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL
from tests.postgres import connect

from leads_adapters.sql.sqlite.driver import driver as sqlite

LOCKED_SECONDS = 7.0
"""The time of a lock: longer than the 5 s that the service waits."""

_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> {}"


def lock_file(file: Path) -> None:
    """Hold the lock of a SQLite file, as a slow program does."""
    with closing(sqlite.connect(file, timeout=LOCKED_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED_SECONDS)


def lock_leads(url: URL) -> None:
    """Hold a lock of the table of leads, as a slow statement does."""
    with connect(url) as connection, connection.transaction():
        connection.execute("LOCK TABLE leads IN EXCLUSIVE MODE")
        time.sleep(LOCKED_SECONDS)


def cut_connections(url: URL) -> None:
    """Let the server close all other connections."""
    with connect(url) as connection:
        connection.execute(_OTHERS.format(connection.info.backend_pid).encode())
