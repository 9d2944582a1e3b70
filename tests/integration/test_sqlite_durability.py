"""What makes an answer from SQLite as good as written down, at the price of few commits."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import URL

from builders import a_follow_up
from contracts.database import MANY, OddError, add, add_and_fail, all_at_once, count_up, ids, numbered
from leads_adapters.sql.sqlite.batch_writer import BATCH_MAX
from leads_adapters.sql.sqlite.driver import check_version, driver, journal_mode
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_domain.errors import Unavailable
from sqlite_parts import SqliteParts


def pragma(connection: Any, name: str) -> object:
    """A setting of a connection."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_every_connection_is_durable_and_strict(sqlite: SqliteParts, role: str) -> None:
    connection = getattr(sqlite, role)

    assert pragma(connection, "journal_mode") == journal_mode().lower()
    assert pragma(connection, "synchronous") == 2
    assert pragma(connection, "foreign_keys") == 1
    assert pragma(connection, "temp_store") == 2, "temporary files would hold personal data"
    # The writer waits only in a helper thread, for which it is given time then.
    assert pragma(connection, "busy_timeout") == (5000 if role == "reader" else 0)


def test_the_reading_connection_cannot_write(sqlite: SqliteParts) -> None:
    assert pragma(sqlite.reader, "query_only") == 1
    with pytest.raises(Unavailable):
        sqlite.running.read(add, 1)
    assert sqlite.running.read(ids) == []


def test_a_follow_up_of_nobody_is_not_kept(sqlite: SqliteParts) -> None:
    with pytest.raises(driver.IntegrityError, match="FOREIGN KEY"):
        sqlite.running.write(lambda work: work.follow_ups.add(a_follow_up()))


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 7, 0), "DELETE"),
        ((3, 40, 1), "DELETE"),
        ((3, 51, 2), "DELETE"),
        ((3, 51, 3), "WAL"),
        ((3, 52, 0), "WAL"),
        ((4, 0, 0), "WAL"),
    ],
)
def test_a_version_that_can_corrupt_a_write_ahead_log_gets_none(version: tuple[int, ...], mode: str) -> None:
    assert journal_mode(version) == mode


def test_a_version_that_lacks_what_the_service_needs_is_refused() -> None:
    check_version((3, 38, 0))
    with pytest.raises(ValueError, match=r"SQLite 3\.34\.1; leads needs 3\.38\.0"):
        check_version((3, 34, 1))


@pytest.mark.parametrize("database", [None, "", ":memory:"])
def test_a_database_without_a_file_is_refused(database: str | None) -> None:
    with pytest.raises(ValueError, match="name a file"):
        sqlite_engine(URL.create("sqlite", database=database))


@pytest.mark.wal
def test_a_write_alone_is_one_commit(sqlite: SqliteParts) -> None:
    for number in range(5):
        before = sqlite.commits()
        sqlite.running.write(add, number, number + MANY)
        assert sqlite.commits() == before + 1


@pytest.mark.wal
def test_writes_that_arrive_together_share_commits(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    sqlite.running.run(all_at_once(*(database.write(add, number) for number in range(MANY))))

    assert len(sqlite.running.read(ids)) == MANY
    assert sqlite.commits() <= 2


@pytest.mark.wal
def test_writes_that_arrive_during_a_commit_share_the_next(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    async def one_client(client: int) -> None:
        for number in range(10):
            await database.write(add, client * 10 + number)

    sqlite.running.run(all_at_once(*(one_client(client) for client in range(16))))
    assert len(sqlite.running.read(ids)) == 160
    assert sqlite.commits() <= 160 / 4


@pytest.mark.wal
def test_no_commit_is_shared_by_more_than_a_batch(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    sqlite.running.write(add, 1)
    before = sqlite.commits()
    sqlite.running.run(all_at_once(*(database.write(count_up, 1) for _ in range(3 * BATCH_MAX - 1))))

    assert sqlite.commits() == before + 3


def test_nobody_is_answered_before_the_commit(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    with sqlite.stranger() as stranger:

        async def write_and_look(number: int) -> None:
            await database.write(add, number)
            seen = stranger.execute("SELECT count(*) FROM leads WHERE id = ?", numbered(number)).fetchone()
            assert seen == (1,)

        assert sqlite.running.run(all_at_once(*map(write_and_look, range(MANY)))) == [None] * MANY


@pytest.mark.wal
def test_a_job_that_fails_undoes_its_own_work_and_no_other_in_the_same_commit(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    def attempt(number: int) -> Any:
        if number % 2:
            return database.write(add_and_fail, OddError(), number, number + MANY)
        return database.write(add, number)

    sqlite.running.run(all_at_once(*map(attempt, range(MANY))))
    assert sqlite.running.read(ids) == numbered(*range(0, MANY, 2))
    assert sqlite.commits() <= 2


def test_a_job_that_fails_having_changed_nothing_does_not_have_the_others_run_again(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    runs: list[int] = []

    def add_and_tell(work: Any, number: int) -> int:
        runs.append(number)
        return add(work, number)

    def fail(_: Any) -> None:
        raise OddError

    answers = sqlite.running.run(
        all_at_once(database.write(add_and_tell, 1), database.write(fail), database.write(add_and_tell, 2))
    )
    assert [answers[0], type(answers[1]), answers[2]] == [1, OddError, 2]
    assert runs == [1, 2]


@pytest.mark.wal
def test_after_a_job_that_changed_something_and_failed_the_others_are_run_again_and_answered_once(
    sqlite: SqliteParts,
) -> None:
    database = sqlite.running.database
    runs: list[int] = []

    def add_and_tell(work: Any, number: int) -> int:
        runs.append(number)
        return add(work, number)

    answers = sqlite.running.run(
        all_at_once(
            database.write(add_and_tell, 1),
            database.write(add_and_fail, OddError(), 2),
            database.write(add_and_tell, 3),
            database.write(add_and_fail, StopIteration(), 4),
            database.write(add_and_tell, 5),
        )
    )
    assert [answers[0], type(answers[1]), answers[2], answers[4]] == [1, OddError, 2, 3]
    assert "StopIteration" in str(answers[3])
    assert runs == [1, 1, 3, 5]
    assert sqlite.running.read(ids) == numbered(1, 3, 5)
    assert sqlite.commits() == 1


@pytest.mark.wal
def test_a_reader_sees_one_state_while_another_process_writes(sqlite: SqliteParts) -> None:
    sqlite.running.write(add, 1)

    with sqlite.stranger() as stranger:

        def read_twice(work: Any) -> tuple[list[str], list[str]]:
            first = ids(work)
            stranger.execute("DELETE FROM leads")
            return first, ids(work)

        assert sqlite.running.read(read_twice) == (numbered(1), numbered(1))
    assert sqlite.running.read(ids) == []


@pytest.mark.wal
def test_reads_of_one_turn_of_the_event_loop_share_a_state_and_the_next_turn_sees_the_newest(
    sqlite: SqliteParts,
) -> None:
    database = sqlite.running.database
    sqlite.running.write(add, 1)

    with sqlite.stranger() as stranger:

        async def read_around_a_deletion() -> tuple[list[str], list[str], list[str]]:
            first = await database.read(ids)
            stranger.execute("DELETE FROM leads")
            same_turn = await database.read(ids)
            await asyncio.sleep(0)
            return first, same_turn, await database.read(ids)

        assert sqlite.running.run(read_around_a_deletion()) == (numbered(1), numbered(1), [])


def test_whoever_wrote_sees_it_however_many_read_meanwhile(sqlite: SqliteParts) -> None:
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
def test_nothing_is_kept_open_after_a_read(sqlite: SqliteParts) -> None:
    sqlite.running.write(add, 1)
    sqlite.running.read(ids)

    assert not sqlite.reader.in_transaction
    with sqlite.stranger() as stranger:
        assert stranger.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert sqlite.wal.stat().st_size == 0


def test_a_database_can_be_closed_right_after_a_read(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    faults: list[object] = []

    async def read_and_close() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        await database.read(ids)
        await database.close()
        await asyncio.sleep(0)

    sqlite.running.run(read_and_close())
    assert faults == []


@pytest.mark.wal
def test_the_log_stays_short_while_many_read(sqlite: SqliteParts) -> None:
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
            await database.write(count_up, 1)
        writing = False

    assert sqlite.running.run(all_at_once(keep_reading(), keep_counting())) == [None, None]
    pages_written = 400 * 3
    assert sqlite.wal.stat().st_size < pages_written * pragma(sqlite.writer, "page_size") / 4  # type: ignore[operator]


def test_what_is_waiting_is_done_before_the_file_is_let_go(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    async def write_and_close() -> list[object]:
        writes = asyncio.ensure_future(all_at_once(*(database.write(add, number) for number in range(MANY))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await database.close()
        return await writes

    assert sqlite.running.run(write_and_close()) == list(range(1, MANY + 1))
    with sqlite.stranger() as stranger:
        assert stranger.execute("SELECT count(*) FROM leads").fetchone() == (MANY,)
