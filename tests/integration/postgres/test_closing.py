"""Check that a database finishes its work before it closes."""

import asyncio
from typing import Any

import pytest

from contracts.database import MANY, all_at_once, ids
from leads_domain.errors import Unavailable
from postgres_parts import Connection, PostgresParts, add_pair, backends, wait_until


@pytest.mark.parametrize("run", ["read", "write"])
def test_a_closed_database_refuses_calls(postgres: PostgresParts, run: str) -> None:
    database: Any = postgres.database
    postgres.running.run(database.close())
    with pytest.raises(Unavailable, match="closed"):
        postgres.running.run(asyncio.wait_for(getattr(database, run)(ids), 2))


def test_closing_finishes_running_work(postgres: PostgresParts, other_connection: Connection) -> None:
    async def close_at_once() -> list[object]:
        writes = [asyncio.ensure_future(postgres.database.write(add_pair, number)) for number in range(MANY)]
        reads = [asyncio.ensure_future(postgres.database.read(lambda work: 0)) for _ in range(MANY)]
        await asyncio.sleep(0)
        await postgres.database.close()
        assert all(each.done() for each in [*writes, *reads])
        return await all_at_once(*writes, *reads)

    assert postgres.running.run(close_at_once()) == [*range(MANY), *[0] * MANY]
    postgres.running.run(wait_until(lambda: not backends(other_connection)))
    assert other_connection.execute("SELECT count(*) FROM leads").fetchone() == (2 * MANY,)
