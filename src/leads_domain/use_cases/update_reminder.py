"""Update the reminder of a task that has changed."""

from dataclasses import dataclass
from datetime import datetime

from leads_domain.events import Event
from leads_domain.follow_up import FollowUp, FollowUpId
from leads_domain.lead import Lead
from leads_domain.paging import FollowUpQuery
from leads_domain.ports import UnitOfWork
from leads_domain.reminder import remind
from leads_domain.sources import IdSource
from leads_domain.task import Task
from leads_domain.use_cases.cancel_follow_ups import cancel_reminders


@dataclass(frozen=True, slots=True)
class UpdateReminder:
    """Reschedule the reminder of a task at its new due time, or replace it.

    It is replaced if text or assignee have changed, and after its first attempt has begun: that attempt could still
    succeed, and nothing would remind at the new time. If it failed, the new reminder has all attempts. If the reminder
    was sent, a later due time or another assignee gets a new one.
    """

    ids: IdSource
    default_channel: str

    def __call__(self, work: UnitOfWork, lead: Lead, before: Task, task: Task, now: datetime) -> list[Event]:
        """Store the reminder of a locked task, which was `before`; return the events."""
        if not task.remind:
            return []
        scheduled = [each for each in work.follow_ups.scheduled_of_lead(lead.id) if each.task_id == task.id]
        is_same = (task.text, task.assignee) == (before.text, before.assignee)
        if scheduled and is_same and all(each.attempts == 0 for each in scheduled):
            return _reschedule(work, scheduled, task.due_at, now)
        if not scheduled and task.assignee == before.assignee and task.due_at <= before.due_at:
            return []
        cancelled = cancel_reminders(work, lead.id, task.id, now)
        reminder, events = remind(task, lead, self._channel(work, task), FollowUpId(self.ids.new()), now)
        work.follow_ups.add(reminder)
        return cancelled + events

    def _channel(self, work: UnitOfWork, task: Task) -> str:
        """Return the channel of the first reminder, which a rule may have chosen."""
        earlier = work.follow_ups.page(FollowUpQuery(lead_id=task.lead_id, task_id=task.id, limit=1)).items
        return earlier[0].channel if earlier else self.default_channel


def _reschedule(work: UnitOfWork, reminders: list[FollowUp], due_at: datetime, now: datetime) -> list[Event]:
    events: list[Event] = []
    for reminder in reminders:
        moved, rescheduling = reminder.reschedule(now, due_at=due_at)
        work.follow_ups.save(moved)
        events += rescheduling
    return events
