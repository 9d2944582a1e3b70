"""Check what happens while another program holds locks that the service needs."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import URL

from contracts.database import add, all_at_once, ids, increment_version, lead_number, numbered
from leads_adapters.sql.postgres.database import ALONE_MAX
from leads_adapters.sql.postgres.engine import CONNECTIONS
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from postgres_parts import (
    PROMPT_SECONDS,
    Connection,
    PostgresParts,
    backends,
    opened,
    outside_batch,
    own_pid,
    wait_until,
)
from rest import JOHN, a_service


class TestLocks:
    """Another program has locked rows that the service needs."""

    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shorten the time that the service waits for a lock."""
        monkeypatch.setattr("leads_adapters.sql.postgres.engine.LOCK_TIMEOUT_SECONDS", 0.2)

    @pytest.mark.usefixtures("impatient")
    def test_that_are_held_too_long_are_reported_and_nothing_is_stored(
        self, url: URL, other_connection: Connection
    ) -> None:
        def add_and_change(work: UnitOfWork) -> None:
            add(work, 2)
            increment_version(work, 1)

        with opened(url) as postgres:
            postgres.running.write(add, 1)
            with other_connection.transaction():
                other_connection.execute("SELECT * FROM leads FOR UPDATE")
                with pytest.raises(Unavailable, match="lock"):
                    postgres.running.write(add_and_change)
                assert postgres.running.read(ids) == numbered(1), "readers do not wait"
                assert postgres.running.write(add, 3) == 2, "others do not wait"
            postgres.running.write(add_and_change)
            assert postgres.running.read(ids) == numbered(1, 2, 3)

    @pytest.mark.usefixtures("impatient")
    def test_that_are_held_too_long_are_a_503_over_http(self, url: URL, other_connection: Connection) -> None:
        with a_service(url) as service:
            agent = service.client("agent")
            john = agent.post("/leads", JOHN).expect(201).headers["location"]
            with other_connection.transaction():
                other_connection.execute("SELECT * FROM leads FOR UPDATE")
                refused = agent.patch(john, {"name": "Jane Doe"})
                refused.expect_problem(503, "unavailable")
                assert refused.headers["retry-after"] == "1"
            assert agent.get(john).expect(200).json["name"] == "John Doe"
            agent.patch(john, {"name": "Jane Doe"}).expect(200)

    def test_that_are_released_in_time_delay_the_unit_of_work(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        postgres.running.write(add, 1)

        async def change_while_locked() -> int:
            writing = asyncio.ensure_future(postgres.database.write(increment_version, 1))
            await wait_until(lambda: backends(connection, "wait_event_type = 'Lock'"))
            assert not writing.done()
            other_connection.execute("COMMIT")
            return await writing

        with postgres.other_connection() as connection:
            other_connection.execute("BEGIN; SELECT * FROM leads FOR UPDATE")
            assert postgres.running.run(change_while_locked()) == 1

    def test_do_not_delay_units_of_work_that_do_not_need_them(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        postgres.running.write(add, 1)

        async def work_while_locked() -> None:
            writes = [
                asyncio.ensure_future(postgres.database.write(increment_version, 1)) for _ in range(2 * CONNECTIONS)
            ]
            await wait_until(lambda: len(backends(connection, "wait_event_type = 'Lock'")) > 1)
            assert await asyncio.wait_for(postgres.database.read(ids), PROMPT_SECONDS) == numbered(1)
            assert await asyncio.wait_for(postgres.database.write(add, 2), PROMPT_SECONDS) == 2
            assert not any(write.done() for write in writes)
            other_connection.execute("COMMIT")
            await asyncio.gather(*writes)

        with postgres.other_connection() as connection:
            other_connection.execute("BEGIN; SELECT * FROM leads FOR UPDATE")
            postgres.running.run(work_while_locked())

    def test_do_not_delay_others_after_the_waiting_caller_was_cancelled(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        postgres.running.write(add, 1)

        async def cancel_while_locked() -> list[object]:
            writes = [
                asyncio.ensure_future(postgres.database.write(increment_version, 1)) for _ in range(ALONE_MAX + 1)
            ]
            await wait_until(lambda: len(backends(connection, "wait_event_type = 'Lock'")) == ALONE_MAX)
            for write in writes[:-1]:
                write.cancel()
            await asyncio.sleep(0)
            other_connection.execute("COMMIT")
            return await all_at_once(*writes)

        with postgres.other_connection() as connection:
            other_connection.execute("BEGIN; SELECT * FROM leads FOR UPDATE")
            *cancelled, answered = postgres.running.run(cancel_while_locked())
        assert {type(each) for each in cancelled} == {asyncio.CancelledError}
        # The work under way was finished first; only then was a connection free for the last.
        assert answered in range(1, ALONE_MAX + 2)
        assert postgres.running.write(increment_version, 1) <= ALONE_MAX + 2

    def test_that_deadlock_two_units_of_work_let_both_finish(self, url: URL) -> None:
        met = threading.Barrier(2, timeout=10)

        def process(order: tuple[int, int]) -> list[int]:
            runs: list[int] = []

            def change_both(work: UnitOfWork, first: int, then: int) -> None:
                runs.append(own_pid(work))
                increment_version(work, first)
                if len(runs) == 1:
                    met.wait()
                increment_version(work, then)

            with opened(url) as postgres:
                postgres.running.write(outside_batch(change_both), *order)
            return runs

        with opened(url) as postgres, ThreadPoolExecutor(2) as threads:
            postgres.running.write(add, 1, 2)
            runs = list(threads.map(process, [(1, 2), (2, 1)]))
            versions = postgres.running.read(lambda work: [work.leads.get(lead_number(n).id).version for n in (1, 2)])
        assert max(map(len, runs)) > 1, "no transaction was repeated"
        assert versions == [3, 3]
