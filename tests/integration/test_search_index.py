"""Test the word index on SQLite: tables that triggers update."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from builders import a_lead, an_email, an_id
from databases import engine_of, sqlite_file
from leads_adapters.sql import word_index
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.word_index import adapt_word_index, drop_deleted_words
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery

SPOKEN_OF = a_lead(name="Xanthippe Zanzibar", email=an_email("quetzal@example.com"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Create a migrated file."""
    engine = engine_of(sqlite_file(tmp_path))
    yield engine
    engine.dispose()


def add(engine: Engine, *leads: Lead) -> None:
    """Add leads."""
    with engine.begin() as connection:
        work = SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, engine.dialect, {}))
        for lead in leads:
            work.leads.add(lead)


def change(engine: Engine, changed: Lead) -> None:
    """Update a lead."""
    with engine.begin() as connection:
        SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, engine.dialect, {})).leads.save(changed)


def found(engine: Engine, *words: str) -> list[str]:
    """Return the names of the leads with these words."""
    with engine.connect() as connection:
        work = SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, engine.dialect, {}))
        return [lead.name for lead in work.leads.page(LeadQuery(words=tuple((word,) for word in words))).items]


def execute(engine: Engine, statement: str) -> None:
    """Run a statement without the service, outside a transaction."""
    pooled: Any = engine.raw_connection()
    pooled.driver_connection.execute(statement)
    pooled.close()


def check(engine: Engine) -> None:
    """Let SQLite compare the index with the leads; raise an error if they differ."""
    execute(engine, "INSERT INTO lead_words (lead_words, rank) VALUES ('integrity-check', 1)")


def index_bytes(engine: Engine) -> bytes:
    """Return all bytes of the index."""
    with engine.connect() as connection:
        return b"".join(block for (block,) in connection.exec_driver_sql("SELECT block FROM lead_words_data").all())


def many_leads() -> list[Lead]:
    """Return enough leads for several segments of the index."""
    return [
        a_lead(id=an_id(number), name=f"Doe {number}", email=an_email(f"{number}@example.com"))
        for number in range(10, 300)
    ]


def test_the_index_has_exactly_the_stored_leads_of_a_batch(engine: Engine) -> None:
    add(engine, SPOKEN_OF)
    batch = [
        *many_leads(),
        a_lead(id=an_id(300), name="Wendelin", email=SPOKEN_OF.email),
        a_lead(id=an_id(301), name="Yolanda"),
    ]
    with engine.begin() as connection:
        runner = StatementRunner(connection.connection.driver_connection, engine.dialect, {})
        SqlUnitOfWork(runner).leads.add_many(batch)
    assert [found(engine, word) for word in ("zanz", "296", "wendelin", "yolanda")] == [
        [SPOKEN_OF.name],
        ["Doe 296"],
        [],
        ["Yolanda"],
    ]
    check(engine)


@pytest.mark.parametrize("gone", ["changed", "deleted"])
def test_unused_words_are_removed_from_the_index(engine: Engine, gone: str) -> None:
    for lead in (*many_leads(), SPOKEN_OF):
        add(engine, lead)
    assert all(word in index_bytes(engine) for word in (b"anthippe", b"anzibar", b"uetzal"))

    if gone == "changed":
        change(engine, replace(SPOKEN_OF, name="Jane", email=an_email("jane@example.com")))
    else:
        execute(engine, f"DELETE FROM leads WHERE id = '{SPOKEN_OF.id}'")
    with engine.begin() as connection:
        drop_deleted_words(connection.connection.driver_connection)
    assert not any(part in index_bytes(engine) for part in (b"anthi", b"anzi", b"uetz"))
    check(engine)


def test_an_index_of_another_version_of_sqlite_is_rebuilt(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    add(engine, *many_leads(), SPOKEN_OF)
    with monkeypatch.context() as older:
        older.setattr("leads_adapters.sql.word_index.SECURE_DELETE", False)
        adapt_word_index(engine)
        assert found(engine, "zanz") == [SPOKEN_OF.name]
        change(engine, replace(SPOKEN_OF, name="Jane"))
        assert b"anzi" in index_bytes(engine), "it is only marked as deleted"
    adapt_word_index(engine)
    if word_index.SECURE_DELETE:
        assert b"anzi" not in index_bytes(engine)
    check(engine)


@pytest.mark.parametrize("vacuum", ["VACUUM", "VACUUM INTO '{copy}'"])
def test_the_index_matches_the_leads_after_a_vacuum(engine: Engine, tmp_path: Path, vacuum: str) -> None:
    add(engine, *many_leads(), SPOKEN_OF)
    execute(engine, "DELETE FROM leads WHERE name LIKE '%5%'")
    copy = tmp_path / "copy.db"
    execute(engine, vacuum.format(copy=copy))

    for each in [engine, *([engine_of(copy)] if copy.exists() else [])]:
        assert found(each, "zanz") == [SPOKEN_OF.name]
        assert found(each, "296") == ["Doe 296"]
        check(each)


def test_an_index_that_does_not_match_the_leads_is_reported(engine: Engine) -> None:
    add(engine, SPOKEN_OF)
    execute(engine, "DROP TRIGGER lead_words_change")
    change(engine, replace(SPOKEN_OF, name="Jane"))

    with pytest.raises(Exception, match="malformed"):
        check(engine)
