"""Run transactions on pooled connections to PostgreSQL, and know when the server is out of reach."""

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
"""How long units of work fail at once after the server was out of reach, rather than try to connect."""


class Transactions:
    """Begins and ends transactions, and makes connections."""

    def __init__(self, engine: Engine, unit_of_work: Callable[[Any], SqlUnitOfWork]) -> None:
        self._engine = engine
        self._new_unit_of_work = unit_of_work
        self._unreachable_until = float("-inf")
        self._reason = ""

    @contextmanager
    def transaction(self, begin: str) -> Iterator[SqlUnitOfWork]:
        """Run a transaction: commit it, or roll it back if anything is raised."""
        pool = self._engine.pool
        pooled = self._take(pool)
        connection: Any = pooled.driver_connection
        try:
            with _rollback_on_error(connection):
                connection.execute(begin, prepare=False)
                yield self._unit_of_work(pooled)
            _commit(connection)
        finally:
            self._give_back(pooled, pool)

    def connect(self) -> psycopg.Connection[Any]:
        """Make a connection that the pool no longer counts."""
        pooled = self._take(self._engine.pool)
        connection: Any = pooled.driver_connection
        pooled.detach()
        return connection  # type: ignore[no-any-return]

    def check_reachable(self) -> None:
        """Raise `Outage` if the server was out of reach just now."""
        if time.monotonic() < self._unreachable_until:
            raise Outage(self._reason)

    def _take(self, pool: Pool) -> PoolProxiedConnection:
        self.check_reachable()
        began = time.monotonic()
        try:
            try:
                return pool.connect()
            except (psycopg.Error, DBAPIError):
                if time.monotonic() - began > UNREACHABLE_SECONDS:
                    raise
                return pool.connect()  # an administrator may have ended the first connection while it was made
        except (psycopg.Error, DBAPIError) as error:
            self._unreachable_until = time.monotonic() + UNREACHABLE_SECONDS
            self._reason = f"The database is out of reach: {error}."
            raise Outage(self._reason) from error

    def _give_back(self, pooled: PoolProxiedConnection, pool: Pool) -> None:
        connection: Any = pooled.driver_connection
        if connection.closed and pool is self._engine.pool:
            self._engine.dispose()  # most likely the other connections are lost, too
        if pool is not self._engine.pool:
            pooled.invalidate()  # its pool was disposed of
        pooled.close()

    def _unit_of_work(self, pooled: PoolProxiedConnection) -> SqlUnitOfWork:
        """Return the unit of work of this connection, which is kept with it."""
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
