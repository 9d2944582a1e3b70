"""Check that failures are reported to every caller."""

import asyncio
from pathlib import Path

import pytest

from contracts.database import (
    add,
    all_at_once,
    ids,
)
from databases import engine_of
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from sqlite_parts import SqliteParts


def test_a_stop_iteration_error_reaches_every_caller(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    def stop(_: UnitOfWork) -> None:
        raise StopIteration

    async def stop_and_add() -> list[object]:
        work = all_at_once(database.write(stop), database.write(add, 1))
        return await asyncio.wait_for(work, 2)

    stopped, added = sqlite.running.run(stop_and_add())
    assert isinstance(stopped, Exception)
    assert added == 1


def test_a_file_without_tables_is_unavailable(tmp_path: Path) -> None:
    with SqliteParts.opened(engine_of(tmp_path / "empty.db")) as sqlite:
        with pytest.raises(Unavailable, match="no such table"):
            sqlite.running.read(ids)
        with pytest.raises(Unavailable, match="no such table"):
            sqlite.running.write(add, 1)
