"""Run transactions on pooled connections to PostgreSQL, and fail fast while the server cannot be reached."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Engine, Pool, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from leads_adapters.database import Outage
from leads_adapters.sql.postgres.errors import CommitUndecided, ConnectionLost
from leads_adapters.sql.unit_of_work import SqlUnitOfWork

UNREACHABLE_SECONDS = 1.0
"""The time after a failed connection in which units of work fail at once instead of connecting."""


class Transactions:
    """Opens connections, and begins and ends transactions."""

    def __init__(self, engine: Engine, unit_of_work: Callable[[Any], SqlUnitOfWork]) -> None:
        self._engine = engine
        self._new_unit_of_work = unit_of_work
        self._unreachable_until = float("-inf")
        self._reason = ""

    @contextmanager
    def transaction(self, begin: str) -> Iterator[SqlUnitOfWork]:
        """Run a transaction. Commit it, or roll it back after an exception."""
        pool = self._engine.pool
        pooled = self._acquire(pool)
        connection: Any = pooled.driver_connection
        try:
            with _rollback_on_error(connection):
                connection.execute(begin, prepare=False)
                yield self._unit_of_work(pooled)
            _commit(connection)
        finally:
            self._release(pooled, pool)

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection outside the pool."""
        pooled = self._acquire(self._engine.pool)
        connection: Any = pooled.driver_connection
        pooled.detach()
        return connection  # type: ignore[no-any-return]

    def check_reachable(self) -> None:
        """Raise `Outage` if a connection has just failed."""
        if time.monotonic() < self._unreachable_until:
            raise Outage(self._reason)

    def _acquire(self, pool: Pool) -> PoolProxiedConnection:
        self.check_reachable()
        started_at = time.monotonic()
        try:
            try:
                return pool.connect()
            except (psycopg.Error, DBAPIError):
                if time.monotonic() - started_at > UNREACHABLE_SECONDS:
                    raise
                return pool.connect()  # an administrator may have terminated the first connection
        except (psycopg.Error, DBAPIError) as error:
            self._unreachable_until = time.monotonic() + UNREACHABLE_SECONDS
            self._reason = f"The database cannot be reached: {error}."
            raise Outage(self._reason) from error

    def _release(self, pooled: PoolProxiedConnection, pool: Pool) -> None:
        connection: Any = pooled.driver_connection
        if connection.closed and pool is self._engine.pool:
            self._engine.dispose()  # the other connections are probably lost, too
        if pool is not self._engine.pool:
            pooled.invalidate()  # its pool was disposed of
        pooled.close()

    def _unit_of_work(self, pooled: PoolProxiedConnection) -> SqlUnitOfWork:
        """Return the unit of work of this connection. It is stored with the connection."""
        work: SqlUnitOfWork | None = pooled.info.get("unit_of_work")
        if work is None:
            work = pooled.info["unit_of_work"] = self._new_unit_of_work(pooled.driver_connection)
        return work


@contextmanager
def _rollback_on_error(connection: Any) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        with suppress(psycopg.Error):
            connection.rollback()
        if connection.closed:
            raise ConnectionLost(f"The connection to the database was lost: {error}.") from error
        raise


def _commit(connection: Any) -> None:
    try:
        connection.commit()
    except psycopg.Error as error:
        message = f"The connection to the database was lost during a commit, which may have succeeded: {error}."
        raise CommitUndecided(message) from error
