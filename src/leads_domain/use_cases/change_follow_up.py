"""Reschedule, edit, cancel or retry a follow-up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_text, check_time
from leads_domain.errors import Merged
from leads_domain.events import Event
from leads_domain.follow_up import MESSAGE_MAX, FollowUp, FollowUpId
from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.use_cases.add_events import add_events

FollowUpAction = Callable[[FollowUp, datetime], tuple[FollowUp, list[Event]]]
"""A function that changes a follow-up at a time: `FollowUp.cancel`, `FollowUp.retry`, or the result of `reschedule`."""


class FollowUpChangesInput(TypedDict, total=False):
    """Changes to a scheduled follow-up as a client sends them."""

    due_at: datetime
    message: str


_RULES: Mapping[str, Callable[[Any, None], object]] = {
    "due_at": lambda at, _: check_time(at),
    "message": lambda text, _: check_text(text, max_length=MESSAGE_MAX),
}


def check_follow_up_changes(values: FollowUpChangesInput) -> FollowUpChangesInput:
    """Return the validated changes; raises `ValidationFailed` with all errors."""
    return check_fields(values, _RULES, None)


def reschedule(values: FollowUpChangesInput) -> FollowUpAction:
    """Return the action that makes these changes; raises `ValidationFailed`."""
    return partial(FollowUp.reschedule, **check_follow_up_changes(values))


@dataclass(frozen=True, slots=True)
class ChangeFollowUp:
    """Change a follow-up, and update the next due time of its lead."""

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: FollowUpId, action: FollowUpAction, *, actor: str) -> FollowUp:
        """Return the stored follow-up; raises `NotFound`, `IllegalFollowUpState` or `AttemptInProgress`."""
        lead = lock_lead_of(work, id)
        now = self.clock.now()
        changed, events = action(work.follow_ups.get_for_update(id), now)
        if events:
            work.follow_ups.save(changed)
            update_next_due(work, lead, now)
            add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)
        return changed


def lock_lead_of(work: UnitOfWork, id: FollowUpId) -> Lead:
    """Lock and return the lead of a follow-up; raises `NotFound`.

    Use cases that change both lock the lead first. If the lead is merged before it is locked, the target is locked.
    """
    lead_id = work.follow_ups.get(id).lead_id
    while True:
        try:
            return work.leads.get_for_update(lead_id)
        except Merged as merged:
            lead_id = LeadId(merged.into)


def update_next_due(work: UnitOfWork, lead: Lead, now: datetime) -> None:
    """Update the next due time of a locked lead."""
    scheduled = work.follow_ups.scheduled_of_lead(lead.id)
    due_at = scheduled[0].due_at if scheduled else None
    if due_at != lead.next_follow_up_at:
        work.leads.save(replace(lead, next_follow_up_at=due_at).revised(now))
