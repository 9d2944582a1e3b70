"""Store calendars in a dictionary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from leads_domain.calendar import ENTRY_TEXT_MAX, Calendar, CalendarEntry, CalendarId
from leads_domain.errors import NotFound
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import Page, Position
from leads_domain.task import Task, TaskId, TaskState


class MemoryCalendarStore:
    """A store of calendars in a dictionary. Their entries come from the other stores."""

    def __init__(
        self,
        stored: dict[CalendarId, Calendar],
        leads: Mapping[LeadId, Lead],
        tasks: Mapping[TaskId, Task],
        follow_ups: Mapping[FollowUpId, FollowUp],
        timeline: Sequence[TimelineEntry],
    ) -> None:
        self._stored = stored
        self._leads = leads
        self._tasks = tasks
        self._follow_ups = follow_ups
        self._timeline = timeline

    def add(self, calendar: Calendar) -> None:
        """See `CalendarStore.add`."""
        self._stored[calendar.id] = calendar

    def get(self, id: CalendarId) -> Calendar:
        """See `CalendarStore.get`."""
        if id not in self._stored:
            raise NotFound("calendar", id)
        return self._stored[id]

    def find_by_digest(self, digest: str) -> Calendar | None:
        """See `CalendarStore.find_by_digest`."""
        return next((each for each in self._stored.values() if each.digest == digest), None)

    def page(self, *, after: Position | None, limit: int) -> Page[Calendar, Position]:
        """See `CalendarStore.page`."""
        found = sorted(
            (
                each
                for each in self._stored.values()
                if after is None or (each.created_at, each.id) > (after.at, after.id)
            ),
            key=lambda each: (each.created_at, each.id),
        )
        items = found[:limit]
        return Page(items, Position(items[-1].created_at, items[-1].id) if len(found) > limit else None)

    def count(self) -> int:
        """See `CalendarStore.count`."""
        return len(self._stored)

    def revoke(self, id: CalendarId, at: datetime) -> None:
        """See `CalendarStore.revoke`."""
        calendar = self.get(id)
        self._stored[id] = replace(calendar, revoked_at=calendar.revoked_at or at)

    def entries(self, owner_key: str, *, due_from: datetime, limit: int) -> Sequence[CalendarEntry]:
        """See `CalendarStore.entries`."""
        found = [*self._open_tasks(owner_key), *self._scheduled_follow_ups(owner_key)]
        due = sorted((each for each in found if each.due_at >= due_from), key=lambda each: (each.due_at, each.id))
        return due[:limit]

    def _open_tasks(self, owner_key: str) -> Iterator[CalendarEntry]:
        for task in self._tasks.values():
            if task.state is TaskState.OPEN and task.assignee and task.assignee.key == owner_key:
                yield self._entry(task, task.text)

    def _scheduled_follow_ups(self, owner_key: str) -> Iterator[CalendarEntry]:
        for each in self._follow_ups.values():
            owner = self._leads[each.lead_id].owner
            is_reminder = each.task_id is not None
            if each.state is FollowUpState.SCHEDULED and not is_reminder and owner and owner.key == owner_key:
                yield self._entry(each, each.message, channel=each.channel, recipient=str(each.recipient))

    def _entry(self, item: Task | FollowUp, text: str, **fields: str) -> CalendarEntry:
        lead = self._leads[item.lead_id]
        of_lead = (number for number, each in enumerate(self._timeline, 1) if each.lead_id == lead.id)
        return CalendarEntry(
            id=item.id,
            lead_name=lead.name,
            text=text[:ENTRY_TEXT_MAX],
            due_at=item.due_at,
            created_at=item.created_at,
            changed_at=max(item.updated_at, lead.updated_at),
            sequence=max(of_lead, default=0),
            **fields,
        )
