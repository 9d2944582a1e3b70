"""Find and update the next due time of a lead."""

from dataclasses import replace
from datetime import datetime

from leads_domain.lead import Lead, LeadId
from leads_domain.paging import TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.task import TaskState


def next_due(work: UnitOfWork, lead_id: LeadId) -> datetime | None:
    """Return the earliest due time of the scheduled follow-ups and open tasks of a locked lead."""
    follow_ups = work.follow_ups.scheduled_of_lead(lead_id)[:1]
    tasks = work.tasks.page(TaskQuery(lead_id=lead_id, states=(TaskState.OPEN,), limit=1)).items
    return min([*(each.due_at for each in follow_ups), *(each.due_at for each in tasks)], default=None)


def update_next_due(work: UnitOfWork, lead: Lead, now: datetime) -> None:
    """Update the next due time of a locked lead."""
    due_at = next_due(work, lead.id)
    if due_at != lead.next_follow_up_at:
        work.leads.save(replace(lead, next_follow_up_at=due_at).revised(now))
