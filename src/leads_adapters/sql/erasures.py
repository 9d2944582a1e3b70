"""Repeat erasures in a restored database."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from leads_adapters.backup_files import SQLITE, BackupFailed, kind_of
from leads_adapters.sql.postgres import backup as postgres_backup
from leads_adapters.sql.sqlite import backup as sqlite_backup
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.word_index import drop_deleted_words
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId

_ERASED = "SELECT lead_id, data FROM timeline WHERE type = 'lead.erased'"

Erase = Callable[..., None]
"""The use case `EraseLead`."""


def find_erased_leads(file: Path) -> list[LeadId]:
    """Return the ids of all erased leads, and of leads that were merged into them before the erasure.

    The file is a SQLite database, or a backup of SQLite or PostgreSQL. Raises `BackupFailed` for any other file.
    """
    kind = kind_of(file)
    if kind is None:
        raise BackupFailed(f"{file} is neither a SQLite database nor a backup of a PostgreSQL database.")
    if kind == SQLITE:
        rows = sqlite_backup.rows_of(file, _ERASED)
    else:
        entries = postgres_backup.rows_of(file, "timeline")
        rows = [(entry["lead_id"], entry["data"]) for entry in entries if entry["type"] == "lead.erased"]
    return [LeadId(each) for id, data in rows for each in (id, *msgspec.json.decode(data).get("merged_ids", ()))]


def erase_again(engine: Engine, erase: Erase, ids: Iterable[LeadId], actor: str) -> int:
    """Erase those leads that exist, all in one transaction, and return their number."""
    with engine.begin() as connection:
        driver_connection: Any = connection.connection.driver_connection
        work = SqlUnitOfWork(StatementRunner(driver_connection, engine.dialect, {}))
        number = sum(_erase(work, erase, id, actor) for id in ids)
        if engine.dialect.name == "sqlite":
            drop_deleted_words(driver_connection)
    return number


def _erase(work: SqlUnitOfWork, erase: Erase, id: LeadId, actor: str) -> bool:
    try:
        erase(work, id, actor=actor)
    except NotFound:
        return False
    return True
