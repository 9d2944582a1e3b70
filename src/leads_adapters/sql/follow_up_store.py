"""Follow-ups in their table."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Select, bindparam, func, insert, or_, select, tuple_, update

from leads_adapters.sql.driver import Driver, Row
from leads_adapters.sql.tables import follow_ups
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState, Lease, Recipient
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in follow_ups.columns}
_ADD = insert(follow_ups).values(_COLUMNS)
_BY_ID = select(follow_ups).where(follow_ups.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_UPDATE = (
    update(follow_ups)
    .where(follow_ups.c.id == bindparam("id_"))
    .values({name: column for name, column in _COLUMNS.items() if name != "id"})
)
_OF_LEAD = (
    select(follow_ups)
    .where(follow_ups.c.lead_id == bindparam("lead_id"))
    .order_by(follow_ups.c.due_at, follow_ups.c.id)
)
# The state is written out, not bound: only then do planners use the partial index.
_IS_SCHEDULED = follow_ups.c.state == FollowUpState.SCHEDULED.value
_SCHEDULED_OF_LEAD = _OF_LEAD.where(_IS_SCHEDULED).with_for_update()
_NEXT_ATTEMPT = select(func.min(follow_ups.c.next_attempt_at)).where(_IS_SCHEDULED)
_DUE = (
    select(follow_ups.c.id)
    .where(_IS_SCHEDULED, follow_ups.c.next_attempt_at <= bindparam("now"))
    .where(or_(follow_ups.c.lease_until.is_(None), follow_ups.c.lease_until <= bindparam("now")))
    .order_by(follow_ups.c.next_attempt_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    # As a subquery PostgreSQL may run it several times, and then claims more than the limit.
    .cte("due")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_CLAIM = (
    update(follow_ups)
    .where(follow_ups.c.id.in_(select(_DUE.c.id)))
    .values(
        attempts=follow_ups.c.attempts + 1,
        claims=follow_ups.c.claims + 1,
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until"),
        updated_at=bindparam("now"),
    )
    .returning(*follow_ups.columns)
)


class SqlFollowUpStore:
    """Keeps follow-ups in the table `follow_ups`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, follow_up: FollowUp) -> None:
        """See `FollowUpStore.add`."""
        self._driver.change(_ADD, **_row(follow_up))

    def get(self, id: FollowUpId) -> FollowUp:
        """See `FollowUpStore.get`."""
        return self._one(_BY_ID, id)

    def get_for_change(self, id: FollowUpId) -> FollowUp:
        """See `FollowUpStore.get_for_change`."""
        return self._one(_BY_ID_LOCKED, id)

    def save(self, follow_up: FollowUp) -> None:
        """See `FollowUpStore.save`."""
        values = _row(follow_up)
        self._driver.change(_UPDATE, id_=values.pop("id"), **values)

    def of_lead(self, lead_id: LeadId, *, after: Position | None, limit: int) -> Page[FollowUp, Position]:
        """See `FollowUpStore.of_lead`."""
        position = {"after_at": after.at, "after_id": after.id} if after else {}
        rows = self._driver.all(_page_of_lead(after is not None), lead_id=lead_id, limit=limit + 1, **position)
        items = [_follow_up(row) for row in rows[:limit]]
        return Page(items, Position(items[-1].due_at, items[-1].id) if len(rows) > limit else None)

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """See `FollowUpStore.scheduled_of_lead`."""
        return [_follow_up(row) for row in self._driver.all(_SCHEDULED_OF_LEAD, lead_id=lead_id)]

    def claim_due(self, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """See `FollowUpStore.claim_due`. One statement, so that it is atomic on every database."""
        rows = self._driver.all(_CLAIM, now=now, owner=owner, until=until, limit=limit)
        claimed = [_follow_up(row) for row in rows]
        return sorted(claimed, key=lambda follow_up: (follow_up.next_attempt_at or now, follow_up.id))

    def next_attempt_at(self) -> datetime | None:
        """See `FollowUpStore.next_attempt_at`."""
        row = self._driver.first(_NEXT_ATTEMPT)
        return row[0] if row else None

    def _one(self, statement: Executable, id: FollowUpId) -> FollowUp:
        row = self._driver.first(statement, id=id)
        if row is None:
            raise NotFound("follow-up", id)
        return _follow_up(row)


@lru_cache
def _page_of_lead(continued: bool) -> Select[Any]:
    statement = _OF_LEAD
    if continued:
        after = tuple_(
            bindparam("after_at", type_=follow_ups.c.due_at.type), bindparam("after_id", type_=follow_ups.c.id.type)
        )
        statement = statement.where(tuple_(follow_ups.c.due_at, follow_ups.c.id) > after)
    return statement.limit(bindparam("limit"))


def _row(follow_up: FollowUp) -> dict[str, Any]:
    return {
        "id": follow_up.id,
        "lead_id": follow_up.lead_id,
        "recipient": follow_up.recipient.value,
        "channel": follow_up.channel,
        "message": follow_up.message,
        "due_at": follow_up.due_at,
        "state": follow_up.state.value,
        "attempts": follow_up.attempts,
        "last_error": follow_up.last_error,
        "next_attempt_at": follow_up.next_attempt_at,
        "sent_at": follow_up.sent_at,
        "created_at": follow_up.created_at,
        "updated_at": follow_up.updated_at,
        "lease_owner": follow_up.lease.owner if follow_up.lease else None,
        "lease_until": follow_up.lease.until if follow_up.lease else None,
        "claims": follow_up.claims,
        "rule_status": follow_up.rule_status,
    }


def _follow_up(row: Row) -> FollowUp:
    (id, lead_id, recipient, channel, message, due_at, state, attempts, last_error, *rest) = row
    next_attempt_at, sent_at, created_at, updated_at, lease_owner, lease_until, claims, rule_status = rest
    return FollowUp(
        id=id,
        lead_id=lead_id,
        recipient=Recipient(recipient),
        channel=channel,
        message=message,
        due_at=due_at,
        state=FollowUpState(state),
        attempts=attempts,
        last_error=last_error,
        next_attempt_at=next_attempt_at,
        sent_at=sent_at,
        created_at=created_at,
        updated_at=updated_at,
        lease=Lease(owner=lease_owner, until=lease_until) if lease_owner else None,
        claims=claims,
        rule_status=rule_status,
    )
