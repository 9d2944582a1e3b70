"""Store idempotency records in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, delete, func, literal_column, null, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import idempotency_records
from leads_domain.errors import RequestInProgress
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import LeadId

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in idempotency_records.columns}
_KEY = tuple_(idempotency_records.c.caller, idempotency_records.c.key)
_TRY_LOCK = select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("claimed"), literal_column("0"))))
_BY_KEY = select(idempotency_records).where(
    idempotency_records.c.caller == bindparam("caller"), idempotency_records.c.key == bindparam("key")
)
_ERASE = (
    update(idempotency_records)
    .where(idempotency_records.c.lead_id == bindparam("erased_id"))
    .values(fingerprint=null(), sealed=null())
)
_TIMES = select(idempotency_records.c.created_at).where(idempotency_records.c.lead_id == bindparam("lead_id"))
_DELETE_EXPIRED = delete(idempotency_records).where(
    _KEY.in_(
        select(idempotency_records.c.caller, idempotency_records.c.key)
        .where(idempotency_records.c.created_at <= bindparam("before"))
        .order_by(idempotency_records.c.created_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)  # another unit of work may be deleting the same rows
    )
)
_STORE: dict[str, Executable] = {
    dialect: insert(idempotency_records)
    .values(_COLUMNS)
    .on_conflict_do_update(
        index_elements=["caller", "key"],
        set_={name: column for name, column in _COLUMNS.items() if name not in ("caller", "key")},
    )
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


class SqlIdempotencyStore:
    """Stores records in the table `idempotency_records`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def claim(self, caller: str, key: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore.claim`.

        SQLite has one writer at a time, so the transaction is the lock. PostgreSQL cannot lock a row that does not
        exist yet, so this takes an advisory lock. The lock has its own statement: the following one then sees the
        record of the previous holder.
        """
        if self._runner.dialect == "postgresql" and self._runner.first(_TRY_LOCK, claimed=f"{caller} {key}") != (True,):
            raise RequestInProgress(key)
        row = self._runner.first(_BY_KEY, caller=caller, key=key)
        return IdempotencyRecord(**dict(zip(_COLUMNS, row, strict=True))) if row else None

    def store(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.store`."""
        self._runner.change(_STORE[self._runner.dialect], **{name: getattr(record, name) for name in _COLUMNS})

    def erase(self, lead_id: LeadId) -> None:
        """See `IdempotencyStore.erase`."""
        self._runner.change(_ERASE, erased_id=lead_id)

    def creation_times(self, lead_id: LeadId) -> Sequence[datetime]:
        """See `IdempotencyStore.creation_times`."""
        return [at for (at,) in self._runner.all(_TIMES, lead_id=lead_id)]

    def delete_expired(self, *, before: datetime, limit: int) -> None:
        """See `IdempotencyStore.delete_expired`."""
        self._runner.change(_DELETE_EXPIRED, before=before, limit=limit)
