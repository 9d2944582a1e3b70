"""Store digests in SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, delete, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.claims import claim, is_free, is_scheduled
from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import digest_plan, digests
from leads_domain.contact import EmailAddress
from leads_domain.digest import Digest, DigestId, DigestState
from leads_domain.errors import NotFound
from leads_domain.follow_up import Lease

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in digests.columns}
_PLANNED_AT = select(digest_plan.c.planned_at)


def _lock(insert: Any) -> Executable:
    """Return a statement that creates the row of the plan, or locks it, and returns the time."""
    row = insert(digest_plan).values(id=literal_column("1"))
    locked = row.on_conflict_do_update(index_elements=["id"], set_={"id": literal_column("1")})
    return locked.returning(digest_plan.c.planned_at)  # type: ignore[no-any-return]


_LOCK = {"sqlite": _lock(sqlite.insert), "postgresql": _lock(postgresql.insert)}
_PLAN = update(digest_plan).values(planned_at=bindparam("at", type_=digest_plan.c.planned_at.type))
_ADD = insert(digests).values(_COLUMNS)
_BY_ID = select(digests).where(digests.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_UPDATE = (
    update(digests)
    .where(digests.c.id == bindparam("id_"))
    .values({name: column for name, column in _COLUMNS.items() if name != "id"})
)
_IS_SCHEDULED, _IS_FREE = is_scheduled(digests), is_free(digests)
_NEXT_ATTEMPT = (
    select(digests.c.next_attempt_at)
    .where(_IS_SCHEDULED, _IS_FREE)
    .order_by(digests.c.next_attempt_at)
    .limit(literal_column("1"))
)
_CLAIM = claim(digests)
_FAILED = (
    select(digests)
    .where(digests.c.state == DigestState.FAILED.value, digests.c.planned_at >= bindparam("since"))
    .order_by(digests.c.planned_at, digests.c.id)
)
_DELETE = delete(digests).where(~_IS_SCHEDULED, digests.c.planned_at < bindparam("before"))


class SqlDigestStore:
    """Stores digests in the table `digests`, and the time of the last planning in the table `digest_plan`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def planned_at(self) -> datetime | None:
        """See `DigestStore.planned_at`."""
        row = self._runner.first(_PLANNED_AT)
        return row[0] if row else None

    def planned_at_for_update(self) -> datetime | None:
        """See `DigestStore.planned_at_for_update`."""
        ((planned_at,),) = self._runner.all(_LOCK[self._runner.dialect])
        return planned_at  # type: ignore[no-any-return]

    def plan(self, at: datetime, digests: Iterable[Digest]) -> None:
        """See `DigestStore.plan`."""
        self._runner.change(_PLAN, at=at)
        self._runner.change_many(_ADD, [_row(digest) for digest in digests])

    def get(self, id: DigestId) -> Digest:
        """See `DigestStore.get`."""
        return self._get(_BY_ID, id)

    def get_for_update(self, id: DigestId) -> Digest:
        """See `DigestStore.get_for_update`."""
        return self._get(_BY_ID_LOCKED, id)

    def save(self, digest: Digest) -> None:
        """See `DigestStore.save`."""
        values = _row(digest)
        self._runner.change(_UPDATE, id_=values.pop("id"), **values)

    def next_attempt(self, now: datetime) -> datetime | None:
        """See `DigestStore.next_attempt`."""
        row = self._runner.first(_NEXT_ATTEMPT, now=now)
        return row[0] if row else None

    def claim_due(self, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[Digest]:
        """See `DigestStore.claim_due`."""
        rows = self._runner.all(_CLAIM, now=now, owner=owner, until=until, limit=limit)
        claimed = [_digest(row) for row in rows]
        return sorted(claimed, key=lambda digest: (digest.next_attempt_at or now, digest.id))

    def failed(self, since: datetime) -> Sequence[Digest]:
        """See `DigestStore.failed`."""
        return [_digest(row) for row in self._runner.all(_FAILED, since=since)]

    def delete_ended(self, before: datetime) -> None:
        """See `DigestStore.delete_ended`."""
        self._runner.change(_DELETE, before=before)

    def _get(self, statement: Executable, id: DigestId) -> Digest:
        row = self._runner.first(statement, id=id)
        if row is None:
            raise NotFound("digest", id)
        return _digest(row)


def _row(digest: Digest) -> dict[str, Any]:
    return {
        "id": digest.id,
        "recipient": digest.recipient.address,
        "recipient_key": digest.recipient.key,
        "planned_at": digest.planned_at,
        "state": digest.state.value,
        "attempts": digest.attempts,
        "last_error": digest.last_error,
        "next_attempt_at": digest.next_attempt_at,
        "updated_at": digest.updated_at,
        "lease_owner": digest.lease.owner if digest.lease else None,
        "lease_until": digest.lease.until if digest.lease else None,
        "claims": digest.claims,
    }


def _digest(row: Row) -> Digest:
    (id, recipient, key, planned_at, state, attempts, last_error, *rest) = row
    next_attempt_at, updated_at, lease_owner, lease_until, claims = rest
    return Digest(
        id=id,
        recipient=EmailAddress(recipient, key),
        planned_at=planned_at,
        state=DigestState(state),
        attempts=attempts,
        last_error=last_error,
        next_attempt_at=next_attempt_at,
        updated_at=updated_at,
        lease=Lease(owner=lease_owner, until=lease_until) if lease_owner else None,
        claims=claims,
    )
