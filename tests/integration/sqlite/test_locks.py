"""Check what happens while another process holds a lock on the file."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from sqlalchemy import URL, Engine

from contracts.database import (
    add,
    all_at_once,
    ids,
    numbered,
)
from databases import engine_of, sqlite_file
from leads_adapters.database import Outage
from leads_adapters.sql.sqlite.driver import driver, journal_mode
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_domain.errors import Unavailable
from rest import JOHN, a_service
from sqlite_parts import SqliteParts

LOCK = """
import sys
from leads_adapters.sql.sqlite.driver import driver

connection = driver.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


BUSY_SECONDS = 0.3
"""The time in seconds that an impatient write waits for another process."""


def impatient_engine(file: Path) -> Engine:
    """Return the service's engine with a shorter wait for other processes."""
    return sqlite_engine(URL.create("sqlite", database=str(file)), busy_seconds=BUSY_SECONDS)


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[SqliteParts]:
    """Open the service's database with this engine."""
    with SqliteParts.opened(impatient_engine(sqlite_file(tmp_path))) as parts:
        yield parts


def test_a_write_lock_of_another_process_is_reported_and_reads_continue(
    impatient: SqliteParts,
) -> None:
    impatient.running.write(add, 1)
    database = impatient.running.database

    async def write_and_read() -> tuple[list[object], int]:
        writing = asyncio.ensure_future(all_at_once(*(database.write(add, number) for number in range(2, 5))))
        reads = 0
        while not writing.done():
            assert await database.read(ids) == numbered(1)
            await asyncio.sleep(0)
            reads += 1
        return await writing, reads

    with impatient.other_connection() as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")
        results, reads = impatient.running.run(write_and_read())
        other_connection.execute("ROLLBACK")

    assert [type(result) for result in results] == [Outage] * 3
    assert "locked" in str(results[0])
    assert reads > 10
    assert impatient.running.write(add, 5) == 2


def test_a_write_waits_until_another_process_releases_its_lock(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    with sqlite.other_connection() as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")

        async def write_while_locked() -> object:
            writing = asyncio.ensure_future(database.write(add, 1))
            for _ in range(100):
                await database.read(ids)
                await asyncio.sleep(0)
            assert not writing.done()
            other_connection.execute("COMMIT")
            return await writing

        assert sqlite.running.run(write_while_locked()) == 1


def test_a_cancelled_wait_for_a_lock_does_not_block_others(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    with sqlite.other_connection() as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")

        async def cancel_while_locked() -> list[object]:
            first, second = (asyncio.ensure_future(database.write(add, number)) for number in (1, 2))
            await asyncio.sleep(0)
            await database.read(ids)
            first.cancel()
            await asyncio.sleep(0)
            other_connection.execute("COMMIT")
            return await all_at_once(second)

        assert sqlite.running.run(cancel_while_locked()) == [2]
    assert sqlite.running.read(ids) == numbered(1, 2)


def test_a_lock_of_another_process_is_a_503_and_nothing_is_stored(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path)
    with a_service(URL.create("sqlite", database=str(file))) as service:
        service.container.engine.override(providers.Singleton(impatient_engine, file))
        agent = service.client("agent")
        john = agent.post("/leads", JOHN).expect(201).headers["location"]
        with locked_by_another_process(file):
            began_at = time.monotonic()
            refused = agent.patch(john, {"name": "Jane Doe"})
            refused.expect_problem(503, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            assert BUSY_SECONDS <= time.monotonic() - began_at < 3
            assert agent.get(john).expect(200).json["name"] == "John Doe"
        assert agent.patch(john, {"owner": "ann@example.com"}).expect(200).json["name"] == "John Doe"


def test_a_failed_commit_is_rolled_back_and_the_next_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # With a rollback journal, a reader keeps others from committing.
    monkeypatch.setattr("leads_adapters.sql.sqlite.driver.SAFE_WAL_VERSION", (99,))
    with (
        SqliteParts.opened(impatient_engine(sqlite_file(tmp_path))) as sqlite,
        sqlite.other_connection() as other_connection,
    ):
        other_connection.execute("BEGIN")
        assert other_connection.execute("SELECT * FROM leads").fetchall() == []
        with pytest.raises(Unavailable, match="locked"):
            sqlite.running.write(add, 1)
        other_connection.execute("ROLLBACK")

        assert sqlite.running.write(add, 2) == 1
        assert sqlite.running.read(ids) == numbered(2)


def test_a_connection_waits_while_another_process_creates_the_database(tmp_path: Path) -> None:
    file = tmp_path / "leads.db"
    with closing(driver.connect(str(file), isolation_level=None)) as maker, ThreadPoolExecutor(1) as thread:
        maker.execute("CREATE TABLE something (at_all TEXT)")
        maker.execute("BEGIN IMMEDIATE")
        connecting = thread.submit(engine_of(file).raw_connection)
        wait([connecting], 0.2)
        maker.execute("COMMIT")
        connection: Any = connecting.result(10)
    with closing(connection):
        assert connection.driver_connection.execute("PRAGMA journal_mode").fetchone() == (journal_mode().lower(),)


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    """Let another process hold the write lock."""
    command = [sys.executable, "-c", LOCK, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield
        process.communicate("let it go\n", timeout=20)
