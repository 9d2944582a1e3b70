"""Check that notifications of other processes arrive."""

import asyncio

from sqlalchemy import URL

from contracts.database import WAIT_SECONDS, all_at_once, wait_until_unchanged
from databases import TIMEOUT_SECONDS
from leads_adapters.sql.postgres.engine import CONNECTIONS
from postgres import PostgresServer, connect
from postgres_parts import Connection, PostgresParts, add_pair, backends, opened


class TestListening:
    """Notifications of follow-ups that other processes schedule."""

    LISTENING = "query LIKE 'LISTEN%'"

    def test_continues_after_a_lost_connection(self, postgres: PostgresParts, other_connection: Connection) -> None:
        async def hear_again() -> None:
            await wait_until_unchanged(postgres.database)
            lost = backends(other_connection, self.LISTENING)
            assert len(lost) == 1
            for pid in lost:
                other_connection.execute("SELECT pg_terminate_backend(%s)", [pid])
            await postgres.database.wait_for_change(2 * TIMEOUT_SECONDS)
            await wait_until_unchanged(postgres.database)
            assert len(backends(other_connection, self.LISTENING)) == 1
            waiting = asyncio.create_task(postgres.database.wait_for_change(2 * TIMEOUT_SECONDS))
            other_connection.execute("NOTIFY leads_follow_ups")
            await waiting

        postgres.running.run(hear_again())

    def test_waits_while_the_server_is_unreachable(self, server: PostgresServer, own_url: URL) -> None:
        async def wait() -> None:
            loop = asyncio.get_running_loop()
            await wait_until_unchanged(parts.database)
            server.stop()
            await wait_until_unchanged(parts.database)
            begun_at = loop.time()
            await parts.database.wait_for_change(WAIT_SECONDS)
            assert loop.time() - begun_at >= WAIT_SECONDS * 0.9
            server.start()
            with connect(own_url) as other_connection:
                while not backends(other_connection, self.LISTENING):
                    await parts.database.wait_for_change(WAIT_SECONDS)

        with opened(own_url) as parts:
            parts.running.run(wait())

    def test_uses_one_extra_connection(self, postgres: PostgresParts, other_connection: Connection) -> None:
        async def run_many() -> int:
            await wait_until_unchanged(postgres.database)
            work = [postgres.database.write(add_pair, number) for number in range(50)]
            await all_at_once(*work)
            return len(backends(other_connection))

        assert postgres.running.run(run_many()) <= CONNECTIONS + 1
        assert len(backends(other_connection, self.LISTENING)) == 1
