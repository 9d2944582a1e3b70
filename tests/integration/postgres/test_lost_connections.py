"""Check that lost connections lose no work and leave none half done."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import URL

from contracts.database import add, all_at_once, ids, numbered
from e2e.service import eventually
from leads_adapters.sql.postgres.batches import RUNS_MAX
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from postgres import PostgresServer, connect
from postgres_parts import (
    Connection,
    PostgresParts,
    add_pair,
    backends,
    opened,
    outside_batch,
    own_pid,
    pair,
    terminate,
    wait_until,
)
from rest import JOHN, Response, Service


class TestLostConnections:
    """An administrator ends the service's connections."""

    def test_during_writes_lose_nothing_and_leave_no_partial_write(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        runs = count()
        numbers = count()
        done = asyncio.Event()
        stored: set[int] = set()
        refused: set[int] = set()

        def add_counted(work: UnitOfWork, number: int) -> int:
            next(runs)
            return add_pair(work, number)

        async def write() -> None:
            while not done.is_set():
                number = next(numbers)
                try:
                    stored.add(await postgres.database.write(add_counted, number))
                except Unavailable:
                    refused.add(number)
                    await asyncio.sleep(0.01)

        async def read() -> None:
            while not done.is_set():
                try:
                    found = await postgres.database.read(lambda work: [work.leads.find_by_identity(e) for e in pair(0)])
                    assert None not in found or found == [None, None]
                except Unavailable:
                    await asyncio.sleep(0.01)

        async def traffic() -> int:
            clients = [asyncio.ensure_future(client()) for client in [write] * 8 + [read] * 8]
            ended = 0
            for _ in range(5):
                so_far = len(stored)
                await wait_until(lambda so_far=so_far: len(stored) > so_far + 10)  # type: ignore[misc]
                ended += terminate(other_connection)
            done.set()
            await asyncio.gather(*clients)
            return ended

        assert postgres.running.run(traffic()) > 10
        assert next(runs) > len(stored), "no unit of work was ever interrupted"
        found = {id for (id,) in other_connection.execute("SELECT id::text FROM leads")}
        whole = {number for number in stored | refused if set(numbered(2 * number, 2 * number + 1)) <= found}
        assert stored <= whole
        assert len(found) == 2 * len(whole)

    def test_before_the_commit_repeat_the_unit_of_work(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        pids = []

        def interrupted(work: UnitOfWork, number: int) -> int:
            pids.append(own_pid(work))
            add(work, number)
            if len(pids) < RUNS_MAX:
                terminate(other_connection)
            return len(ids(work))

        assert postgres.running.write(interrupted, 1) == 1
        assert len(set(pids)) == RUNS_MAX
        assert postgres.running.read(ids) == numbered(1)

    @pytest.mark.parametrize("run", ["read", "write"])
    def test_that_repeat_are_reported_and_nothing_is_stored(
        self, postgres: PostgresParts, other_connection: Connection, run: str
    ) -> None:
        runs = []

        def doomed(work: UnitOfWork) -> None:
            runs.append(own_pid(work))
            if run == "write":
                add(work, 1)
            terminate(other_connection)
            ids(work)

        with pytest.raises(Unavailable):
            postgres.running.run(getattr(postgres.database, run)(doomed))
        assert len(runs) >= RUNS_MAX
        assert postgres.running.write(add, 2) == 1

    def test_of_one_reader_do_not_affect_others(self, postgres: PostgresParts, other_connection: Connection) -> None:
        postgres.running.write(add, 1)

        def doomed(work: UnitOfWork) -> None:
            other_connection.execute("SELECT pg_terminate_backend(%s)", [own_pid(work)])
            ids(work)

        read = postgres.database.read
        first, doomed_result, last = postgres.running.run(all_at_once(read(ids), read(doomed), read(ids)))
        assert first == last == numbered(1)
        assert isinstance(doomed_result, Unavailable)

    def test_of_one_unit_of_work_affect_no_other_and_leak_no_connection(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        met = threading.Barrier(2, timeout=10)
        lost: list[int] = []

        def loses_its_connection(work: UnitOfWork) -> int:
            if not lost:
                lost.append(own_pid(work))
                met.wait()
                other_connection.execute("SELECT pg_terminate_backend(%s)", lost)
            return add(work, 1)

        def keeps_its_connection(work: UnitOfWork) -> int:
            met.wait()
            add(work, 2)
            return own_pid(work)

        write = postgres.database.write
        results = postgres.running.run(
            all_at_once(write(outside_batch(loses_its_connection)), write(outside_batch(keeps_its_connection)))
        )
        assert results[0] in (1, 2)
        assert results[1] != lost[0]
        assert set(postgres.running.read(ids)) == set(numbered(1, 2))
        postgres.running.run(postgres.database.close())
        postgres.running.run(wait_until(lambda: not backends(other_connection)))

    def test_during_the_commit_roll_back_and_are_reported(
        self, postgres: PostgresParts, other_connection: Connection
    ) -> None:
        other_connection.execute(
            "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON leads DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION leave()"
        )
        runs = []
        with pytest.raises(Unavailable):
            postgres.running.write(lambda work: runs.append(add(work, 1)))
        assert runs == [1], "what may have been done must not be done again"
        other_connection.execute("DROP TRIGGER leave ON leads; DROP FUNCTION leave")
        assert postgres.running.write(add, 2) == 1
        assert postgres.running.read(ids) == numbered(2)

    def test_between_commit_and_reply_store_everything_once_and_are_reported(
        self, server: PostgresServer, own_url: URL
    ) -> None:
        runs = []

        def add_once(work: UnitOfWork) -> None:
            runs.append(add(work, 1))

        with (
            opened(own_url) as postgres,
            postgres.other_connection() as other_connection,
            waiting_for_a_standby(server),
        ):

            async def lose_the_reply() -> object:
                writing = asyncio.ensure_future(all_at_once(postgres.database.write(add_once)))
                await wait_until(lambda: backends(other_connection, "wait_event = 'SyncRep'"))
                terminate(other_connection)
                return (await writing)[0]

            assert isinstance(postgres.running.run(lose_the_reply()), Unavailable)
            assert runs == [1]
            assert postgres.running.read(ids) == numbered(1)

    def test_lose_no_lead_after_a_201(self, service: Service, other_connection: Connection) -> None:
        agent = service.client("agent")
        numbers = count()
        done = asyncio.Event()
        replies: list[Response] = []

        async def client() -> None:
            while not done.is_set():
                body = {**JOHN, "email": f"{next(numbers)}@example.com"}
                replies.append(reply := await agent.send("POST", "/leads", body))
                if reply.status == 201:
                    replies.append(await agent.send("GET", reply.headers["location"]))

        async def traffic() -> None:
            clients = [asyncio.ensure_future(client()) for _ in range(16)]
            for _ in range(5):
                so_far = len(replies)
                await wait_until(lambda so_far=so_far: len(replies) > so_far + 20)  # type: ignore[misc]
                assert terminate(other_connection)
            done.set()
            await asyncio.gather(*clients)

        service.run(traffic())
        for reply in replies:
            if reply.status == 503:
                assert reply.headers["retry-after"] == "1"
                reply.expect_problem(503, "unavailable")
        assert {reply.status for reply in replies} <= {200, 201, 503}
        created = {reply.json["id"] for reply in replies if reply.status == 201}
        found = {id for (id,) in other_connection.execute("SELECT id::text FROM leads")}
        published = {
            id for (id,) in other_connection.execute("SELECT lead_id::text FROM timeline WHERE type = 'lead.created'")
        }
        assert created <= found == published
        agent.post("/leads", JOHN).expect(201)


@contextmanager
def waiting_for_a_standby(server: PostgresServer) -> Iterator[None]:
    """Make every commit wait, after it is done, for a standby that does not exist."""
    with connect(server.url) as operator:
        operator.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        operator.execute("SELECT pg_reload_conf()")
        eventually(lambda: _standby_of_new_connections(server) == "nobody")
        operator.execute("CHECKPOINT")  # by the process that lets commits wait, after it has read the setting
        try:
            yield
        finally:
            operator.execute("ALTER SYSTEM RESET synchronous_standby_names")
            operator.execute("SELECT pg_reload_conf()")


def _standby_of_new_connections(server: PostgresServer) -> str:
    with connect(server.url) as connection:
        row = connection.execute("SHOW synchronous_standby_names").fetchone()
    return str(row and row[0])
