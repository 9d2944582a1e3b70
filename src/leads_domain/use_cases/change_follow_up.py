"""Reschedule, reword, cancel or retry a follow-up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypedDict, cast

from leads_domain.checking import check_members, check_text, check_time
from leads_domain.errors import Merged
from leads_domain.events import Event, entries
from leads_domain.follow_up import MESSAGE_MAX, FollowUp, FollowUpId
from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource

Step = Callable[[FollowUp, datetime], tuple[FollowUp, list[Event]]]
"""A change of a follow-up at a moment: `FollowUp.cancel`, `FollowUp.retry`, or a rescheduling."""


class FollowUpChanges(TypedDict, total=False):
    """What can be changed of a scheduled follow-up."""

    due_at: datetime
    message: str


_RULES: Mapping[str, Callable[[Any, None], object]] = {
    "due_at": lambda at, _: check_time(at),
    "message": lambda text, _: check_text(text, max_length=MESSAGE_MAX),
}


def check_follow_up_changes(given: FollowUpChanges) -> FollowUpChanges:
    """Return the changes as they would be stored; raises `ValidationFailed` with every error."""
    return cast(FollowUpChanges, check_members(given, _RULES, None))


def rescheduling(given: FollowUpChanges) -> Step:
    """Return the step that makes these changes; raises `ValidationFailed`."""
    return partial(FollowUp.reschedule, **check_follow_up_changes(given))


@dataclass(frozen=True, slots=True)
class ChangeFollowUp:
    """Take one step with a follow-up, and update its lead's next due time."""

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: FollowUpId, step: Step, *, actor: str) -> FollowUp:
        """Return the follow-up as it is stored; raises `NotFound`, `IllegalFollowUpState` or `AttemptUnderWay`."""
        lead = lead_for_change(work, id)
        now = self.clock.now()
        changed, events = step(work.follow_ups.get_for_change(id), now)
        if events:
            work.follow_ups.save(changed)
            keep_next_due(work, lead, now)
            work.timeline.add(entries(lead.id, events, at=now, actor=actor, ids=self.ids))
        return changed


def lead_for_change(work: UnitOfWork, id: FollowUpId) -> Lead:
    """Return the lead of a follow-up for a change. Use cases that change both lock the lead first.

    Raises `NotFound`. The lead that was looked up may be merged into another one before it is locked.
    """
    lead_id = work.follow_ups.get(id).lead_id
    while True:
        try:
            return work.leads.get_for_change(lead_id)
        except Merged as merged:
            lead_id = LeadId(merged.into)


def keep_next_due(work: UnitOfWork, lead: Lead, now: datetime) -> None:
    """Store the next due time of a lead that was got for a change."""
    scheduled = work.follow_ups.scheduled_of_lead(lead.id)
    due_at = scheduled[0].due_at if scheduled else None
    if due_at != lead.next_follow_up_at:
        work.leads.save(replace(lead, next_follow_up_at=due_at).revised(now))
