"""Adapt the word index to the version of SQLite: only versions from 3.42 can delete words securely."""

from typing import Any

from sqlalchemy import Connection, Engine, inspect

from leads_adapters.sql.sqlite.driver import driver

SECURE_DELETE = driver.sqlite_version_info >= (3, 42, 0)
"""True if the index can delete words securely. Otherwise, an erasure optimizes the index, which drops deleted words."""

_FORMAT_OF_ALL_VERSIONS = "UPDATE lead_words_config SET v = 4 WHERE k = 'version'"
_DISABLE_SECURE_DELETE = "DELETE FROM lead_words_config WHERE k = 'secure-delete'"
_ENABLE_SECURE_DELETE = "INSERT INTO lead_words (lead_words, rank) VALUES ('secure-delete', 1)"


def adapt_word_index(engine: Engine) -> None:
    """Rebuild the index if it was written by a version of SQLite that deletes words differently.

    An older version cannot read the index of a newer one. A newer version does not remove the deleted words that an
    older one left.
    """
    with engine.connect().execution_options(
        snapshot=True
    ) as reading:  # usually there is nothing to do: avoid the write lock
        if _is_compatible(reading):
            return
    with engine.begin() as connection:
        for statement in (
            [_ENABLE_SECURE_DELETE] if SECURE_DELETE else [_DISABLE_SECURE_DELETE, _FORMAT_OF_ALL_VERSIONS]
        ):
            connection.exec_driver_sql(statement)
        rebuild_word_index(connection)


def rebuild_word_index(connection: Connection) -> None:
    """Fill the index from the words of all leads, as needed after inserts that bypass the store."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO lead_words (lead_words) VALUES ('rebuild')")


def _is_compatible(connection: Connection) -> bool:
    """Return whether this version of SQLite can use the index, or the database has none."""
    if not inspect(connection).has_table("lead_words_config"):
        return True
    setting = connection.exec_driver_sql("SELECT v FROM lead_words_config WHERE k = 'secure-delete'").scalar()
    return (setting == 1) == SECURE_DELETE


def drop_deleted_words(connection: Any) -> None:
    """Remove words from the index that are only marked as deleted."""
    if not SECURE_DELETE:
        connection.execute("INSERT INTO lead_words (lead_words) VALUES ('optimize')")
