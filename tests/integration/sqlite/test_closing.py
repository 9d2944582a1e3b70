"""Check that a database finishes its work before it closes."""

import asyncio
from typing import Any

import pytest

from contracts.database import (
    MANY,
    add,
    all_at_once,
    ids,
)
from leads_domain.errors import Unavailable
from sqlite_parts import SqliteParts


@pytest.mark.parametrize("run", ["read", "write"])
def test_a_closed_database_refuses_calls(sqlite: SqliteParts, run: str) -> None:
    database: Any = sqlite.running.database
    sqlite.running.run(database.close())

    with pytest.raises(Unavailable):
        sqlite.running.run(asyncio.wait_for(getattr(database, run)(ids), 2))


def test_a_database_can_be_closed_right_after_a_read(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    errors: list[object] = []

    async def read_and_close() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, error: errors.append(error))
        await database.read(ids)
        await database.close()
        await asyncio.sleep(0)

    sqlite.running.run(read_and_close())
    assert errors == []


def test_closing_finishes_running_work(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    async def write_and_close() -> list[object]:
        writes = asyncio.ensure_future(all_at_once(*(database.write(add, number) for number in range(MANY))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await database.close()
        return await writes

    assert sqlite.running.run(write_and_close()) == list(range(1, MANY + 1))
    with sqlite.other_connection() as other_connection:
        assert other_connection.execute("SELECT count(*) FROM leads").fetchone() == (MANY,)
