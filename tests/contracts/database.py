"""The contract of the `Database` protocol."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import NOON, a_follow_up, a_lead, an_email, an_id
from contracts.stores import StoreContract
from databases import TIMEOUT_SECONDS, RunningDatabase
from leads_adapters.database import Database
from leads_domain.errors import DuplicateLead, NotFound, Unavailable, ValidationFailed
from leads_domain.follow_up import FollowUpId
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_MAX, LeadQuery, LeadSort
from leads_domain.ports import UnitOfWork

MANY = 40
WAIT_SECONDS = 0.2
"""The time that a test waits for a change that does not come."""


Read = Callable[..., Any]
READS = (RunningDatabase.read, RunningDatabase.read_long)


class UnknownError(Exception):
    """An error of no known type."""


def lead_number(number: int) -> Lead:
    """Return the lead with this number."""
    return a_lead(id=an_id(number), email=an_email(f"{number}@example.com"))


def add(work: UnitOfWork, *numbers: int) -> int:
    """Add these leads; return the number of stored leads."""
    for number in numbers:
        work.leads.add(lead_number(number))
    return len(ids(work))


def add_with_same_email(work: UnitOfWork, number: int) -> LeadId:
    """Add a lead with the same e-mail address as all others."""
    lead = replace(lead_number(number), email=an_email())
    work.leads.add(lead)
    return lead.id


def add_and_fail(work: UnitOfWork, error: Exception, *numbers: int) -> None:
    """Add these leads and a follow-up, then raise the error."""
    add(work, *numbers)
    work.follow_ups.add(a_follow_up(lead_id=lead_number(numbers[0]).id))
    raise error


def increment_version(work: UnitOfWork, number: int) -> int:
    """Read a lead, and store its next version."""
    lead = work.leads.get_for_update(lead_number(number).id)
    work.leads.save(replace(lead, version=lead.version + 1))
    return lead.version


def ids(work: UnitOfWork) -> list[str]:
    """Return the ids of all leads, oldest first."""
    return [lead.id for lead in work.leads.page(LeadQuery(sort=LeadSort.OLDEST_FIRST, limit=LIMIT_MAX)).items]


def numbered(*numbers: int) -> list[str]:
    """Return the ids of these leads."""
    return [an_id(number) for number in numbers]


async def all_at_once(*work: Awaitable[object]) -> list[object]:
    """Run all at the same time; return the result or the error of each."""
    return await asyncio.gather(*work, return_exceptions=True)


class DatabaseContract(StoreContract):
    """See `StoreContract`."""

    def test_passes_all_arguments_and_the_result(self, database: RunningDatabase) -> None:
        def echo(work: UnitOfWork, one: int, *, other: str) -> tuple[bool, int, str]:
            return work.leads is not None, one, other

        assert database.write(echo, 1, other="two") == (True, 1, "two")
        assert database.read(echo, 1, other="two") == (True, 1, "two")
        assert database.read_long(echo, 1, other="two") == (True, 1, "two")

    def test_commits_all_changes_of_a_unit_of_work(self, database: RunningDatabase) -> None:
        assert database.write(add, 1, 2, 3) == 3
        assert database.read(ids) == numbered(1, 2, 3)

    @pytest.mark.parametrize(
        "error",
        [
            ValidationFailed.because("no"),
            NotFound("lead", "x"),
            DuplicateLead("x"),
            Unavailable("no"),
            UnknownError("no"),
        ],
    )
    def test_rolls_back_a_unit_of_work_that_raises_and_raises_the_same_error(
        self, database: RunningDatabase, error: Exception
    ) -> None:
        database.write(add, 1)

        with pytest.raises(type(error)) as caught:
            database.write(add_and_fail, error, 2, 3)
        assert caught.value is error
        assert database.read(ids) == numbered(1)
        with pytest.raises(NotFound):
            database.read(lambda work: work.follow_ups.get(a_follow_up().id))

    @pytest.mark.parametrize("read", READS)
    def test_raises_the_error_of_a_read(self, database: RunningDatabase, read: Read) -> None:
        error = UnknownError("no")

        def fail(_: UnitOfWork) -> None:
            raise error

        for _ in range(MANY):
            with pytest.raises(UnknownError) as caught:
                read(database, fail)
            assert caught.value is error
        assert read(database, ids) == []

    @pytest.mark.parametrize("read", READS)
    def test_does_not_commit_changes_of_a_read(self, database: RunningDatabase, read: Read) -> None:
        with suppress(Exception):
            read(database, add, 1)

        assert read(database, ids) == []
        assert database.write(add, 2) == 1

    def test_works_after_an_error(self, database: RunningDatabase) -> None:
        for number in range(3):
            with pytest.raises(UnknownError):
                database.write(add_and_fail, UnknownError(), number)
            database.write(add, number)

        assert database.read(ids) == numbered(0, 1, 2)

    def test_returns_the_result_of_each_of_many_concurrent_writes(self, database: RunningDatabase) -> None:
        def attempt(number: int) -> Awaitable[object]:
            if number % 4 == 3:
                return database.database.write(add_and_fail, UnknownError(str(number)), number)
            return database.database.write(lambda work: add(work, number) and number)

        results = database.run(all_at_once(*map(attempt, range(MANY))))
        assert [str(result) for result in results] == [str(number) for number in range(MANY)]
        assert [isinstance(result, UnknownError) for result in results] == [number % 4 == 3 for number in range(MANY)]
        assert database.read(ids) == numbered(*(number for number in range(MANY) if number % 4 != 3))

    def test_serialises_writes(self, database: RunningDatabase) -> None:
        database.write(add, 1)
        seen = database.run(all_at_once(*(database.database.write(increment_version, 1) for _ in range(MANY))))

        assert sorted(seen, key=str) == sorted(range(1, MANY + 1), key=str)
        assert database.read(lambda work: work.leads.get(lead_number(1).id)).version == MANY + 1

    def test_stores_only_one_of_many_concurrent_leads_with_the_same_email(self, database: RunningDatabase) -> None:
        results = database.run(
            all_at_once(*(database.database.write(add_with_same_email, number) for number in range(MANY)))
        )

        (winner,) = (result for result in results if isinstance(result, str))
        losers = [result for result in results if isinstance(result, DuplicateLead)]
        assert [loser.existing_id for loser in losers] == [winner] * (MANY - 1)
        assert database.read(ids) == [winner]

    def test_a_read_sees_all_earlier_writes(self, database: RunningDatabase) -> None:
        async def write_then_read() -> None:
            for number in range(10):
                await database.database.write(add, number)
                assert await database.database.read(ids) == numbered(*range(number + 1))

        database.run(write_then_read())

    def test_a_long_read_sees_one_snapshot(self, database: RunningDatabase) -> None:
        async def read_while_writing() -> tuple[object, list[object]]:
            async def write() -> int:
                return sum([await database.database.write(add, number) is not None for number in range(MANY)])

            reads = [database.database.read_long(lambda work: (ids(work), ids(work))) for _ in range(MANY)]
            written, *seen = await all_at_once(write(), *reads)
            return written, seen

        written, seen = database.run(read_while_writing())
        assert written == MANY
        assert all(isinstance(each, tuple) and each[0] == each[1] for each in seen)
        assert database.read_long(ids) == numbered(*range(MANY))

    def test_a_read_sees_all_changes_of_a_unit_of_work_or_none(self, database: RunningDatabase) -> None:
        async def read_while_writing() -> list[int]:
            writes = asyncio.gather(*(database.database.write(add, 2 * number, 2 * number + 1) for number in range(9)))
            seen = []
            while not writes.done():
                seen.append(len(await database.database.read(ids)))
                await asyncio.sleep(0)
            await writes
            return seen

        seen = database.run(read_while_writing())
        assert all(count % 2 == 0 for count in seen)
        assert seen == sorted(seen)
        assert len(database.read(ids)) == 18

    def test_a_read_sees_no_changes_of_a_unit_of_work_that_fails(self, database: RunningDatabase) -> None:
        async def read_while_failing() -> list[list[str]]:
            failures = all_at_once(
                *(
                    database.database.write(add_and_fail, UnknownError(), number, number + MANY)
                    for number in range(MANY)
                )
            )
            failing = asyncio.ensure_future(failures)
            seen = []
            while not failing.done():
                seen.append(await database.database.read(ids))
                await asyncio.sleep(0)
            return seen

        assert not any(database.run(read_while_failing()))
        assert database.read(ids) == []

    def test_a_cancelled_write_is_completed_or_never_starts(self, database: RunningDatabase) -> None:
        async def cancel_some() -> list[bool]:
            writes = [asyncio.ensure_future(database.database.write(add, n, n + MANY)) for n in range(MANY)]
            await asyncio.sleep(0)
            for write in writes[::2]:
                write.cancel()
            await asyncio.wait(writes)
            return [write.cancelled() for write in writes]

        cancelled = database.run(cancel_some())
        stored = set(database.read(ids))
        assert not any(cancelled[1::2])
        for number in range(MANY):
            pair = set(numbered(number, number + MANY))
            assert pair <= stored or (cancelled[number] and not pair & stored)
        assert database.write(add, 2 * MANY) > len(stored)  # a cancelled write can end after the next write

    def test_a_cancelled_caller_does_not_cancel_others(self, database: RunningDatabase) -> None:
        async def cancel_the_first() -> list[object]:
            first, *others = (asyncio.ensure_future(database.database.write(add, number)) for number in range(5))
            await asyncio.sleep(0)
            first.cancel()
            return await all_at_once(*others)

        assert all(isinstance(result, int) for result in database.run(cancel_the_first()))
        assert database.read(ids)[-4:] == numbered(1, 2, 3, 4)

    def test_waits_for_a_change_up_to_the_time_out(self, database: RunningDatabase) -> None:
        async def wait() -> float:
            loop = asyncio.get_running_loop()
            await wait_until_unchanged(database.database)
            started_at = loop.time()
            await database.database.wait_for_change(WAIT_SECONDS)
            return loop.time() - started_at

        assert WAIT_SECONDS * 0.9 < database.run(wait()) < TIMEOUT_SECONDS / 2

    def test_closes_during_a_wait_for_a_change(self, database: RunningDatabase) -> None:
        async def close() -> None:
            waiting = asyncio.create_task(database.database.wait_for_change(2 * TIMEOUT_SECONDS))
            await asyncio.sleep(WAIT_SECONDS)
            await database.database.close()
            waiting.cancel()

        database.run(close())


class SharedDatabaseContract(StoreContract):
    """The additional contract of a database that several processes can open. See `StoreContract`."""

    def open_again(self, database: RunningDatabase) -> Database:
        """Open the same database as another process does."""
        raise NotImplementedError

    def test_reports_a_follow_up_that_another_process_scheduled(self, database: RunningDatabase) -> None:
        async def wait() -> None:
            own, other = database.database, self.open_again(database)
            try:
                await other.write(add, 1)
                for number in range(1, 4):
                    await wait_until_unchanged(own)
                    waiting = asyncio.create_task(own.wait_for_change(2 * TIMEOUT_SECONDS))
                    await asyncio.sleep(0)
                    await other.write(follow_up, number)
                    await waiting
            finally:
                await other.close()

        database.run(wait())

    def test_reports_a_follow_up_that_was_rescheduled_before_the_wait(self, database: RunningDatabase) -> None:
        async def wait() -> None:
            own, other = database.database, self.open_again(database)
            try:
                await other.write(add, 1)
                await other.write(follow_up, 1)
                await wait_until_unchanged(own)
                await other.write(postpone, 1)
                await own.wait_for_change(2 * TIMEOUT_SECONDS)
            finally:
                await other.close()

        database.run(wait())


class ConcurrentReadContract(StoreContract):
    """The additional contract of a database whose reads do not block writes. See `StoreContract`."""

    @pytest.mark.wal
    def test_a_long_read_blocks_no_write(self, database: RunningDatabase) -> None:
        resume = threading.Event()

        def read_twice(work: UnitOfWork) -> tuple[list[str], list[str]]:
            before = ids(work)
            assert resume.wait(TIMEOUT_SECONDS)
            return before, ids(work)

        async def read() -> tuple[list[str], list[str]]:
            long_read = asyncio.create_task(database.database.read_long(read_twice))
            await asyncio.sleep(0)
            assert await database.database.write(add, 1) == 1
            assert await database.database.read(ids) == numbered(1)
            resume.set()
            return await long_read

        before, after = database.run(read())
        assert before == after

    def test_a_background_read_waits_for_no_long_read(self, database: RunningDatabase) -> None:
        end, started = threading.Event(), list[int]()

        async def read() -> list[str]:
            reads = await waiting_reads(database.database, end, started)
            seen = await database.database.read_background(ids)
            assert len(started) < MANY
            end.set()
            assert sorted(await asyncio.gather(*reads)) == list(range(MANY))
            return seen

        database.write(add, 1)
        assert database.run(read()) == numbered(1)

    def test_a_cancelled_long_read_that_waits_never_starts(self, database: RunningDatabase) -> None:
        end, started = threading.Event(), list[int]()

        async def cancel() -> None:
            reads = await waiting_reads(database.database, end, started)
            await database.database.read_background(ids)
            for read in reads:
                read.cancel()
            await asyncio.wait(reads)
            end.set()
            await database.database.read_long(ids)

        database.run(cancel())
        assert len(started) < MANY / 2


async def waiting_reads(database: Database, end: threading.Event, started: list[int]) -> list[asyncio.Task[int]]:
    """Start many long reads that wait for an event. `started` lists those that run."""

    def wait(_: UnitOfWork, number: int) -> int:
        started.append(number)
        assert end.wait(TIMEOUT_SECONDS)
        return number

    reads = [asyncio.create_task(database.read_long(wait, number)) for number in range(MANY)]
    await asyncio.sleep(0)
    return reads


def follow_up(work: UnitOfWork, number: int) -> None:
    """Schedule a follow-up of the first lead."""
    work.follow_ups.add(a_follow_up(id=an_id(100 + number), lead_id=lead_number(1).id))


def postpone(work: UnitOfWork, number: int) -> None:
    """Postpone a follow-up."""
    stored = work.follow_ups.get_for_update(FollowUpId(an_id(100 + number)))
    work.follow_ups.save(stored.reschedule(NOON, due_at=NOON + timedelta(hours=1))[0])


async def wait_until_unchanged(database: Database) -> None:
    """Wait until no change is reported."""
    loop = asyncio.get_running_loop()
    waited = 0.0
    while waited < WAIT_SECONDS * 0.9:
        started_at = loop.time()
        await database.wait_for_change(WAIT_SECONDS)
        waited = loop.time() - started_at
