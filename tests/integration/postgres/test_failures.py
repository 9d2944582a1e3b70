"""Check that failures of the database are reported and harm no other unit of work."""

import asyncio
import time
from typing import cast

import psycopg
import pytest
from sqlalchemy import URL, event, text
from sqlalchemy.exc import DBAPIError

from contracts.database import UnknownError, add, all_at_once, ids, numbered
from databases import RunningDatabase
from leads_adapters.database import StorageFull
from leads_adapters.sql.migrations import upgrade
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import CONNECTIONS, postgres_engine
from leads_adapters.sql.postgres.errors import translate_error
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from postgres import connect, postgres_url
from postgres_parts import Connection, PostgresParts, add_pair, backends, opened, own_pid
from rest import UNKNOWN_ID


def test_more_units_of_work_than_connections_all_finish(postgres: PostgresParts, other_connection: Connection) -> None:
    async def run_many() -> tuple[list[object], int]:
        work = [postgres.database.write(add_pair, number) for number in range(200)]
        reads = [postgres.database.read(lambda work: work.leads.find_by_identity("nobody") is None) for _ in range(300)]
        answering = asyncio.ensure_future(all_at_once(*work, *reads))
        most = 0
        while not answering.done():
            most = max(most, len(backends(other_connection)))
            await asyncio.sleep(0.01)
        return await answering, most

    results, most = postgres.running.run(run_many())
    assert results == [*range(200), *[True] * 300]
    assert 1 <= most <= CONNECTIONS


def test_a_slow_statement_times_out(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_adapters.sql.postgres.engine.STATEMENT_TIMEOUT_SECONDS", 0.2)

    def sleep(work: UnitOfWork) -> None:
        cast(SqlUnitOfWork, work).runner.all(text("SELECT pg_sleep(60)"))

    with opened(url) as postgres:
        for run in (postgres.running.read, postgres.running.write):
            with pytest.raises(Unavailable, match="timeout"):
                run(sleep)
        assert postgres.running.write(add, 1) == 1


def test_a_full_disk_is_reported() -> None:
    assert isinstance(translate_error(psycopg.errors.DiskFull("could not extend file")), StorageFull)


def test_an_idle_transaction_is_ended(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_adapters.sql.postgres.engine.STATEMENT_TIMEOUT_SECONDS", 0.2)
    runs = []

    def stall_once(work: UnitOfWork) -> int:
        runs.append(own_pid(work))
        if len(runs) == 1:
            with connect(url) as other_connection:
                while runs[0] in backends(other_connection):
                    time.sleep(0.01)
        return add(work, 1)

    with opened(url) as postgres:
        assert postgres.running.write(stall_once) == 1
    assert len(set(runs)) == 2


@pytest.mark.parametrize("run", ["read", "write"])
def test_a_read_only_transaction_refuses_writes(
    postgres: PostgresParts, other_connection: Connection, run: str
) -> None:
    if run == "write":  # as on a server that has been left behind by a new primary
        other_connection.execute(f'ALTER DATABASE "{postgres.url.database}" SET default_transaction_read_only = on')
    try:
        with pytest.raises(Unavailable, match="read-only"):
            postgres.running.run(getattr(postgres.database, run)(add, 1))
        assert postgres.running.read(ids) == []
    finally:
        if run == "write":
            other_connection.execute("SET default_transaction_read_only = off")
            other_connection.execute(f'ALTER DATABASE "{postgres.url.database}" RESET default_transaction_read_only')


def test_an_outage_of_writes_is_reported_until_one_succeeds(
    url: URL, other_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_adapters.sql.outages.PROBE_SECONDS", 0)
    other_connection.execute(f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = on')
    with asyncio.Runner() as runner:
        engine, reasons = postgres_engine(url), list[str]()
        database = PostgresDatabase(engine, on_outage=reasons.append)
        runner.run(database.check_writes())
        for work in (database.write(add, 1), database.check_writes()):
            with pytest.raises(Unavailable, match="read-only"):
                runner.run(work)
        other_connection.execute("SET default_transaction_read_only = off")
        other_connection.execute(f'ALTER DATABASE "{url.database}" RESET default_transaction_read_only')
        engine.dispose()
        runner.run(database.check_writes())
        runner.run(database.close())
    assert ["read-only" in reason for reason in reasons] == [True], "once a minute"


def test_the_cause_of_failed_reads_is_logged_once(url: URL) -> None:
    reasons = list[str]()
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url.set(database="nowhere")), on_outage=reasons.append)
        for _ in range(2):
            with pytest.raises(Unavailable, match="nowhere"):
                runner.run(database.read(ids))
        runner.run(database.close())
    assert ["nowhere" in reason for reason in reasons] == [True]


def test_concurrent_reads_see_one_state(postgres: PostgresParts) -> None:
    postgres.running.write(add, 1)

    def read_twice(work: UnitOfWork) -> tuple[list[str], list[str]]:
        before = ids(work)
        with postgres.other_connection() as other_connection:
            other_connection.execute("UPDATE leads SET id = %s", [UNKNOWN_ID])
        return before, ids(work)

    before, after = postgres.running.read(read_twice)
    assert before == after == numbered(1)
    assert postgres.running.read(ids) == [UNKNOWN_ID]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_is_not_utf_8_is_refused(encoding: str) -> None:
    with postgres_url(migrated=False, encoding=encoding) as url, opened(url) as postgres:
        for run in (postgres.running.read, postgres.running.write):
            with pytest.raises(Unavailable, match=f"{encoding}.*UTF8"):
                run(ids)
        with pytest.raises(DBAPIError, match=f"{encoding}.*UTF8"):
            upgrade(postgres_engine(url))


def test_a_database_without_tables_is_unavailable() -> None:
    with postgres_url(migrated=False) as url, opened(url) as postgres:
        for run in (postgres.running.read, postgres.running.write):
            with pytest.raises(Unavailable, match="does not exist"):
                run(ids)


def test_an_unexpected_error_reaches_every_caller(url: URL) -> None:
    engine = postgres_engine(url)
    strange = iter([True, True])

    def fail_twice(connection: Connection, _: object) -> None:
        if next(strange, False):
            connection.close()
            raise UnknownError

    event.listen(engine, "connect", fail_twice)
    with asyncio.Runner() as runner:
        postgres = RunningDatabase(PostgresDatabase(engine), runner)
        with pytest.raises(UnknownError):
            postgres.write(add, 1)
        assert postgres.write(add, 2) == 1
        runner.run(postgres.database.close())
