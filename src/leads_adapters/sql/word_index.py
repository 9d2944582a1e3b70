"""Suit the index of words to the version of SQLite: only newer ones can delete a word without leaving a trace."""

from typing import Any

from sqlalchemy import Connection, Engine, inspect

from leads_adapters.sql.sqlite.driver import driver

SECURE_DELETE = driver.sqlite_version_info >= (3, 42, 0)
"""Whether the index can delete words without a trace. If not, erasing optimizes it, which drops what was deleted."""

_FORMAT_OF_ALL_VERSIONS = "UPDATE lead_words_config SET v = 4 WHERE k = 'version'"
_SWITCH_OFF = "DELETE FROM lead_words_config WHERE k = 'secure-delete'"
_SWITCH_ON = "INSERT INTO lead_words (lead_words, rank) VALUES ('secure-delete', 1)"


def adapt_word_index(engine: Engine) -> None:
    """Rebuild the index if a version of SQLite wrote it that deletes words in another way than this one.

    An older version cannot read what a newer one wrote, and leaves traces that a newer one does not remove.
    """
    with engine.connect().execution_options(snapshot=True) as reading:  # most find it right, and need no write lock
        if _suits(reading):
            return
    with engine.begin() as connection:
        for statement in [_SWITCH_ON] if SECURE_DELETE else [_SWITCH_OFF, _FORMAT_OF_ALL_VERSIONS]:
            connection.exec_driver_sql(statement)
        rebuild_word_index(connection)


def rebuild_word_index(connection: Connection) -> None:
    """Fill the index from the words of all leads, as after an insert that did not come from the store."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO lead_words (lead_words) VALUES ('rebuild')")


def _suits(connection: Connection) -> bool:
    """Return whether this version of SQLite can use the index, or there is none: not yet, or not on SQLite."""
    if not inspect(connection).has_table("lead_words_config"):
        return True
    switched = connection.exec_driver_sql("SELECT v FROM lead_words_config WHERE k = 'secure-delete'").scalar()
    return (switched == 1) == SECURE_DELETE


def drop_deleted_words(connection: Any) -> None:
    """Remove what is deleted from the index, if it was only marked as deleted."""
    if not SECURE_DELETE:
        connection.execute("INSERT INTO lead_words (lead_words) VALUES ('optimize')")
