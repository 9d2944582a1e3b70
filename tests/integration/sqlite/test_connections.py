"""Check the settings of connections, and which versions of SQLite are used."""

from typing import Any

import pytest
from sqlalchemy import URL

from builders import a_follow_up
from contracts.database import add, ids
from leads_adapters.sql.sqlite.driver import check_version, driver, journal_mode
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_domain.errors import Unavailable
from sqlite_parts import SqliteParts


def pragma(connection: Any, name: str) -> object:
    """Return a setting of a connection."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_every_connection_has_durable_and_strict_settings(sqlite: SqliteParts, role: str) -> None:
    connection = getattr(sqlite, role)

    assert pragma(connection, "journal_mode") == journal_mode().lower()
    assert pragma(connection, "synchronous") == 2
    assert pragma(connection, "foreign_keys") == 1
    assert pragma(connection, "temp_store") == 2, "temporary files would hold personal data"
    # The writer waits only in a helper thread, for which it is given time then.
    assert pragma(connection, "busy_timeout") == (5000 if role == "reader" else 0)


def test_the_reading_connection_cannot_write(sqlite: SqliteParts) -> None:
    assert pragma(sqlite.reader, "query_only") == 1
    with pytest.raises(Unavailable):
        sqlite.running.read(add, 1)
    assert sqlite.running.read(ids) == []


def test_a_follow_up_without_a_lead_is_refused(sqlite: SqliteParts) -> None:
    with pytest.raises(driver.IntegrityError, match="FOREIGN KEY"):
        sqlite.running.write(lambda work: work.follow_ups.add(a_follow_up()))


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 7, 0), "DELETE"),
        ((3, 40, 1), "DELETE"),
        ((3, 51, 2), "DELETE"),
        ((3, 51, 3), "WAL"),
        ((3, 52, 0), "WAL"),
        ((4, 0, 0), "WAL"),
    ],
)
def test_a_version_that_can_corrupt_a_write_ahead_log_uses_a_rollback_journal(
    version: tuple[int, ...], mode: str
) -> None:
    assert journal_mode(version) == mode


def test_a_too_old_version_of_sqlite_is_refused() -> None:
    check_version((3, 38, 0))
    with pytest.raises(ValueError, match=r"SQLite 3\.34\.1; leads needs 3\.38\.0"):
        check_version((3, 34, 1))


@pytest.mark.parametrize("database", [None, "", ":memory:"])
def test_a_database_without_a_file_is_refused(database: str | None) -> None:
    with pytest.raises(ValueError, match="Name a file"):
        sqlite_engine(URL.create("sqlite", database=database))
