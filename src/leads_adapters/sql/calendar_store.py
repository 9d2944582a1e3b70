"""Store calendars in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, insert, null, select, tuple_, union_all, update

from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import calendars, follow_ups, leads, tasks, timeline
from leads_domain.calendar import ENTRY_TEXT_MAX, Calendar, CalendarEntry, CalendarId
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUpState
from leads_domain.paging import Page, Position
from leads_domain.task import TaskState

_ADD = insert(calendars).values({column.name: bindparam(column.name) for column in calendars.columns})
_BY_ID = select(calendars).where(calendars.c.id == bindparam("id"))
_BY_DIGEST = select(calendars).where(calendars.c.digest == bindparam("digest"))
_FIRST_PAGE = select(calendars).order_by(calendars.c.created_at, calendars.c.id).limit(bindparam("limit"))
_NEXT_PAGE = _FIRST_PAGE.where(
    tuple_(calendars.c.created_at, calendars.c.id)
    > tuple_(bindparam("after_at", type_=calendars.c.created_at.type), bindparam("after_id", type_=calendars.c.id.type))
)
_COUNT = select(func.count()).select_from(calendars)
_REVOKE = (
    update(calendars)
    .where(calendars.c.id == bindparam("id_"))
    .values(revoked_at=func.coalesce(calendars.c.revoked_at, bindparam("at", type_=calendars.c.revoked_at.type)))
)


def _first_due(items: Table, text: Any, channel: Any, recipient: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Select the entries of a table that are due first."""
    entries = (
        select(
            items.c.id.label("id"),
            leads.c.name,
            func.substr(text, 1, ENTRY_TEXT_MAX).label("text"),
            items.c.due_at.label("due_at"),
            items.c.created_at,
            items.c.updated_at.label("updated_at"),
            leads.c.updated_at.label("lead_updated_at"),
            leads.c.id.label("lead_id"),
            channel.label("channel"),
            recipient.label("recipient"),
        )
        .join_from(items, leads, leads.c.id == items.c.lead_id)
        .where(*conditions, items.c.due_at >= bindparam("due_from"))
        .order_by(items.c.due_at, items.c.id)
        .limit(bindparam("limit"))
    )
    return select(entries.subquery())


# One statement, so that a task and its lead are of the same moment on every database.
_FOUND = union_all(
    _first_due(
        tasks,
        tasks.c.text,
        null(),
        null(),
        tasks.c.assignee_key == bindparam("owner_key"),
        tasks.c.state == TaskState.OPEN.value,
    ),
    _first_due(
        follow_ups,
        follow_ups.c.message,
        follow_ups.c.channel,
        func.coalesce(follow_ups.c.recipient_address, follow_ups.c.recipient),
        leads.c.owner_key == bindparam("owner_key"),
        follow_ups.c.state == FollowUpState.SCHEDULED.value,
        follow_ups.c.task_id.is_(None),  # a reminder would show its task twice
    ),
).subquery()
_LAST_OF_TIMELINE = select(func.max(timeline.c.seq)).where(timeline.c.lead_id == _FOUND.c.lead_id).scalar_subquery()
_ENTRIES = (
    select(*(column for column in _FOUND.c if column.name != "lead_id"), func.coalesce(_LAST_OF_TIMELINE, 0))
    .order_by(_FOUND.c.due_at, _FOUND.c.id)
    .limit(bindparam("limit"))
)


class SqlCalendarStore:
    """Stores calendars in the table `calendars`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, calendar: Calendar) -> None:
        """See `CalendarStore.add`."""
        self._runner.change(
            _ADD,
            id=calendar.id,
            owner=calendar.owner.address,
            owner_key=calendar.owner.key,
            name=calendar.name,
            digest=calendar.digest,
            created_at=calendar.created_at,
            revoked_at=calendar.revoked_at,
        )

    def get(self, id: CalendarId) -> Calendar:
        """See `CalendarStore.get`."""
        row = self._runner.first(_BY_ID, id=id)
        if row is None:
            raise NotFound("calendar", id)
        return _calendar(row)

    def find_by_digest(self, digest: str) -> Calendar | None:
        """See `CalendarStore.find_by_digest`."""
        row = self._runner.first(_BY_DIGEST, digest=digest)
        return _calendar(row) if row else None

    def page(self, *, after: Position | None, limit: int) -> Page[Calendar, Position]:
        """See `CalendarStore.page`."""
        position = {} if after is None else {"after_at": after.at, "after_id": after.id}
        rows = self._runner.all(_NEXT_PAGE if position else _FIRST_PAGE, limit=limit + 1, **position)
        items = [_calendar(row) for row in rows[:limit]]
        return Page(items, Position(items[-1].created_at, items[-1].id) if len(rows) > limit else None)

    def count(self) -> int:
        """See `CalendarStore.count`."""
        ((number,),) = self._runner.all(_COUNT)
        return int(number)

    def revoke(self, id: CalendarId, at: datetime) -> None:
        """See `CalendarStore.revoke`."""
        if not self._runner.change(_REVOKE, id_=id, at=at):
            raise NotFound("calendar", id)

    def entries(self, owner_key: str, *, due_from: datetime, limit: int) -> Sequence[CalendarEntry]:
        """See `CalendarStore.entries`."""
        rows = self._runner.all(_ENTRIES, owner_key=owner_key, due_from=due_from, limit=limit)
        return [_entry(row) for row in rows]


def _calendar(row: Row) -> Calendar:
    id, owner, owner_key, name, digest, created_at, revoked_at = row
    return Calendar(
        id=id,
        owner=EmailAddress(owner, owner_key),
        name=name,
        digest=digest,
        created_at=created_at,
        revoked_at=revoked_at,
    )


def _entry(row: Row) -> CalendarEntry:
    id, lead_name, text, due_at, created_at, updated_at, lead_updated_at, channel, recipient, sequence = row
    return CalendarEntry(
        id=id,
        lead_name=lead_name,
        text=text,
        due_at=due_at,
        created_at=created_at,
        changed_at=max(updated_at, lead_updated_at),
        sequence=sequence,
        channel=channel,
        recipient=recipient,
    )
