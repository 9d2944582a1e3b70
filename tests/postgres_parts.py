"""Open the service's PostgreSQL database, and inspect it as an administrator."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from sqlalchemy import URL, text

from builders import a_lead, an_email, an_id
from databases import RunningDatabase
from leads_adapters.database import Database
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.ports import UnitOfWork
from postgres import connect

PROMPT_SECONDS = 2.0
"""The time limit for immediate failures; generous, for busy machines."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class PostgresParts:
    """A running database and its URL."""

    running: RunningDatabase
    url: URL

    @property
    def database(self) -> Database:
        """The database as the service uses it."""
        return self.running.database

    def other_connection(self) -> Connection:
        """Open another program's connection to the same database."""
        return connect(self.url)


@contextmanager
def opened(url: URL) -> Iterator[PostgresParts]:
    """Open the service's database at `url`."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        try:
            yield PostgresParts(RunningDatabase(database, runner), url)
        finally:
            runner.run(database.close())


def terminate(connection: Connection) -> int:
    """End all other connections to the database, as an administrator would; return their number."""
    ended = connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid != pg_backend_pid()"
    )
    return ended.rowcount


def backends(connection: Connection, condition: str = "true") -> list[int]:
    """Return the process ids of the service's connections that meet a condition."""
    found = connection.execute(
        f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
        f" AND application_name = 'leads' AND {condition}"
    )
    return [pid for (pid,) in found]


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true; fail after 10 s."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def own_pid(work: UnitOfWork) -> int:
    """Return the id of the server process of this connection."""
    pid: int = cast(SqlUnitOfWork, work).runner.all(text("SELECT pg_backend_pid()"))[0][0]
    return pid


def outside_batch(use_case: Callable[..., Any]) -> Callable[..., Any]:
    """Let a use case fail once, in its batch, so that it runs again in its own transaction."""
    is_in_batch = iter([True])

    def run(work: UnitOfWork, *args: object) -> object:
        if next(is_in_batch, False):
            raise psycopg.errors.SerializationFailure
        return use_case(work, *args)

    return run


def key(number: int) -> str:
    """Return the e-mail key of the lead with this number."""
    return f"{number}@example.com"


def add_pair(work: UnitOfWork, number: int) -> int:
    """Add the two leads of a pair."""
    for each in (2 * number, 2 * number + 1):
        work.leads.add(a_lead(id=an_id(each), email=an_email(key(each))))
    return number


def pair(number: int) -> list[str]:
    """Return the e-mail keys of the two leads of a pair."""
    return [key(each) for each in (2 * number, 2 * number + 1)]
