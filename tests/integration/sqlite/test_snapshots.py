"""Check that reads see one state of the database, and the newest."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from contracts.database import add, all_at_once, ids, increment_version, numbered
from leads_adapters.database import Outage
from sqlite_parts import SqliteParts


@pytest.mark.wal
def test_a_reader_sees_one_state_while_another_process_writes(sqlite: SqliteParts) -> None:
    sqlite.running.write(add, 1)

    with sqlite.other_connection() as other_connection:

        def read_twice(work: Any) -> tuple[list[str], list[str]]:
            first = ids(work)
            other_connection.execute("DELETE FROM leads")
            return first, ids(work)

        assert sqlite.running.read(read_twice) == (numbered(1), numbered(1))
    assert sqlite.running.read(ids) == []


@pytest.mark.wal
def test_reads_of_one_event_loop_turn_share_a_state_and_the_next_sees_the_newest(
    sqlite: SqliteParts,
) -> None:
    database = sqlite.running.database
    sqlite.running.write(add, 1)

    with sqlite.other_connection() as other_connection:

        async def read_around_a_deletion() -> tuple[list[str], list[str], list[str]]:
            first = await database.read(ids)
            other_connection.execute("DELETE FROM leads")
            same_turn = await database.read(ids)
            await asyncio.sleep(0)
            return first, same_turn, await database.read(ids)

        assert sqlite.running.run(read_around_a_deletion()) == (numbered(1), numbered(1), [])


def test_a_writer_sees_its_write_during_many_reads(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    writing = True

    async def keep_reading() -> None:
        while writing:
            await database.read(ids)
            await asyncio.sleep(0)

    async def write_then_read() -> None:
        nonlocal writing
        for number in range(100):
            assert await database.write(add, number) == len(await database.read(ids))
        writing = False

    assert sqlite.running.run(all_at_once(keep_reading(), write_then_read(), keep_reading())) == [None] * 3


@pytest.mark.wal
def test_a_read_leaves_no_transaction_open(sqlite: SqliteParts) -> None:
    sqlite.running.write(add, 1)
    sqlite.running.read(ids)

    assert not sqlite.reader.in_transaction
    with sqlite.other_connection() as other_connection:
        assert other_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert sqlite.wal.stat().st_size == 0


@pytest.mark.wal
def test_the_write_ahead_log_stays_short_during_many_reads(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    sqlite.writer.execute("PRAGMA wal_autocheckpoint = 20")
    sqlite.running.write(add, 1)
    writing = True

    async def keep_reading() -> None:
        while writing:
            await database.read(ids)
            await asyncio.sleep(0)

    async def keep_counting() -> None:
        nonlocal writing
        for _ in range(400):
            await database.write(increment_version, 1)
        writing = False

    assert sqlite.running.run(all_at_once(keep_reading(), keep_counting())) == [None, None]
    pages_written = 400 * 3
    (page_size,) = sqlite.writer.execute("PRAGMA page_size").fetchone()
    assert sqlite.wal.stat().st_size < pages_written * page_size / 4


@pytest.mark.wal
def test_a_long_read_ends_after_its_longest_time(sqlite: SqliteParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_adapters.sql.sqlite.readers.READ_SECONDS", 0)

    def read_thirty_million_rows(work: Any) -> None:
        work.runner.all(
            text("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 3e7) SELECT sum(i) FROM n")
        )

    with pytest.raises(Outage, match="ended after"):
        sqlite.running.read_long(read_thirty_million_rows)
    monkeypatch.undo()
    assert sqlite.running.read_long(ids) == []
