"""Test the statistics with which SQLite chooses an index."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from application import Application
from builders import a_lead, an_email, an_id
from databases import engine_of, sqlite_database
from leads_adapters.sql.copying import copy_database
from leads_adapters.sql.sqlite import statistics
from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_adapters.sql.sqlite.driver import driver
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery
from leads_domain.ports import UnitOfWork

INDEXES = {*statistics._INDEXES}


@pytest.fixture(autouse=True)
def lower_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Update statistics for as few leads as a test has."""
    monkeypatch.setattr(statistics, "LEADS_MIN", 2)
    monkeypatch.setattr(statistics, "_CHECK_EVERY_ROWS", 5)


def some_leads(first: int, last: int) -> Iterator[Lead]:
    for number in range(first, last + 1):
        email = an_email(f"{number}@example.com")
        yield a_lead(id=an_id(number), email=email, source=f"source-{number}", do_not_contact=True)


def add(work: UnitOfWork, first: int, last: int) -> None:
    work.leads.add_many(list(some_leads(first, last)))


def rows(file: Path, statement: str) -> list[Any]:
    with closing(driver.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        return list(connection.execute(statement))


def counted(file: Path) -> dict[str, int]:
    """Return the number of leads of each index in the statistics; empty without statistics."""
    if not rows(file, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"):
        return {}
    return {index: int(stat.split()[0]) for index, stat in rows(file, "SELECT idx, stat FROM sqlite_stat1")}


async def counting_finished(database: SqliteDatabase) -> None:
    """Wait for a running update of the statistics."""
    if database._statistics._task is not None:
        await database._statistics._task


def test_index_statistics_are_updated_when_leads_grow_by_half(tmp_path: Path) -> None:
    found = []
    with sqlite_database(tmp_path) as database:
        assert isinstance(database.database, SqliteDatabase)
        for first, last in ((1, 2), (3, 10), (11, 15), (16, 22)):
            database.write(add, first, last)
            database.run(counting_finished(database.database))
            database.read_long(lambda work: work.leads.page(LeadQuery(source="source-1")))
            found.append(counted(tmp_path / "leads.db"))
    assert found == [{}, *(dict.fromkeys(INDEXES, number) for number in (10, 10, 22))]


def test_index_statistics_are_updated_on_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_CHECK_EVERY_ROWS", 1_000)
    with sqlite_database(tmp_path) as database:
        database.write(add, 1, 3)
        assert counted(tmp_path / "leads.db") == {}
    assert counted(tmp_path / "leads.db") == dict.fromkeys(INDEXES, 3)


def test_a_copy_has_index_statistics(tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as database:
        database.write(add, 1, 3)
    copy = tmp_path / "copy.db"
    source, target = engine_of(tmp_path / "leads.db"), engine_of(copy)
    copy_database(source, target, lambda *_: None)
    source.dispose()
    target.dispose()
    assert counted(copy) == dict.fromkeys(INDEXES, 3)


def test_index_statistics_have_no_sample_of_an_erased_lead(tmp_path: Path) -> None:
    file = tmp_path / "leads.db"
    with sqlite_database(tmp_path) as database:
        assert isinstance(database.database, SqliteDatabase)
        app = Application(database)
        for mark in ("mark-a", "mark-b", "mark-c"):
            email, owner = f"{mark}@example.com", f"{mark}@example.org"
            john = app.register(email=email, source=mark, owner=owner, do_not_contact=True).lead
        database.run(counting_finished(database.database))
        if rows(file, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'"):  # the fallback has no histograms
            assert any(b"mark-c" in sample for (sample,) in rows(file, "SELECT sample FROM sqlite_stat4"))
        app.erase(john)
    assert counted(file) == {**dict.fromkeys(INDEXES, 3), **dict.fromkeys(statistics._PERSONAL_INDEXES, 2)}
    assert b"mark-c" not in file.read_bytes()
