"""When PostgreSQL cannot do its work: nothing is half done, everybody is told, and it works again afterwards."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import URL, event, text
from sqlalchemy.exc import DBAPIError

from builders import NOON, a_follow_up, an_email, an_id
from contracts.database import (
    A_WHILE,
    MANY,
    OddError,
    add,
    add_all_the_same,
    all_at_once,
    count_up,
    ids,
    lead_number,
    numbered,
    settled,
)
from databases import PATIENCE, RunningDatabase
from desk import LEASE
from fakes import CountingIds, FixedClock, FixedEntropy
from leads_adapters.database import Database
from leads_adapters.sql.migrations import upgrade
from leads_adapters.sql.postgres import (
    AWAY_SECONDS,
    CONNECTIONS,
    LONERS,
    RUNS_MAX,
    PostgresDatabase,
    postgres_engine,
)
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import DuplicateLead, Unavailable
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.manage_keys import CreateFirstKey, CreateKey
from postgres import PostgresServer, connect, new_database, postgres_url
from rest import JOHN, NOBODY, Reply, Service, a_service

AT_ONCE = 2.0
"""Within how many seconds a refusal must come that waits for nothing; generous, for machines that do much else."""

PROBLEM = b'"type":"/problems/unavailable"'

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class PostgresParts:
    """A running database, and where it is."""

    running: RunningDatabase
    url: URL

    @property
    def database(self) -> Database:
        """What the service has."""
        return self.running.database

    def stranger(self) -> Connection:
        """Another program's connection to the same database."""
        return connect(self.url)


@contextmanager
def opened(url: URL) -> Iterator[PostgresParts]:
    """The service's database at `url`, for the time of a test."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        try:
            yield PostgresParts(RunningDatabase(database, runner), url)
        finally:
            runner.run(database.close())


@pytest.fixture
def url() -> Iterator[URL]:
    """A database with all tables, which are empty."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def postgres(url: URL) -> Iterator[PostgresParts]:
    """The service's database there."""
    with opened(url) as parts:
        yield parts


@pytest.fixture
def stranger(url: URL) -> Iterator[Connection]:
    """Another program's connection to the same database."""
    with connect(url) as connection:
        yield connection


@pytest.fixture
def service(url: URL) -> Iterator[Service]:
    """The whole service on that database."""
    with a_service(url) as service:
        yield service


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that nobody else uses, so that a test may stop it."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_url(server: PostgresServer) -> URL:
    """A database with all tables on the server that a test may stop."""
    url = new_database(server.url)
    engine = postgres_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


def terminate(connection: Connection) -> int:
    """End all other connections to the database, as an administrator would; answers how many there were."""
    ended = connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid != pg_backend_pid()"
    )
    return ended.rowcount


def backends(connection: Connection, condition: str = "true") -> list[int]:
    """The process ids of the service's connections to the database that meet a condition."""
    found = connection.execute(
        f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
        f" AND application_name = 'leads' AND {condition}"
    )
    return [pid for (pid,) in found]


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to be so, which it must be before long."""
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.005)


def own_pid(work: UnitOfWork) -> int:
    """The server's process that does this work."""
    pid: int = cast(SqlUnitOfWork, work).driver.all(text("SELECT pg_backend_pid()"))[0][0]
    return pid


def alone(use_case: Callable[..., Any]) -> Callable[..., Any]:
    """The same use case, refused to share a transaction with others."""
    shared = iter([True])

    def run(work: UnitOfWork, *args: object) -> object:
        if next(shared, False):
            raise psycopg.errors.SerializationFailure
        return use_case(work, *args)

    return run


def add_pair(work: UnitOfWork, number: int) -> int:
    """Keep two leads: both or none."""
    for each in (2 * number, 2 * number + 1):
        work.leads.add(lead_number(each))
    return number


class TestLostConnections:
    """Somebody ends the service's connections."""

    def test_in_the_middle_of_traffic_lose_nothing_and_leave_nothing_half_done(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        runs = count()
        numbers = count()
        done = asyncio.Event()
        kept: set[int] = set()
        refused: set[int] = set()

        def add_counted(work: UnitOfWork, number: int) -> int:
            next(runs)
            return add_pair(work, number)

        async def write() -> None:
            while not done.is_set():
                number = next(numbers)
                try:
                    kept.add(await postgres.database.write(add_counted, number))
                except Unavailable:
                    refused.add(number)
                    await asyncio.sleep(0.01)

        async def read() -> None:
            while not done.is_set():
                try:
                    found = await postgres.database.read(lambda work: [work.leads.with_email(e) for e in pair(0)])
                    assert None not in found or found == [None, None]
                except Unavailable:
                    await asyncio.sleep(0.01)

        async def traffic() -> int:
            clients = [asyncio.ensure_future(client()) for client in [write] * 8 + [read] * 8]
            ended = 0
            for _ in range(5):
                so_far = len(kept)
                await until(lambda so_far=so_far: len(kept) > so_far + 10)  # type: ignore[misc]
                ended += terminate(stranger)
            done.set()
            await asyncio.gather(*clients)
            return ended

        assert postgres.running.run(traffic()) > 10
        assert next(runs) > len(kept), "no unit of work was ever interrupted"
        found = {id for (id,) in stranger.execute("SELECT id::text FROM leads")}
        whole = {number for number in kept | refused if set(numbered(2 * number, 2 * number + 1)) <= found}
        assert kept <= whole
        assert len(found) == 2 * len(whole)

    def test_before_the_commit_have_the_unit_of_work_run_again(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        pids = []

        def interrupted(work: UnitOfWork, number: int) -> int:
            pids.append(own_pid(work))
            add(work, number)
            if len(pids) < RUNS_MAX:
                terminate(stranger)
            return len(ids(work))

        assert postgres.running.write(interrupted, 1) == 1
        assert len(set(pids)) == RUNS_MAX
        assert postgres.running.read(ids) == numbered(1)

    @pytest.mark.parametrize("run", ["read", "write"])
    def test_again_and_again_are_told_and_nothing_is_done(
        self, postgres: PostgresParts, stranger: Connection, run: str
    ) -> None:
        runs = []

        def doomed(work: UnitOfWork) -> None:
            runs.append(own_pid(work))
            if run == "write":
                add(work, 1)
            terminate(stranger)
            ids(work)

        with pytest.raises(Unavailable):
            postgres.running.run(getattr(postgres.database, run)(doomed))
        assert len(runs) >= RUNS_MAX
        assert postgres.running.write(add, 2) == 1

    def test_of_one_reader_do_not_cost_others_their_answers(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        postgres.running.write(add, 1)

        def doomed(work: UnitOfWork) -> None:
            stranger.execute("SELECT pg_terminate_backend(%s)", [own_pid(work)])
            ids(work)

        read = postgres.database.read
        first, doomed_answer, last = postgres.running.run(all_at_once(read(ids), read(doomed), read(ids)))
        assert first == last == numbered(1)
        assert isinstance(doomed_answer, Unavailable)

    def test_of_one_unit_of_work_leave_the_others_theirs_and_none_behind(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        met = threading.Barrier(2, timeout=10)
        lost: list[int] = []

        def loses_its_connection(work: UnitOfWork) -> int:
            if not lost:
                lost.append(own_pid(work))
                met.wait()
                stranger.execute("SELECT pg_terminate_backend(%s)", lost)
            return add(work, 1)

        def keeps_its_connection(work: UnitOfWork) -> int:
            met.wait()
            add(work, 2)
            return own_pid(work)

        write = postgres.database.write
        answers = postgres.running.run(
            all_at_once(write(alone(loses_its_connection)), write(alone(keeps_its_connection)))
        )
        assert answers[0] in (1, 2)
        assert answers[1] != lost[0]
        assert set(postgres.running.read(ids)) == set(numbered(1, 2))
        postgres.running.run(postgres.database.close())
        postgres.running.run(until(lambda: not backends(stranger)))

    def test_during_the_commit_undo_everything_and_tell(self, postgres: PostgresParts, stranger: Connection) -> None:
        stranger.execute(
            "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON leads DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION leave()"
        )
        runs = []
        with pytest.raises(Unavailable):
            postgres.running.write(lambda work: runs.append(add(work, 1)))
        assert runs == [1], "what may have been done must not be done again"
        stranger.execute("DROP TRIGGER leave ON leads; DROP FUNCTION leave")
        assert postgres.running.write(add, 2) == 1
        assert postgres.running.read(ids) == numbered(2)

    def test_after_the_commit_but_before_its_answer_keep_everything_once_and_tell(
        self, server: PostgresServer, own_url: URL
    ) -> None:
        runs = []

        def add_once(work: UnitOfWork) -> None:
            runs.append(add(work, 1))

        with opened(own_url) as postgres, postgres.stranger() as stranger, waiting_for_a_standby(server):

            async def lose_the_answer() -> object:
                writing = asyncio.ensure_future(all_at_once(postgres.database.write(add_once)))
                await until(lambda: backends(stranger, "wait_event = 'SyncRep'"))
                terminate(stranger)
                return (await writing)[0]

            assert isinstance(postgres.running.run(lose_the_answer()), Unavailable)
            assert runs == [1]
            assert postgres.running.read(ids) == numbered(1)

    def test_are_nothing_that_clients_lose_anything_by(self, service: Service, stranger: Connection) -> None:
        agent = service.client("agent")
        numbers = count()
        done = asyncio.Event()
        replies: list[Reply] = []

        async def client() -> None:
            while not done.is_set():
                body = {**JOHN, "email": f"{next(numbers)}@example.com"}
                replies.append(reply := await agent.exchange("POST", "/leads", body))
                if reply.status == 201:
                    replies.append(await agent.exchange("GET", reply.headers["location"]))

        async def traffic() -> None:
            clients = [asyncio.ensure_future(client()) for _ in range(16)]
            for _ in range(5):
                so_far = len(replies)
                await until(lambda so_far=so_far: len(replies) > so_far + 20)  # type: ignore[misc]
                assert terminate(stranger)
            done.set()
            await asyncio.gather(*clients)

        service.run(traffic())
        for reply in replies:
            if reply.status == 503:
                assert reply.headers["retry-after"] == "1"
                reply.refuse(503, "unavailable")
        assert {reply.status for reply in replies} <= {200, 201, 503}
        created = {reply.json["id"] for reply in replies if reply.status == 201}
        found = {id for (id,) in stranger.execute("SELECT id::text FROM leads")}
        told = {id for (id,) in stranger.execute("SELECT lead_id::text FROM timeline WHERE type = 'lead.created'")}
        assert created <= found == told
        agent.post("/leads", JOHN).expect(201)


class TestAServerThatIsAway:
    """There is nobody to connect to."""

    def test_is_told_at_once_and_used_again_when_it_is_back(self, server: PostgresServer, own_url: URL) -> None:
        with a_service(own_url) as service:
            agent = service.client("agent")
            john = agent.post("/leads", JOHN).expect(201).headers["location"]
            server.stop()
            try:
                asked_at = time.monotonic()
                for _ in range(20):
                    for reply in (agent.get(john), agent.post("/leads", {**JOHN, "email": "jane@example.com"})):
                        reply.refuse(503, "unavailable")
                        assert reply.headers["retry-after"] == "1"
                service.stranger().get("/health/live").expect(200)
                assert time.monotonic() - asked_at < AT_ONCE
            finally:
                server.start()
            service.run(_ready_again(service))
            assert agent.get(john).expect(200).json["name"] == "John Doe"
            agent.post("/leads", {**JOHN, "email": "jane@example.com"}).expect(201)

    def test_is_not_ready_until_it_is_back(self, server: PostgresServer, own_url: URL) -> None:
        with a_service(own_url) as service:
            server.stop()
            try:
                refused = service.stranger().get("/health/ready")
                refused.refuse(503, "unavailable")
                assert refused.headers["retry-after"] == "1"
            finally:
                server.start()
            service.run(_ready_again(service))

    def test_that_goes_in_the_middle_of_traffic_loses_nothing(self, server: PostgresServer, own_url: URL) -> None:
        numbers = count()
        done = asyncio.Event()
        kept: set[int] = set()

        async def client(database: Database) -> None:
            while not done.is_set():
                try:
                    kept.add(await database.write(add_pair, next(numbers)))
                except Unavailable:
                    await asyncio.sleep(0.01)

        async def traffic(database: Database) -> None:
            clients = [asyncio.ensure_future(client(database)) for _ in range(8)]
            for _ in range(2):
                so_far = len(kept)
                await until(lambda so_far=so_far: len(kept) > so_far + 20)  # type: ignore[misc]
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)
            so_far = len(kept)
            await until(lambda: len(kept) > so_far)
            done.set()
            await asyncio.gather(*clients)

        with opened(own_url) as postgres:
            postgres.running.run(traffic(postgres.database))
            with postgres.stranger() as stranger:
                found = {id for (id,) in stranger.execute("SELECT id::text FROM leads")}
        whole = {n for n in range(next(numbers)) if set(numbered(2 * n, 2 * n + 1)) <= found}
        assert kept <= whole
        assert len(found) == 2 * len(whole)

    def test_that_accepts_connections_and_says_nothing_keeps_nobody_for_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("leads_adapters.sql.postgres.CONNECT_SECONDS", 2)  # less is not possible with libpq
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = URL.create("postgresql", "ann", host="127.0.0.1", port=silent.getsockname()[1], database="leads")
            with opened(url) as postgres:
                asked_at = time.monotonic()
                work = (postgres.database.write(add, number) for number in range(5 * CONNECTIONS))
                answers = postgres.running.run(all_at_once(*work))
                assert {type(answer) for answer in answers} == {Unavailable}
                assert time.monotonic() - asked_at < 2 + AT_ONCE
                with pytest.raises(Unavailable):
                    postgres.running.read(ids)
                assert time.monotonic() - asked_at < 2 + AT_ONCE


class TestLocks:
    """Somebody else has locked what the service needs."""

    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The service waits for a shorter time than usual."""
        monkeypatch.setattr("leads_adapters.sql.postgres.LOCK_SECONDS", 0.2)

    @pytest.mark.usefixtures("impatient")
    def test_that_are_kept_are_told_and_nothing_is_done(self, url: URL, stranger: Connection) -> None:
        def add_and_change(work: UnitOfWork) -> None:
            add(work, 2)
            count_up(work, 1)

        with opened(url) as postgres:
            postgres.running.write(add, 1)
            with stranger.transaction():
                stranger.execute("SELECT * FROM leads FOR UPDATE")
                with pytest.raises(Unavailable, match="lock"):
                    postgres.running.write(add_and_change)
                assert postgres.running.read(ids) == numbered(1), "readers wait for nobody"
                assert postgres.running.write(add, 3) == 2, "others do not wait"
            postgres.running.write(add_and_change)
            assert postgres.running.read(ids) == numbered(1, 2, 3)

    @pytest.mark.usefixtures("impatient")
    def test_that_are_kept_are_a_503_over_http(self, url: URL, stranger: Connection) -> None:
        with a_service(url) as service:
            agent = service.client("agent")
            john = agent.post("/leads", JOHN).expect(201).headers["location"]
            with stranger.transaction():
                stranger.execute("SELECT * FROM leads FOR UPDATE")
                refused = agent.patch(john, {"name": "Jane Doe"})
                refused.refuse(503, "unavailable")
                assert refused.headers["retry-after"] == "1"
            assert agent.get(john).expect(200).json["name"] == "John Doe"
            agent.patch(john, {"name": "Jane Doe"}).expect(200)

    def test_that_are_let_go_are_waited_for(self, postgres: PostgresParts, stranger: Connection) -> None:
        postgres.running.write(add, 1)

        async def change_while_locked() -> int:
            writing = asyncio.ensure_future(postgres.database.write(count_up, 1))
            await until(lambda: backends(connection, "wait_event_type = 'Lock'"))
            assert not writing.done()
            stranger.execute("COMMIT")
            return await writing

        with postgres.stranger() as connection:
            stranger.execute("BEGIN; SELECT * FROM leads FOR UPDATE")
            assert postgres.running.run(change_while_locked()) == 1

    def test_keep_nobody_waiting_who_does_not_need_them_however_many_do(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        postgres.running.write(add, 1)

        async def work_while_locked() -> None:
            writes = [asyncio.ensure_future(postgres.database.write(count_up, 1)) for _ in range(2 * CONNECTIONS)]
            await until(lambda: len(backends(connection, "wait_event_type = 'Lock'")) > 1)
            assert await asyncio.wait_for(postgres.database.read(ids), AT_ONCE) == numbered(1)
            assert await asyncio.wait_for(postgres.database.write(add, 2), AT_ONCE) == 2
            assert not any(write.done() for write in writes)
            stranger.execute("COMMIT")
            await asyncio.gather(*writes)

        with postgres.stranger() as connection:
            stranger.execute("BEGIN; SELECT * FROM leads FOR UPDATE")
            postgres.running.run(work_while_locked())

    def test_keep_nobody_else_when_the_caller_who_waits_is_cancelled(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        postgres.running.write(add, 1)

        async def cancel_while_locked() -> list[object]:
            writes = [asyncio.ensure_future(postgres.database.write(count_up, 1)) for _ in range(LONERS + 1)]
            await until(lambda: len(backends(connection, "wait_event_type = 'Lock'")) == LONERS)
            for write in writes[:-1]:
                write.cancel()
            await asyncio.sleep(0)
            stranger.execute("COMMIT")
            return await all_at_once(*writes)

        with postgres.stranger() as connection:
            stranger.execute("BEGIN; SELECT * FROM leads FOR UPDATE")
            *cancelled, answered = postgres.running.run(cancel_while_locked())
        assert {type(each) for each in cancelled} == {asyncio.CancelledError}
        # What was begun was finished; only then was there a connection for the last.
        assert answered in range(1, LONERS + 2)
        assert postgres.running.write(count_up, 1) <= LONERS + 2

    def test_that_two_units_of_work_have_crosswise_end_with_both_done(self, url: URL) -> None:
        met = threading.Barrier(2, timeout=10)

        def process(order: tuple[int, int]) -> list[int]:
            runs: list[int] = []

            def change_both(work: UnitOfWork, first: int, then: int) -> None:
                runs.append(own_pid(work))
                count_up(work, first)
                if len(runs) == 1:
                    met.wait()
                count_up(work, then)

            with opened(url) as postgres:
                postgres.running.write(alone(change_both), *order)
            return runs

        with opened(url) as postgres, ThreadPoolExecutor(2) as threads:
            postgres.running.write(add, 1, 2)
            runs = list(threads.map(process, [(1, 2), (2, 1)]))
            versions = postgres.running.read(lambda work: [work.leads.get(lead_number(n).id).version for n in (1, 2)])
        assert max(map(len, runs)) > 1, "one of them lost its first transaction to the other"
        assert versions == [3, 3]


class TestRaces:
    """Several want the same at the same time."""

    def test_for_an_address_are_told_to_whoever_waited_for_the_winner(
        self, postgres: PostgresParts, stranger: Connection
    ) -> None:
        postgres.running.write(add, 1, 2)
        runs = []

        def take_the_address(work: UnitOfWork) -> None:
            runs.append(1)
            lead = work.leads.get_for_change(lead_number(1).id)
            work.leads.save(replace(lead, email=an_email("wanted@example.com")))

        async def lose() -> list[object]:
            writing = asyncio.ensure_future(all_at_once(postgres.database.write(take_the_address)))
            await until(lambda: backends(connection, "wait_event_type = 'Lock'"))
            stranger.execute("COMMIT")
            return await writing

        with postgres.stranger() as connection:
            stranger.execute("BEGIN")
            stranger.execute("UPDATE leads SET email_key = 'wanted@example.com' WHERE id = %s", [an_id(2)])
            (lost,) = postgres.running.run(lose())
        assert isinstance(lost, DuplicateLead)
        assert lost.existing_id == an_id(2)
        assert len(runs) == 2

    def test_for_an_address_have_one_winner_over_http(self, service: Service) -> None:
        agent = service.client("agent")
        for number in range(10):
            bodies = [{**JOHN, "email": f"{who}-{number}@example.com"} for who in "abcd"]
            leads = [agent.post("/leads", body).expect(201) for body in bodies]
            wanted = {"email": f"Wanted-{number}@example.com"}
            replies = service.run(
                _gathered(agent.exchange("PATCH", lead.headers["location"], wanted) for lead in leads)
            )
            [winner] = [reply for reply in replies if reply.status == 200]
            for loser in replies:
                if loser is not winner:
                    assert loser.refuse(409, "duplicate-lead")["existing_lead_id"] == winner.json["id"]

    def test_for_the_first_key_make_one(self, url: URL) -> None:
        clock, ids = FixedClock(), CountingIds()
        start = threading.Barrier(3)

        def process(_: int) -> list[object]:
            create = CreateFirstKey(CreateKey(clock, ids, FixedEntropy()))
            with opened(url) as postgres:
                start.wait(10)
                return postgres.running.run(all_at_once(*(postgres.database.write(create) for _ in range(4))))

        with ThreadPoolExecutor(3) as threads:
            answers = [answer for answers in threads.map(process, range(3)) for answer in answers]
        assert sorted(map(str, answers))[:11] == ["None"] * 11
        [key] = [answer for answer in answers if answer is not None]
        assert isinstance(key, str)
        with opened(url) as postgres:
            assert len(postgres.running.read(lambda work: work.api_keys.all())) == 1


class TestSeveralProcesses:
    """Three databases in one place, each in a thread and on an event loop of its own."""

    @staticmethod
    def each(url: URL, use_case: Callable[[UnitOfWork, int], object]) -> list[object]:
        """What they answered to 10 rounds of a few writes at once; every write is given another number."""
        start = threading.Barrier(3)

        async def rounds(database: Database, numbers: Iterator[int]) -> list[object]:
            answers = []
            for _ in range(10):
                answers += await all_at_once(*(database.write(use_case, next(numbers)) for _ in range(4)))
            return answers

        def run(process: int) -> list[object]:
            with opened(url) as postgres:
                start.wait(10)
                return postgres.running.run(rounds(postgres.database, count(process, 3)))

        with ThreadPoolExecutor(3) as threads:
            return [answer for answers in threads.map(run, range(3)) for answer in answers]

    def test_lose_none_of_their_changes(self, postgres: PostgresParts) -> None:
        postgres.running.write(add, 1)
        answers = self.each(postgres.url, lambda work, _: count_up(work, 1))
        assert sorted(map(str, answers)) == sorted(map(str, range(1, 121)))

    def test_give_an_email_address_to_one_lead(self, url: URL) -> None:
        answers = self.each(url, add_all_the_same)
        (winner,) = (answer for answer in answers if isinstance(answer, str))
        losers = [answer for answer in answers if isinstance(answer, DuplicateLead)]
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


def test_more_units_of_work_than_connections_are_all_answered(postgres: PostgresParts, stranger: Connection) -> None:
    async def crowd() -> tuple[list[object], int]:
        work = [postgres.database.write(add_pair, number) for number in range(200)]
        reads = [postgres.database.read(lambda work: work.leads.with_email("nobody") is None) for _ in range(300)]
        answering = asyncio.ensure_future(all_at_once(*work, *reads))
        most = 0
        while not answering.done():
            most = max(most, len(backends(stranger)))
            await asyncio.sleep(0.01)
        return await answering, most

    answers, most = postgres.running.run(crowd())
    assert answers == [*range(200), *[True] * 300]
    assert 1 <= most <= CONNECTIONS


def test_a_statement_that_takes_too_long_is_given_up(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_adapters.sql.postgres.STATEMENT_SECONDS", 0.2)

    def sleep(work: UnitOfWork) -> None:
        cast(SqlUnitOfWork, work).driver.all(text("SELECT pg_sleep(60)"))

    with opened(url) as postgres:
        for run in (postgres.running.read, postgres.running.write):
            with pytest.raises(Unavailable, match="timeout"):
                run(sleep)
        assert postgres.running.write(add, 1) == 1


def test_a_transaction_that_a_program_forgot_is_ended(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_adapters.sql.postgres.STATEMENT_SECONDS", 0.2)
    runs = []

    def stall_once(work: UnitOfWork) -> int:
        runs.append(own_pid(work))
        if len(runs) == 1:
            with connect(url) as stranger:
                while runs[0] in backends(stranger):
                    time.sleep(0.01)
        return add(work, 1)

    with opened(url) as postgres:
        assert postgres.running.write(stall_once) == 1
    assert len(set(runs)) == 2


@pytest.mark.parametrize("run", ["read", "write"])
def test_what_may_only_be_read_is_not_written(postgres: PostgresParts, stranger: Connection, run: str) -> None:
    if run == "write":  # as on a server that has been left behind by a new primary
        stranger.execute(f'ALTER DATABASE "{postgres.url.database}" SET default_transaction_read_only = on')
    try:
        with pytest.raises(Unavailable, match="read-only"):
            postgres.running.run(getattr(postgres.database, run)(add, 1))
        assert postgres.running.read(ids) == []
    finally:
        if run == "write":
            stranger.execute("SET default_transaction_read_only = off")
            stranger.execute(f'ALTER DATABASE "{postgres.url.database}" RESET default_transaction_read_only')


def test_writes_that_fail_are_known_until_one_works(
    url: URL, stranger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_adapters.sql.outages.PROBE_SECONDS", 0)
    stranger.execute(f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = on')
    with asyncio.Runner() as runner:
        engine, reasons = postgres_engine(url), list[str]()
        database = PostgresDatabase(engine, on_outage=reasons.append)
        runner.run(database.check_writes())
        for work in (database.write(add, 1), database.check_writes()):
            with pytest.raises(Unavailable, match="read-only"):
                runner.run(work)
        stranger.execute("SET default_transaction_read_only = off")
        stranger.execute(f'ALTER DATABASE "{url.database}" RESET default_transaction_read_only')
        engine.dispose()
        runner.run(database.check_writes())
        runner.run(database.close())
    assert ["read-only" in reason for reason in reasons] == [True], "once a minute"


def test_the_cause_of_reads_that_fail_is_logged_once(url: URL) -> None:
    reasons = list[str]()
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url.set(database="nowhere")), on_outage=reasons.append)
        for _ in range(2):
            with pytest.raises(Unavailable, match="nowhere"):
                runner.run(database.read(ids))
        runner.run(database.close())
    assert ["nowhere" in reason for reason in reasons] == [True]


def test_reads_of_one_moment_see_one_state(postgres: PostgresParts) -> None:
    postgres.running.write(add, 1)

    def read_twice(work: UnitOfWork) -> tuple[list[str], list[str]]:
        before = ids(work)
        with postgres.stranger() as stranger:
            stranger.execute("UPDATE leads SET id = %s", [NOBODY])
        return before, ids(work)

    before, after = postgres.running.read(read_twice)
    assert before == after == numbered(1)
    assert postgres.running.read(ids) == [NOBODY]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused(encoding: str) -> None:
    with postgres_url(migrated=False, encoding=encoding) as url, opened(url) as postgres:
        for run in (postgres.running.read, postgres.running.write):
            with pytest.raises(Unavailable, match=f"{encoding}.*UTF8"):
                run(ids)
        with pytest.raises(DBAPIError, match=f"{encoding}.*UTF8"):
            upgrade(postgres_engine(url))


def test_a_database_without_tables_is_unavailable() -> None:
    with postgres_url(migrated=False) as url, opened(url) as postgres:
        for run in (postgres.running.read, postgres.running.write):
            with pytest.raises(Unavailable, match="does not exist"):
                run(ids)


def test_an_error_that_nobody_knows_leaves_nobody_waiting(url: URL) -> None:
    engine = postgres_engine(url)
    strange = iter([True, True])

    def fail_twice(connection: Connection, _: object) -> None:
        if next(strange, False):
            connection.close()
            raise OddError

    event.listen(engine, "connect", fail_twice)
    with asyncio.Runner() as runner:
        postgres = RunningDatabase(PostgresDatabase(engine), runner)
        with pytest.raises(OddError):
            postgres.write(add, 1)
        assert postgres.write(add, 2) == 1
        runner.run(postgres.database.close())


@pytest.mark.parametrize("run", ["read", "write"])
def test_a_database_that_is_closed_says_so_rather_than_leave_its_callers_waiting(
    postgres: PostgresParts, run: str
) -> None:
    database: Any = postgres.database
    postgres.running.run(database.close())
    with pytest.raises(Unavailable, match="closed"):
        postgres.running.run(asyncio.wait_for(getattr(database, run)(ids), 2))


def test_a_database_that_is_closed_finishes_what_was_begun(postgres: PostgresParts, stranger: Connection) -> None:
    async def close_at_once() -> list[object]:
        writes = [asyncio.ensure_future(postgres.database.write(add_pair, number)) for number in range(MANY)]
        reads = [asyncio.ensure_future(postgres.database.read(lambda work: 0)) for _ in range(MANY)]
        await asyncio.sleep(0)
        await postgres.database.close()
        assert all(each.done() for each in [*writes, *reads])
        return await all_at_once(*writes, *reads)

    assert postgres.running.run(close_at_once()) == [*range(MANY), *[0] * MANY]
    postgres.running.run(until(lambda: not backends(stranger)))
    assert stranger.execute("SELECT count(*) FROM leads").fetchone() == (2 * MANY,)


def pair(number: int) -> list[str]:
    """The e-mail keys of the leads of `add_pair`."""
    return [lead_number(each).email.key for each in (2 * number, 2 * number + 1)]


@contextmanager
def waiting_for_a_standby(server: PostgresServer) -> Iterator[None]:
    """Every commit waits, after it is done, for a copy that there is not."""
    with connect(server.url) as operator:
        operator.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        operator.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            operator.execute("ALTER SYSTEM RESET synchronous_standby_names")
            operator.execute("SELECT pg_reload_conf()")


async def _ready_again(service: Service) -> None:
    give_up = time.monotonic() + AWAY_SECONDS + AT_ONCE
    while (await service.stranger().exchange("GET", "/health/ready")).status != 200:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


async def _gathered(work: Any) -> list[Reply]:
    return list(await asyncio.gather(*work))


class TestListening:
    """Hearing of follow-ups that other processes schedule."""

    LISTENING = "query LIKE 'LISTEN%'"

    def test_goes_on_after_the_connection_was_lost(self, postgres: PostgresParts, stranger: Connection) -> None:
        async def hear_again() -> None:
            await settled(postgres.database)
            lost = backends(stranger, self.LISTENING)
            assert len(lost) == 1
            for pid in lost:
                stranger.execute("SELECT pg_terminate_backend(%s)", [pid])
            await postgres.database.wait_for_change(2 * PATIENCE)
            await settled(postgres.database)
            assert len(backends(stranger, self.LISTENING)) == 1
            waiting = asyncio.create_task(postgres.database.wait_for_change(2 * PATIENCE))
            stranger.execute("NOTIFY leads_follow_ups")
            await waiting

        postgres.running.run(hear_again())

    def test_just_waits_while_the_server_is_away(self, server: PostgresServer, own_url: URL) -> None:
        async def wait() -> None:
            loop = asyncio.get_running_loop()
            await settled(parts.database)
            server.stop()
            await settled(parts.database)
            begun_at = loop.time()
            await parts.database.wait_for_change(A_WHILE)
            assert loop.time() - begun_at >= A_WHILE * 0.9
            server.start()
            with connect(own_url) as stranger:
                while not backends(stranger, self.LISTENING):
                    await parts.database.wait_for_change(A_WHILE)

        with opened(own_url) as parts:
            parts.running.run(wait())

    def test_takes_one_connection_more_than_the_work(self, postgres: PostgresParts, stranger: Connection) -> None:
        async def crowd() -> int:
            await settled(postgres.database)
            work = [postgres.database.write(add_pair, number) for number in range(50)]
            await all_at_once(*work)
            return len(backends(stranger))

        assert postgres.running.run(crowd()) <= CONNECTIONS + 1
        assert len(backends(stranger, self.LISTENING)) == 1
