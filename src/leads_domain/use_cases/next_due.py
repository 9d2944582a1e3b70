"""Find and update the next due time of a lead."""

from dataclasses import replace
from datetime import datetime

from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork


def next_due(work: UnitOfWork, lead_id: LeadId) -> datetime | None:
    """Return the earliest due time of the scheduled follow-ups and open tasks of a locked lead."""
    follow_ups, tasks = work.follow_ups.scheduled_of_lead(lead_id), work.tasks.open_of_lead(lead_id)
    return min([*(each.due_at for each in follow_ups[:1]), *(each.due_at for each in tasks[:1])], default=None)


def update_next_due(work: UnitOfWork, lead: Lead, now: datetime) -> None:
    """Update the next due time of a locked lead."""
    due_at = next_due(work, lead.id)
    if due_at != lead.next_follow_up_at:
        work.leads.save(replace(lead, next_follow_up_at=due_at).revised(now))


def add_due_time(work: UnitOfWork, lead: Lead, due_at: datetime, now: datetime) -> None:
    """Update the next due time of a locked lead that has got a follow-up or task due at `due_at`."""
    if lead.next_follow_up_at is None or due_at < lead.next_follow_up_at:
        work.leads.save(replace(lead, next_follow_up_at=due_at).revised(now))
