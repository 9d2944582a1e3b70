"""Check that writes share commits, and that no result comes before the commit."""

from typing import Any

import pytest

from contracts.database import MANY, UnknownError, add, add_and_fail, all_at_once, ids, increment_version, numbered
from leads_adapters.sql.sqlite.batch_writer import BATCH_MAX
from sqlite_parts import SqliteParts


@pytest.mark.wal
def test_a_single_write_is_one_commit(sqlite: SqliteParts) -> None:
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
def test_a_commit_has_at_most_a_batch_of_writes(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    sqlite.running.write(add, 1)
    before = sqlite.commits()
    sqlite.running.run(all_at_once(*(database.write(increment_version, 1) for _ in range(3 * BATCH_MAX - 1))))

    assert sqlite.commits() == before + 3


def test_no_result_comes_before_the_commit(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    with sqlite.other_connection() as other_connection:

        async def write_and_look(number: int) -> None:
            await database.write(add, number)
            seen = other_connection.execute("SELECT count(*) FROM leads WHERE id = ?", numbered(number)).fetchone()
            assert seen == (1,)

        assert sqlite.running.run(all_at_once(*map(write_and_look, range(MANY)))) == [None] * MANY


@pytest.mark.wal
def test_a_failing_job_rolls_back_only_its_own_work_in_a_commit(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    def attempt(number: int) -> Any:
        if number % 2:
            return database.write(add_and_fail, UnknownError(), number, number + MANY)
        return database.write(add, number)

    sqlite.running.run(all_at_once(*map(attempt, range(MANY))))
    assert sqlite.running.read(ids) == numbered(*range(0, MANY, 2))
    assert sqlite.commits() <= 2


def test_a_failing_job_without_changes_does_not_repeat_the_others(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    runs: list[int] = []

    def add_and_tell(work: Any, number: int) -> int:
        runs.append(number)
        return add(work, number)

    def fail(_: Any) -> None:
        raise UnknownError

    results = sqlite.running.run(
        all_at_once(database.write(add_and_tell, 1), database.write(fail), database.write(add_and_tell, 2))
    )
    assert [results[0], type(results[1]), results[2]] == [1, UnknownError, 2]
    assert runs == [1, 2]


@pytest.mark.wal
def test_a_failing_job_with_changes_repeats_the_others_which_finish_once(
    sqlite: SqliteParts,
) -> None:
    database = sqlite.running.database
    runs: list[int] = []

    def add_and_tell(work: Any, number: int) -> int:
        runs.append(number)
        return add(work, number)

    results = sqlite.running.run(
        all_at_once(
            database.write(add_and_tell, 1),
            database.write(add_and_fail, UnknownError(), 2),
            database.write(add_and_tell, 3),
            database.write(add_and_fail, StopIteration(), 4),
            database.write(add_and_tell, 5),
        )
    )
    assert [results[0], type(results[1]), results[2], results[4]] == [1, UnknownError, 2, 3]
    assert "StopIteration" in str(results[3])
    assert runs == [1, 1, 3, 5]
    assert sqlite.running.read(ids) == numbered(1, 3, 5)
    assert sqlite.commits() == 1
