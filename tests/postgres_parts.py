"""Open the service's PostgreSQL database, and look at it as an administrator."""

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
"""The limit in seconds for failures that should come at once; generous, for busy machines."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class PostgresParts:
    """A running database and its URL."""

    running: RunningDatabase
    url: URL

    @property
    def database(self) -> Database:
        """Return the database as the service uses it."""
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
    """Wait until a condition holds; fail after 10 s."""
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.005)


def own_pid(work: UnitOfWork) -> int:
    """Return the process id of the server for this connection."""
    pid: int = cast(SqlUnitOfWork, work).runner.all(text("SELECT pg_backend_pid()"))[0][0]
    return pid


def outside_batch(use_case: Callable[..., Any]) -> Callable[..., Any]:
    """Make a use case fail in a batch, so that it runs in a transaction of its own."""
    shared = iter([True])

    def run(work: UnitOfWork, *args: object) -> object:
        if next(shared, False):
            raise psycopg.errors.SerializationFailure
        return use_case(work, *args)

    return run


def key(number: int) -> str:
    """Return the e-mail address of a lead of a pair."""
    return f"{number}@example.com"


def add_pair(work: UnitOfWork, number: int) -> int:
    """Add two leads: both or none."""
    for each in (2 * number, 2 * number + 1):
        work.leads.add(a_lead(id=an_id(each), email=an_email(key(each))))
    return number


def pair(number: int) -> list[str]:
    """Return the e-mail keys of the leads of `add_pair`."""
    return [key(each) for each in (2 * number, 2 * number + 1)]
