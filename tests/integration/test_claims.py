"""Test that concurrent processes on PostgreSQL never wait for each other's claims."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import time, timedelta
from functools import partial
from threading import Barrier, Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL, Engine

from builders import a_follow_up, a_lead, a_task, an_id
from contracts import follow_up_store
from contracts.idempotency_store import a_record, claim, store
from e2e.service import eventually
from fakes import CountingIds, FixedClock, FixedEntropy
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.digest_schedule import DigestSchedule
from leads_domain.errors import RequestInProgress
from leads_domain.follow_up import RetryPolicy
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.unsubscribing import UnsubscribeToken
from leads_domain.use_cases.compose_digest import ComposeDigest
from leads_domain.use_cases.dispatch_digests import ClaimDueDigests
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps
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


def test_two_processes_that_claim_messages_of_one_lead_use_the_same_link() -> None:
    claimed, enough = Event(), Event()
    clock, minute, public_url = FixedClock(), timedelta(minutes=1), "https://leads.example.com"
    entropy = FixedEntropy()

    def claim_link(work: UnitOfWork) -> str | None:
        claim_due = ClaimDueFollowUps(clock, minute, RetryPolicy(), {}, entropy, public_url)
        [each] = claim_due(work, owner="one", limits={"log": 1})
        return each.notice.unsubscribe_url

    def claim_slowly(work: UnitOfWork) -> str | None:
        url = claim_link(work)
        claimed.set()
        assert enough.wait(TIMEOUT_SECONDS)
        return url

    def add(work: UnitOfWork) -> None:
        work.leads.add(a_lead())
        for number in (2, 3):
            work.follow_ups.add(a_follow_up(id=an_id(number)))

    async def both(url: URL) -> None:
        async with a_process(url) as one, a_process(url) as other:
            await one.write(add)
            first = asyncio.create_task(one.write(claim_slowly))
            assert await asyncio.to_thread(claimed.wait, TIMEOUT_SECONDS)
            second = asyncio.create_task(other.write(claim_link))
            await asyncio.to_thread(eventually, lambda: waits_for_a_lock(url))
            enough.set()
            assert await first == await second

    with postgres_url() as url:
        asyncio.run(asyncio.wait_for(both(url), TIMEOUT_SECONDS))


def test_transactions_that_add_tokens_of_the_same_leads_do_not_deadlock() -> None:
    ids, start = [LeadId(an_id(number)) for number in range(1_000)], Barrier(2)

    def add(engine: Engine, order: list[LeadId], number: int) -> Mapping[LeadId, UnsubscribeToken]:
        with engine.begin() as connection:
            driver_connection: Any = connection.connection.driver_connection
            work = SqlUnitOfWork(StatementRunner(driver_connection, engine.dialect, {}))
            start.wait(TIMEOUT_SECONDS)
            return work.unsubscribe_tokens.get_or_add({id: UnsubscribeToken(f"{number} {id}") for id in order})

    with postgres_url() as url, ThreadPoolExecutor(2) as threads:
        engine = postgres_engine(url)
        first, second = threads.map(partial(add, engine), (ids, ids[::-1]), (1, 2))
        engine.dispose()
    assert first == second
    assert len(first) == len(ids)


def test_a_claim_does_not_wait_for_a_change_of_the_lead() -> None:
    """Such a change may go on to lock the follow-up that was claimed."""
    locked, enough = Event(), Event()
    claim_due = ClaimDueFollowUps(
        FixedClock(), timedelta(minutes=1), RetryPolicy(), {}, FixedEntropy(), "https://leads.example.com"
    )

    def change(work: UnitOfWork) -> int:
        lead = work.leads.get_for_update(a_lead().id)
        locked.set()
        assert enough.wait(TIMEOUT_SECONDS)
        return len(work.follow_ups.scheduled_of_lead(lead.id))

    def add(work: UnitOfWork) -> None:
        work.leads.add(a_lead())
        work.follow_ups.add(a_follow_up())

    async def both(url: URL) -> None:
        async with a_process(url) as one, a_process(url) as other:
            await one.write(add)
            changing = asyncio.create_task(one.write(change))
            assert await asyncio.to_thread(locked.wait, TIMEOUT_SECONDS)
            [each] = await other.write(claim_due, owner="one", limits={"log": 1})
            assert each.notice.unsubscribe_url
            enough.set()
            assert await changing == 1

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
