"""Assign the tasks of a lead that has got an owner."""

from dataclasses import replace
from datetime import datetime

from leads_domain.events import Event
from leads_domain.lead import Lead
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.next_due import next_due
from leads_domain.use_cases.update_reminder import UpdateReminder


def assign_tasks(
    work: UnitOfWork, lead: Lead, now: datetime, update_reminder: UpdateReminder
) -> tuple[Lead, list[Event]]:
    """Assign the open tasks of a locked lead that have no assignee to its owner, and remind the owner.

    Rules have made these tasks before the lead had an owner. Returns the lead with its next due time, and the events,
    both not stored yet.
    """
    events: list[Event] = []
    if lead.owner is None or lead.next_follow_up_at is None:
        return lead, events
    for task in work.tasks.open_of_lead(lead.id):
        if task.assignee is None:
            assigned, changes = task.change({"assignee": lead.owner}, now)
            work.tasks.save(assigned)
            events += [*changes, *update_reminder(work, lead, task, assigned, now)]
    return replace(lead, next_follow_up_at=next_due(work, lead.id)) if events else lead, events
