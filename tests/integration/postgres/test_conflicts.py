"""Check that concurrent writes of one process, and of several, end as if one after the other."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any, cast

from sqlalchemy import URL

from application import LEASE
from builders import NOON, a_follow_up, an_email, an_id
from contracts.database import MANY, add, add_with_same_email, all_at_once, increment_version, lead_number, numbered
from fakes import CountingIds, FixedClock, FixedEntropy
from leads_adapters.database import Database
from leads_domain.errors import DuplicateLead
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.manage_keys import CreateFirstKey, CreateKey
from postgres_parts import Connection, PostgresParts, backends, opened, wait_until
from rest import JOHN, Response, Service


class TestRaces:
    """Two units of work want the same value or row."""

    def test_for_an_email_are_reported_to_the_loser(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        postgres.running.write(add, 1, 2)
        runs = []

        def take_the_address(work: UnitOfWork) -> None:
            runs.append(1)
            lead = work.leads.get_for_update(lead_number(1).id)
            work.leads.save(replace(lead, email=an_email("wanted@example.com")))

        async def lose() -> list[object]:
            writing = asyncio.ensure_future(all_at_once(postgres.database.write(take_the_address)))
            await wait_until(lambda: backends(connection, "wait_event_type = 'Lock'"))
            other_connection.execute("COMMIT")
            return await writing

        with postgres.other_connection() as connection:
            other_connection.execute("BEGIN")
            other_connection.execute("UPDATE leads SET identity = 'wanted@example.com' WHERE id = %s", [an_id(2)])
            (lost,) = postgres.running.run(lose())
        assert isinstance(lost, DuplicateLead)
        assert lost.existing_id == an_id(2)
        assert len(runs) == 2

    def test_for_a_lead_that_is_removed_run_again(self, postgres: PostgresParts, other_connection: Connection) -> None:
        postgres.running.write(add, 1, 2)
        one, removed = lead_number(1).id, lead_number(2).id
        runs = []

        def mark_distinct(work: UnitOfWork) -> None:
            runs.append(1)
            if work.leads.get_many([removed]):
                work.similar_leads.add_distinct(one, removed)

        async def lose() -> None:
            writing = asyncio.ensure_future(postgres.database.write(mark_distinct))
            # The second run is not part of a batch, so it waits longer for the lock.
            await wait_until(lambda: len(runs) == 2 and backends(connection, "wait_event_type = 'Lock'"))
            other_connection.execute("COMMIT")
            await writing

        with postgres.other_connection() as connection:
            other_connection.execute("BEGIN")
            other_connection.execute("DELETE FROM leads WHERE id = %s", [removed])
            postgres.running.run(lose())
        assert len(runs) == 3

    def test_for_an_email_have_one_winner_over_http(self, service: Service) -> None:
        agent = service.client("agent")
        for number in range(10):
            bodies = [{**JOHN, "email": f"{who}-{number}@example.com"} for who in "abcd"]
            leads = [agent.post("/leads", body).expect(201) for body in bodies]
            wanted = {"email": f"Wanted-{number}@example.com"}
            replies = service.run(_gathered(agent.send("PATCH", lead.headers["location"], wanted) for lead in leads))
            [winner] = [reply for reply in replies if reply.status == 200]
            for loser in replies:
                if loser is not winner:
                    assert loser.expect_problem(409, "duplicate-lead")["existing_lead_id"] == winner.json["id"]

    def test_for_the_first_key_create_one(self, url: URL) -> None:
        clock, ids = FixedClock(), CountingIds()
        start = threading.Barrier(3)

        def process(_: int) -> list[object]:
            create = CreateFirstKey(CreateKey(clock, ids, FixedEntropy()))
            with opened(url) as postgres:
                start.wait(10)
                return postgres.running.run(all_at_once(*(postgres.database.write(create) for _ in range(4))))

        with ThreadPoolExecutor(3) as threads:
            results = [result for results in threads.map(process, range(3)) for result in results]
        assert sorted(map(str, results))[:11] == ["None"] * 11
        [key] = [result for result in results if result is not None]
        assert isinstance(key, str)
        with opened(url) as postgres:
            assert len(postgres.running.read(lambda work: work.api_keys.all())) == 1


class TestSeveralProcesses:
    """Three processes, each with a thread and an event loop of its own."""

    @staticmethod
    def each(url: URL, use_case: Callable[[UnitOfWork, int], object]) -> list[object]:
        """Return the results of 10 rounds of concurrent writes; every write gets another number."""
        start = threading.Barrier(3)

        async def rounds(database: Database, numbers: Iterator[int]) -> list[object]:
            results = []
            for _ in range(10):
                results += await all_at_once(*(database.write(use_case, next(numbers)) for _ in range(4)))
            return results

        def run(process: int) -> list[object]:
            with opened(url) as postgres:
                start.wait(10)
                return postgres.running.run(rounds(postgres.database, count(process, 3)))

        with ThreadPoolExecutor(3) as threads:
            return [result for results in threads.map(run, range(3)) for result in results]

    def test_lose_no_change(self, postgres: PostgresParts) -> None:
        postgres.running.write(add, 1)
        results = self.each(postgres.url, lambda work, _: increment_version(work, 1))
        assert sorted(map(str, results)) == sorted(map(str, range(1, 121)))

    def test_store_an_email_for_one_lead(self, url: URL) -> None:
        results = self.each(url, add_with_same_email)
        (winner,) = (result for result in results if isinstance(result, str))
        losers = [result for result in results if isinstance(result, DuplicateLead)]
        assert [loser.existing_id for loser in losers] == [winner] * 119

    def test_never_claim_the_same_follow_up(self, postgres: PostgresParts) -> None:
        def add_many(work: UnitOfWork) -> None:
            add(work, 1)
            for number in range(MANY):
                work.follow_ups.add(a_follow_up(id=an_id(number)))

        def claim(work: UnitOfWork, number: int) -> list[str]:
            claimed = work.follow_ups.claim_due("log", now=NOON, owner=str(number), until=NOON + LEASE, limit=1)
            return [follow_up.id for follow_up in claimed]

        postgres.running.write(add_many)
        claimed = [id for ids in self.each(postgres.url, claim) for id in cast(list[str], ids)]
        assert sorted(claimed) == numbered(*range(MANY))


async def _gathered(work: Any) -> list[Response]:
    return list(await asyncio.gather(*work))
