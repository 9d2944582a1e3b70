"""Check what happens while the server is out of reach, and afterwards."""

import asyncio
import socket
import time
from itertools import count

import pytest
from sqlalchemy import URL

from contracts.database import add, all_at_once, ids, numbered
from leads_adapters.database import Database, Outage
from leads_adapters.sql.postgres.engine import CONNECTIONS
from leads_adapters.sql.postgres.transactions import UNREACHABLE_SECONDS
from leads_domain.errors import Unavailable
from postgres import PostgresServer
from postgres_parts import PROMPT_SECONDS, add_pair, opened, wait_until
from rest import JOHN, Service, a_service


class TestAnUnreachableServer:
    """The server does not accept connections, or does not reply."""

    def test_is_reported_at_once_and_used_again_when_reachable(self, server: PostgresServer, own_url: URL) -> None:
        with a_service(own_url) as service:
            agent = service.client("agent")
            john = agent.post("/leads", JOHN).expect(201).headers["location"]
            server.stop()
            try:
                began_at = time.monotonic()
                for _ in range(20):
                    for reply in (agent.get(john), agent.post("/leads", {**JOHN, "email": "jane@example.com"})):
                        reply.expect_problem(503, "unavailable")
                        assert reply.headers["retry-after"] == "1"
                service.anonymous().get("/health/live").expect(200)
                assert time.monotonic() - began_at < PROMPT_SECONDS
            finally:
                server.start()
            service.run(_ready_again(service))
            assert agent.get(john).expect(200).json["name"] == "John Doe"
            agent.post("/leads", {**JOHN, "email": "jane@example.com"}).expect(201)

    def test_makes_the_service_unready_until_reachable(self, server: PostgresServer, own_url: URL) -> None:
        with a_service(own_url) as service:
            server.stop()
            try:
                refused = service.anonymous().get("/health/ready")
                refused.expect_problem(503, "unavailable")
                assert refused.headers["retry-after"] == "1"
            finally:
                server.start()
            service.run(_ready_again(service))

    def test_that_stops_during_writes_loses_nothing(self, server: PostgresServer, own_url: URL) -> None:
        numbers = count()
        done = asyncio.Event()
        stored: set[int] = set()

        async def client(database: Database) -> None:
            while not done.is_set():
                try:
                    stored.add(await database.write(add_pair, next(numbers)))
                except Unavailable:
                    await asyncio.sleep(0.01)

        async def traffic(database: Database) -> None:
            clients = [asyncio.ensure_future(client(database)) for _ in range(8)]
            for _ in range(2):
                so_far = len(stored)
                await wait_until(lambda so_far=so_far: len(stored) > so_far + 20)  # type: ignore[misc]
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)
            so_far = len(stored)
            await wait_until(lambda: len(stored) > so_far)
            done.set()
            await asyncio.gather(*clients)

        with opened(own_url) as postgres:
            postgres.running.run(traffic(postgres.database))
            with postgres.other_connection() as other_connection:
                found = {id for (id,) in other_connection.execute("SELECT id::text FROM leads")}
        whole = {n for n in range(next(numbers)) if set(numbered(2 * n, 2 * n + 1)) <= found}
        assert stored <= whole
        assert len(found) == 2 * len(whole)

    def test_that_accepts_connections_without_a_reply_delays_callers_briefly(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("leads_adapters.sql.postgres.engine.CONNECT_SECONDS", 2)  # less is not possible with libpq
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = URL.create("postgresql", "ann", host="127.0.0.1", port=silent.getsockname()[1], database="leads")
            with opened(url) as postgres:
                began_at = time.monotonic()
                work = (postgres.database.write(add, number) for number in range(5 * CONNECTIONS))
                results = postgres.running.run(all_at_once(*work))
                assert {type(result) for result in results} == {Outage}
                assert time.monotonic() - began_at < 2 + PROMPT_SECONDS
                with pytest.raises(Unavailable):
                    postgres.running.read(ids)
                assert time.monotonic() - began_at < 2 + PROMPT_SECONDS


async def _ready_again(service: Service) -> None:
    deadline = time.monotonic() + UNREACHABLE_SECONDS + PROMPT_SECONDS
    while (await service.anonymous().send("GET", "/health/ready")).status != 200:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
