"""Create the SQLAlchemy engine for a SQLite file."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from leads_adapters.sql.sqlite.driver import check_version, driver, journal_mode
from leads_adapters.sql.sqlite.files import make_private
from leads_adapters.sql.sqlite.folder_lock import lock_while_open

BUSY_TIMEOUT_SECONDS = 5.0
"""The time that a write waits for another process before it fails with `Outage`."""

LOG_MAX_BYTES = 64 * 2**20
"""The size from which the write-ahead log is truncated. The part that is in use can be larger: see `log_limit.py`."""


def sqlite_engine(url: URL, busy_seconds: float = BUSY_TIMEOUT_SECONDS) -> Engine:
    """Return an engine with durable commits, foreign keys and explicit transactions.

    With the execution option `snapshot`, a transaction reads a snapshot and takes no write lock.
    """
    if not url.database or url.database == ":memory:":
        message = "Each connection to an in-memory SQLite database has its own data. Name a file."
        raise ValueError(message)
    check_version()
    file = Path(url.database)
    engine = create_engine(url, module=driver, poolclass=NullPool, connect_args={"check_same_thread": False})
    lock_while_open(engine)
    event.listen(engine, "do_connect", lambda *_: make_private(file))
    event.listen(engine, "connect", lambda connection, _: _configure(connection, busy_seconds))
    event.listen(engine, "begin", _begin)
    return engine


def connect(engine: Engine, *, query_only: bool = False) -> Any:
    """Open a connection of the driver outside the pool."""
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    pooled.detach()
    if query_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def _configure(connection: Any, busy_seconds: float) -> None:
    connection.isolation_level = None
    set_busy_timeout(connection, busy_seconds)
    _set_journal_mode(connection, journal_mode(), busy_seconds)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_MAX_BYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")


def set_busy_timeout(connection: Any, seconds: float) -> None:
    """Set the time that statements wait for a lock of another connection."""
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def busy_timeout(connection: Any) -> float:
    """Return the seconds that statements wait for a lock of another connection."""
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    return float(milliseconds / 1000)


def _begin(connection: Connection) -> None:
    """Begin explicitly. The driver begins no transaction before DDL, so a migration could fail half-way."""
    snapshot = connection.get_execution_options().get("snapshot")
    connection.exec_driver_sql("BEGIN" if snapshot else "BEGIN IMMEDIATE")


def _set_journal_mode(connection: Any, mode: str, busy_seconds: float) -> None:
    """Set the journal mode. Retry while another process creates the file: SQLite ignores `busy_timeout` here."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        except driver.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
