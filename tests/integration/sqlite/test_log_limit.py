"""Check that constant long reads cannot make the write-ahead log grow without limit."""

import asyncio

import pytest

from contracts.database import add, ids, increment_version, numbered
from databases import engine_of
from leads_adapters.sql.sqlite import engine, log_limit
from leads_adapters.sql.sqlite.database import SqliteDatabase
from sqlite_parts import LongRead, SqliteParts

pytestmark = pytest.mark.wal

LIMIT = 200_000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_limit, "LOG_MAX_BYTES", LIMIT)
    monkeypatch.setattr(engine, "LOG_MAX_BYTES", LIMIT)


async def fill_log(sqlite: SqliteParts) -> None:
    """Write until the log is larger than its limit."""
    while sqlite.wal.stat().st_size <= LIMIT:
        await sqlite.running.database.write(increment_version, 1)


def test_a_long_read_waits_until_the_log_is_empty_and_short_reads_and_writes_do_not(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    async def read() -> None:
        first = LongRead(database)
        await first.has_begun()
        await fill_log(sqlite)
        held = LongRead(database)
        for number in range(2, 10):
            await database.write(add, number)
            assert len(await database.read(ids)) == number
        assert not held.begun.is_set()
        assert await first.end() == numbered(1)
        await held.has_begun()
        assert sqlite.wal.stat().st_size == 0
        assert await held.end() == numbered(*range(1, 10))

    sqlite.running.write(add, 1)
    sqlite.running.run(read())


def test_a_long_read_waits_for_long_reads_of_another_process(sqlite: SqliteParts) -> None:
    async def read() -> None:
        other = SqliteDatabase(engine_of(sqlite.file))
        try:
            first = LongRead(other)
            await first.has_begun()
            await fill_log(sqlite)
            held = [LongRead(database) for database in (other, sqlite.running.database)]
            await asyncio.sleep(2 * log_limit.RETRY_SECONDS)
            assert not any(each.begun.is_set() for each in held)
            await first.end()
            for each in held:
                await each.has_begun()
            assert sqlite.wal.stat().st_size == 0
            for each in held:
                await each.end()
        finally:
            await other.close()

    sqlite.running.write(add, 1)
    sqlite.running.run(read())


def test_a_program_that_reads_for_ever_holds_long_reads_only_for_a_while(
    sqlite: SqliteParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_limit, "HOLD_SECONDS", 0)
    sqlite.running.write(add, 1)

    with sqlite.other_connection() as other_connection:
        other_connection.execute("BEGIN")
        other_connection.execute("SELECT count(*) FROM leads").fetchone()
        sqlite.running.run(fill_log(sqlite))
        for _ in range(3):
            assert sqlite.running.read_long(ids) == numbered(1)
    assert sqlite.wal.stat().st_size > LIMIT


def test_the_log_shrinks_when_sqlite_starts_it_again(sqlite: SqliteParts) -> None:
    sqlite.writer.execute("PRAGMA wal_autocheckpoint = 10")
    sqlite.running.write(add, 1)
    with sqlite.other_connection() as other_connection:
        other_connection.execute("BEGIN")
        other_connection.execute("SELECT count(*) FROM leads").fetchone()
        sqlite.running.run(fill_log(sqlite))
    for _ in range(3):
        sqlite.running.write(increment_version, 1)
    assert sqlite.wal.stat().st_size <= LIMIT
