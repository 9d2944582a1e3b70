"""Assign the tasks of a lead that has got an owner."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from leads_domain.events import Event
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, all_items
from leads_domain.ports import UnitOfWork
from leads_domain.reminder import remind
from leads_domain.sources import IdSource
from leads_domain.task import Task, TaskId
from leads_domain.use_cases.cancel_follow_ups import cancel_all
from leads_domain.use_cases.next_due import next_due


def assign_tasks(
    work: UnitOfWork, before: Lead | None, lead: Lead, ids: IdSource, now: datetime
) -> tuple[Lead, list[Event]]:
    """Assign the open tasks of a locked lead that have no assignee to its first owner, and remind the owner.

    Rules have made these tasks while the lead had no owner: nothing happens if the lead `before` had one. It is None in
    a merge, which can bring such tasks to a lead with an owner. Returns the lead with its next due time, and the
    events, both not stored yet.
    """
    if (before and before.owner) or lead.owner is None or lead.next_follow_up_at is None:
        return lead, []
    events: list[Event] = []
    if unassigned := [task for task in work.tasks.open_of_lead(lead.id) if task.assignee is None]:
        reminders = _reminders(work, lead.id)
        for task in unassigned:
            assigned, changes = task.change({"assignee": lead.owner}, now)
            work.tasks.save(assigned)
            events += [*changes, *_replace(work, reminders.get(task.id, ()), assigned, lead, ids, now)]
        lead = replace(lead, next_follow_up_at=next_due(work, lead.id))
    return lead, events


def _reminders(work: UnitOfWork, lead_id: LeadId) -> dict[TaskId, list[FollowUp]]:
    """Return the reminders that were not sent by their tasks. All are read at once: there may be many."""
    query = FollowUpQuery(lead_id=lead_id, states=(FollowUpState.FAILED,), limit=LIMIT_MAX)
    failed = all_items(lambda after: work.follow_ups.page(replace(query, after=after)))
    reminders: dict[TaskId, list[FollowUp]] = {}
    for each in chain(work.follow_ups.scheduled_of_lead(lead_id), failed):
        if each.task_id:
            reminders.setdefault(each.task_id, []).append(each)
    return reminders


def _replace(
    work: UnitOfWork, reminders: Sequence[FollowUp], task: Task, lead: Lead, ids: IdSource, now: datetime
) -> list[Event]:
    """Cancel the reminders to the owner, and schedule one to the assignee."""
    if not reminders:
        return []
    cancelled = cancel_all(work, [each for each in reminders if each.state is FollowUpState.SCHEDULED], now)
    reminder, events = remind(task, lead, reminders[0].channel, FollowUpId(ids.new()), now)
    work.follow_ups.add(reminder)
    return cancelled + events
