"""What every adapter of the `Database` protocol promises."""

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
A_WHILE = 0.2
"""For how many seconds a test waits in vain."""


Read = Callable[..., Any]
READS = (RunningDatabase.read, RunningDatabase.read_long)


class OddError(Exception):
    """An error that nobody knows."""


def lead_number(number: int) -> Lead:
    """One of many leads."""
    return a_lead(id=an_id(number), email=an_email(f"{number}@example.com"))


def add(work: UnitOfWork, *numbers: int) -> int:
    """Keep these leads; answers how many there are then."""
    for number in numbers:
        work.leads.add(lead_number(number))
    return len(ids(work))


def add_all_the_same(work: UnitOfWork, number: int) -> LeadId:
    """Keep a lead that has an e-mail address that all others want, too."""
    lead = replace(lead_number(number), email=an_email())
    work.leads.add(lead)
    return lead.id


def add_and_fail(work: UnitOfWork, error: Exception, *numbers: int) -> None:
    """Keep these leads and a follow-up, then raise."""
    add(work, *numbers)
    work.follow_ups.add(a_follow_up(lead_id=lead_number(numbers[0]).id))
    raise error


def count_up(work: UnitOfWork, number: int) -> int:
    """Change a lead after looking at it, as everyone does who counts."""
    lead = work.leads.get_for_update(lead_number(number).id)
    work.leads.save(replace(lead, version=lead.version + 1))
    return lead.version


def ids(work: UnitOfWork) -> list[str]:
    """Which leads there are, oldest first."""
    return [lead.id for lead in work.leads.page(LeadQuery(sort=LeadSort.OLDEST_FIRST, limit=LIMIT_MAX)).items]


def numbered(*numbers: int) -> list[str]:
    """The ids of these leads."""
    return [an_id(number) for number in numbers]


async def all_at_once(*work: Awaitable[object]) -> list[object]:
    """What each of them answered or raised."""
    return await asyncio.gather(*work, return_exceptions=True)


class DatabaseContract(StoreContract):
    """See `StoreContract`."""

    def test_hands_over_all_arguments_and_the_answer(self, database: RunningDatabase) -> None:
        def echo(work: UnitOfWork, one: int, *, other: str) -> tuple[bool, int, str]:
            return work.leads is not None, one, other

        assert database.write(echo, 1, other="two") == (True, 1, "two")
        assert database.read(echo, 1, other="two") == (True, 1, "two")
        assert database.read_long(echo, 1, other="two") == (True, 1, "two")

    def test_keeps_everything_that_a_unit_of_work_did(self, database: RunningDatabase) -> None:
        assert database.write(add, 1, 2, 3) == 3
        assert database.read(ids) == numbered(1, 2, 3)

    @pytest.mark.parametrize(
        "error",
        [ValidationFailed.because("no"), NotFound("lead", "x"), DuplicateLead("x"), Unavailable("no"), OddError("no")],
    )
    def test_keeps_nothing_of_a_unit_of_work_that_raises_and_raises_the_same(
        self, database: RunningDatabase, error: Exception
    ) -> None:
        database.write(add, 1)

        with pytest.raises(type(error)) as raised:
            database.write(add_and_fail, error, 2, 3)
        assert raised.value is error
        assert database.read(ids) == numbered(1)
        with pytest.raises(NotFound):
            database.read(lambda work: work.follow_ups.get(a_follow_up().id))

    @pytest.mark.parametrize("read", READS)
    def test_raises_what_a_reading_use_case_raises(self, database: RunningDatabase, read: Read) -> None:
        error = OddError("no")

        def fail(_: UnitOfWork) -> None:
            raise error

        for _ in range(MANY):
            with pytest.raises(OddError) as raised:
                read(database, fail)
            assert raised.value is error
        assert read(database, ids) == []

    @pytest.mark.parametrize("read", READS)
    def test_keeps_nothing_of_what_a_reading_use_case_changes(self, database: RunningDatabase, read: Read) -> None:
        with suppress(Exception):
            read(database, add, 1)

        assert read(database, ids) == []
        assert database.write(add, 2) == 1

    def test_works_on_after_a_use_case_has_raised(self, database: RunningDatabase) -> None:
        for number in range(3):
            with pytest.raises(OddError):
                database.write(add_and_fail, OddError(), number)
            database.write(add, number)

        assert database.read(ids) == numbered(0, 1, 2)

    def test_answers_every_one_of_many_writes_at_once_for_itself(self, database: RunningDatabase) -> None:
        def attempt(number: int) -> Awaitable[object]:
            if number % 4 == 3:
                return database.database.write(add_and_fail, OddError(str(number)), number)
            return database.database.write(lambda work: add(work, number) and number)

        answers = database.run(all_at_once(*map(attempt, range(MANY))))
        assert [str(answer) for answer in answers] == [str(number) for number in range(MANY)]
        assert [isinstance(answer, OddError) for answer in answers] == [number % 4 == 3 for number in range(MANY)]
        assert database.read(ids) == numbered(*(number for number in range(MANY) if number % 4 != 3))

    def test_runs_writes_as_if_one_after_the_other(self, database: RunningDatabase) -> None:
        database.write(add, 1)
        seen = database.run(all_at_once(*(database.database.write(count_up, 1) for _ in range(MANY))))

        assert sorted(seen, key=str) == sorted(range(1, MANY + 1), key=str)
        assert database.read(lambda work: work.leads.get(lead_number(1).id)).version == MANY + 1

    def test_gives_an_email_address_to_one_of_many_that_want_it_at_once(self, database: RunningDatabase) -> None:
        answers = database.run(
            all_at_once(*(database.database.write(add_all_the_same, number) for number in range(MANY)))
        )

        (winner,) = (answer for answer in answers if isinstance(answer, str))
        losers = [answer for answer in answers if isinstance(answer, DuplicateLead)]
        assert [loser.existing_id for loser in losers] == [winner] * (MANY - 1)
        assert database.read(ids) == [winner]

    def test_shows_a_reader_what_was_written_before_it_asked(self, database: RunningDatabase) -> None:
        async def write_then_read() -> None:
            for number in range(10):
                await database.database.write(add, number)
                assert await database.database.read(ids) == numbered(*range(number + 1))

        database.run(write_then_read())

    def test_reads_for_long_on_one_state_while_others_write(self, database: RunningDatabase) -> None:
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

    def test_shows_a_reader_all_of_a_unit_of_work_or_nothing(self, database: RunningDatabase) -> None:
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

    def test_shows_a_reader_nothing_of_a_unit_of_work_that_is_going_to_fail(self, database: RunningDatabase) -> None:
        async def read_while_failing() -> list[list[str]]:
            failures = all_at_once(
                *(database.database.write(add_and_fail, OddError(), number, number + MANY) for number in range(MANY))
            )
            failing = asyncio.ensure_future(failures)
            seen = []
            while not failing.done():
                seen.append(await database.database.read(ids))
                await asyncio.sleep(0)
            return seen

        assert not any(database.run(read_while_failing()))
        assert database.read(ids) == []

    def test_finishes_or_never_begins_what_a_cancelled_caller_asked_for(self, database: RunningDatabase) -> None:
        async def cancel_some() -> list[bool]:
            writes = [asyncio.ensure_future(database.database.write(add, n, n + MANY)) for n in range(MANY)]
            await asyncio.sleep(0)
            for write in writes[::2]:
                write.cancel()
            await asyncio.wait(writes)
            return [write.cancelled() for write in writes]

        cancelled = database.run(cancel_some())
        kept = set(database.read(ids))
        assert not any(cancelled[1::2])
        for number in range(MANY):
            pair = set(numbered(number, number + MANY))
            assert pair <= kept or (cancelled[number] and not pair & kept)
        assert database.write(add, 2 * MANY) > len(kept)  # what was cancelled may end later than what is asked next

    def test_keeps_the_answers_of_others_when_a_caller_is_cancelled(self, database: RunningDatabase) -> None:
        async def cancel_the_first() -> list[object]:
            first, *others = (asyncio.ensure_future(database.database.write(add, number)) for number in range(5))
            await asyncio.sleep(0)
            first.cancel()
            return await all_at_once(*others)

        assert all(isinstance(answer, int) for answer in database.run(cancel_the_first()))
        assert database.read(ids)[-4:] == numbered(1, 2, 3, 4)

    def test_waits_for_a_change_no_longer_than_it_is_told(self, database: RunningDatabase) -> None:
        async def wait() -> float:
            loop = asyncio.get_running_loop()
            await settled(database.database)
            begun_at = loop.time()
            await database.database.wait_for_change(A_WHILE)
            return loop.time() - begun_at

        assert A_WHILE * 0.9 < database.run(wait()) < TIMEOUT_SECONDS / 2

    def test_lets_go_while_somebody_waits_for_a_change(self, database: RunningDatabase) -> None:
        async def close() -> None:
            waiting = asyncio.create_task(database.database.wait_for_change(2 * TIMEOUT_SECONDS))
            await asyncio.sleep(A_WHILE)
            await database.database.close()
            waiting.cancel()

        database.run(close())


class SharedDatabaseContract(StoreContract):
    """What a database that several processes can open promises besides. See `StoreContract`."""

    def open_again(self, database: RunningDatabase) -> Database:
        """The same database, as another process would open it."""
        raise NotImplementedError

    def test_waits_until_another_process_has_scheduled_a_follow_up(self, database: RunningDatabase) -> None:
        async def wait() -> None:
            mine, other = database.database, self.open_again(database)
            try:
                await other.write(add, 1)
                for number in range(1, 4):
                    await settled(mine)
                    waiting = asyncio.create_task(mine.wait_for_change(2 * TIMEOUT_SECONDS))
                    await asyncio.sleep(0)
                    await other.write(follow_up, number)
                    await waiting
            finally:
                await other.close()

        database.run(wait())

    def test_tells_of_what_was_rescheduled_before_it_was_asked(self, database: RunningDatabase) -> None:
        async def wait() -> None:
            mine, other = database.database, self.open_again(database)
            try:
                await other.write(add, 1)
                await other.write(follow_up, 1)
                await settled(mine)
                await other.write(put_off, 1)
                await mine.wait_for_change(2 * TIMEOUT_SECONDS)
            finally:
                await other.close()

        database.run(wait())


class PatientDatabaseContract(StoreContract):
    """What a database promises whose readers nobody waits for. See `StoreContract`."""

    @pytest.mark.wal
    def test_holds_nobody_up_while_it_reads_for_long(self, database: RunningDatabase) -> None:
        go_on = threading.Event()

        def read_at_length(work: UnitOfWork) -> tuple[list[str], list[str]]:
            before = ids(work)
            assert go_on.wait(TIMEOUT_SECONDS)
            return before, ids(work)

        async def read() -> tuple[list[str], list[str]]:
            long = asyncio.create_task(database.database.read_long(read_at_length))
            await asyncio.sleep(0)
            assert await database.database.write(add, 1) == 1
            assert await database.database.read(ids) == numbered(1)
            go_on.set()
            return await long

        before, after = database.run(read())
        assert before == after


def follow_up(work: UnitOfWork, number: int) -> None:
    """Schedule a follow-up of the first lead."""
    work.follow_ups.add(a_follow_up(id=an_id(100 + number), lead_id=lead_number(1).id))


def put_off(work: UnitOfWork, number: int) -> None:
    """Put a follow-up off."""
    kept = work.follow_ups.get_for_update(FollowUpId(an_id(100 + number)))
    work.follow_ups.save(kept.reschedule(NOON, due_at=NOON + timedelta(hours=1))[0])


async def settled(database: Database) -> None:
    """Wait until nothing changes any more."""
    loop = asyncio.get_running_loop()
    waited = 0.0
    while waited < A_WHILE * 0.9:
        begun_at = loop.time()
        await database.wait_for_change(A_WHILE)
        waited = loop.time() - begun_at
