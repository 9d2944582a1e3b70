"""Create the SQLAlchemy engine for a PostgreSQL database."""

from typing import Any

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Engine, create_engine, event

CONNECTIONS = 8
"""The maximum number of connections of a process, not counting the connection that listens."""

LOCK_TIMEOUT_SECONDS = 5
"""The time that a statement may wait for a lock."""

STATEMENT_TIMEOUT_SECONDS = 30
"""The time that a statement may run."""

CONNECT_SECONDS = 5
"""The time that connecting may take, and that sent data may stay unacknowledged."""

BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"


def postgres_engine(url: URL) -> Engine:
    """Return an engine with explicit transactions, times in UTC, and a time limit for every wait.

    With the execution option `snapshot`, a transaction reads a snapshot.
    """
    arguments = {
        "application_name": "leads",
        "client_encoding": "UTF8",
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": CONNECT_SECONDS * 1000,  # in milliseconds
    }
    engine = create_engine(
        url,
        connect_args={name: value for name, value in arguments.items() if name not in url.query},
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_reset_on_return=None,  # each user of a connection ends its own transaction
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: psycopg.Connection[Any], _: Any) -> None:
    _check_encoding(connection)
    connection.autocommit = True
    connection.execute(
        f"SET timezone = 'UTC'; SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s';"
        f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s';"
        f"SET idle_in_transaction_session_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'"
    )
    connection.prepare_threshold = 0  # every statement runs often
    connection.adapters.register_loader("uuid", TextLoader)  # identifiers are text in Python


def _check_encoding(connection: psycopg.Connection[Any]) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        message = f"the encoding of the database is {encoding}: create the database with ENCODING 'UTF8'"
        raise psycopg.OperationalError(message)


def _begin(connection: Connection) -> None:
    snapshot = connection.get_execution_options().get("snapshot")
    connection.exec_driver_sql(BEGIN_READ if snapshot else "BEGIN")
