"""Provide a SQLite database with access to its connections, and two applications on one database."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from application import Application
from databases import RunningDatabase, database_url, engine_of, sqlite_file
from leads_app.factories import make_database, make_engine
from sqlite_parts import SqliteParts


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteParts]:
    """Open the service's database on a migrated file."""
    with SqliteParts.opened(engine_of(sqlite_file(tmp_path))) as parts:
        yield parts


@pytest.fixture(params=["sqlite", "postgresql"])
def apps(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Application]]:
    """Return two applications on one database, with different ids."""
    with ExitStack() as stack:
        url = stack.enter_context(database_url(request.param, tmp_path))
        assert url is not None
        runner = stack.enter_context(asyncio.Runner())
        running = [RunningDatabase(make_database(make_engine(url)), runner) for _ in range(2)]
        apps = [Application(each) for each in running]
        apps[1].ids.given_out = 10_000_000
        yield apps
        for each in running:
            each.run(each.database.close())
