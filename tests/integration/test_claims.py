"""Test that concurrent processes on PostgreSQL never wait for each other's claims."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import time, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL

from builders import a_lead, a_task
from contracts import follow_up_store
from contracts.idempotency_store import a_record, claim, store
from e2e.service import eventually
from fakes import CountingIds, FixedClock
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_domain.digest_schedule import DigestSchedule
from leads_domain.errors import RequestInProgress
from leads_domain.follow_up import RetryPolicy
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.compose_digest import ComposeDigest
from leads_domain.use_cases.dispatch_digests import ClaimDueDigests
from postgres import connect, postgres_url

TIMEOUT_SECONDS = 20.0


@asynccontextmanager
async def a_process(url: URL) -> AsyncIterator[PostgresDatabase]:
    """Open the database as another process."""
    database = PostgresDatabase(postgres_engine(url))
    try:
        yield database
    finally:
        await database.close()


def test_an_idempotency_key_in_use_by_another_process_is_refused_at_once() -> None:
    claimed, enough = Event(), Event()

    def carry_out(work: UnitOfWork) -> None:
        assert claim(work, a_record()) is None
        claimed.set()
        assert enough.wait(TIMEOUT_SECONDS)
        store(work, a_record())

    async def both(url: URL) -> None:
        async with a_process(url) as one, a_process(url) as other:
            working = asyncio.create_task(one.write(carry_out))
            assert await asyncio.to_thread(claimed.wait, TIMEOUT_SECONDS)
            for _ in range(3):
                with pytest.raises(RequestInProgress):
                    await other.write(claim, a_record())
            assert await other.write(claim, a_record(2)) is None
            assert not working.done()
            enough.set()
            await working
            assert await other.write(claim, a_record()) == a_record()

    with postgres_url() as url:
        asyncio.run(asyncio.wait_for(both(url), TIMEOUT_SECONDS))


def test_expired_records_that_another_process_deletes_block_no_request() -> None:
    dropped, enough = Event(), Event()

    def drop(work: UnitOfWork) -> None:
        work.idempotency.delete_expired(before=a_record(2).created_at, limit=1)
        dropped.set()
        assert enough.wait(TIMEOUT_SECONDS)

    def drop_all(work: UnitOfWork) -> None:
        work.idempotency.delete_expired(before=a_record(2).created_at, limit=10)

    async def both(url: URL) -> None:
        async with a_process(url) as one, a_process(url) as other:
            await one.write(store, a_record(1), a_record(2))
            working = asyncio.create_task(one.write(drop))
            assert await asyncio.to_thread(dropped.wait, TIMEOUT_SECONDS)
            await other.write(drop_all)
            assert await other.write(claim, a_record(1)) == a_record(1)
            assert await other.write(claim, a_record(2)) is None
            enough.set()
            await working
            assert await other.write(claim, a_record(1)) is None

    with postgres_url() as url:
        asyncio.run(asyncio.wait_for(both(url), TIMEOUT_SECONDS))


def test_follow_ups_that_another_process_claims_block_no_claim() -> None:
    claimed, enough = Event(), Event()
    rows = follow_up_store.a_sequence(3)
    later = rows[-1].due_at

    def claim_one(work: UnitOfWork) -> None:
        assert len(follow_up_store.claim(work, later, limit=1)) == 1
        claimed.set()
        assert enough.wait(TIMEOUT_SECONDS)

    async def both(url: URL) -> None:
        async with a_process(url) as one, a_process(url) as other:
            await one.write(lambda work: work.leads.add(a_lead(id=follow_up_store.LEAD)))
            await one.write(follow_up_store.add, *rows)
            working = asyncio.create_task(one.write(claim_one))
            assert await asyncio.to_thread(claimed.wait, TIMEOUT_SECONDS)
            assert {each.id for each in await other.write(follow_up_store.claim, later)} == {rows[1].id, rows[2].id}
            assert not working.done()
            enough.set()
            await working

    with postgres_url() as url:
        asyncio.run(asyncio.wait_for(both(url), TIMEOUT_SECONDS))


def test_two_processes_plan_the_digests_of_a_day_once() -> None:
    claimed, enough = Event(), Event()
    schedule = DigestSchedule(zone=ZoneInfo("UTC"), days=frozenset(range(7)), at=time(8))
    compose, clock, minute = ComposeDigest(schedule, None), FixedClock(), timedelta(minutes=1)
    claim_digests = ClaimDueDigests(clock, CountingIds(), "log", compose, minute, RetryPolicy())

    def add_task(work: UnitOfWork) -> None:
        work.leads.add(a_lead())
        work.tasks.add(a_task())

    def plan_slowly(work: UnitOfWork) -> int:
        number = plan(work)
        claimed.set()
        assert enough.wait(TIMEOUT_SECONDS)
        return number

    def plan(work: UnitOfWork) -> int:
        return len(claim_digests(work, owner="one", limits={"log": 32}))

    async def both(url: URL) -> None:
        async with a_process(url) as one, a_process(url) as other:
            await one.write(add_task)
            first = asyncio.create_task(one.write(plan_slowly))
            assert await asyncio.to_thread(claimed.wait, TIMEOUT_SECONDS)
            second = asyncio.create_task(other.write(plan))
            await asyncio.to_thread(eventually, lambda: waits_for_a_lock(url))
            enough.set()
            assert (await first, await second) == (1, 0)
            clock.advance(2 * minute)
            assert await one.write(plan) == 1

    with postgres_url() as url:
        asyncio.run(asyncio.wait_for(both(url), TIMEOUT_SECONDS))


def waits_for_a_lock(url: URL) -> bool:
    """Return whether a transaction waits for another one."""
    with connect(url) as connection:
        return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None
