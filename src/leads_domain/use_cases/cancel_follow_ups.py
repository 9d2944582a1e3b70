"""Cancel scheduled follow-ups of a lead."""

from collections.abc import Iterable
from datetime import datetime

from leads_domain.events import Event
from leads_domain.follow_up import FollowUp
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.task import TaskId


def cancel_messages(work: UnitOfWork, lead_id: LeadId, now: datetime, *, is_closed: bool) -> list[Event]:
    """Cancel the scheduled follow-ups of an old status, of a closed lead all of them; return the events.

    Reminders are not cancelled: they belong to their tasks, which stay open.
    """
    scheduled = work.follow_ups.scheduled_of_lead(lead_id)
    messages = [each for each in scheduled if each.task_id is None and (is_closed or each.rule_status is not None)]
    return cancel_all(work, messages, now)


def cancel_reminders(work: UnitOfWork, lead_id: LeadId, task_id: TaskId, now: datetime) -> list[Event]:
    """Cancel the scheduled reminders of a task; return the events."""
    scheduled = work.follow_ups.scheduled_of_lead(lead_id)
    return cancel_all(work, [each for each in scheduled if each.task_id == task_id], now)


def cancel_all(work: UnitOfWork, follow_ups: Iterable[FollowUp], now: datetime) -> list[Event]:
    """Cancel scheduled follow-ups of a locked lead. A current attempt continues, but its outcome is not recorded."""
    events: list[Event] = []
    for follow_up in follow_ups:
        cancelled, cancellation = follow_up.cancel(now)
        work.follow_ups.save(cancelled)
        events += cancellation
    return events
