"""Reschedule, edit, cancel or retry a follow-up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_text, check_time
from leads_domain.errors import AddressBounced, DoNotContact, TaskHasEnded
from leads_domain.events import Event
from leads_domain.follow_up import MESSAGE_MAX, FollowUp, FollowUpId, FollowUpState, Recipient
from leads_domain.lead import Lead
from leads_domain.notifier import Address
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.task import Task, TaskState
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.next_due import update_next_due
from leads_domain.use_cases.trigger_follow_up import Channels

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
    channels: Channels

    def __call__(self, work: UnitOfWork, id: FollowUpId, action: FollowUpAction, *, actor: str) -> FollowUp:
        """Return the stored follow-up.

        Raises `NotFound`, `IllegalFollowUpState`, `AttemptInProgress`, `DoNotContact` for a message to a lead that has
        opted out, and for a retry also `TaskHasEnded` or `AddressBounced`.
        """
        lead = lock_lead(work, work.follow_ups.get(id).lead_id)
        now = self.clock.now()
        follow_up = work.follow_ups.get_for_update(id)
        changed, events = action(follow_up, now)
        if lead.do_not_contact and changed.state is FollowUpState.SCHEDULED and changed.is_for(lead):
            raise DoNotContact
        if follow_up.state is FollowUpState.FAILED:
            self._check_retry(work, follow_up, lead)
        if events:
            work.follow_ups.save(changed)
            update_next_due(work, lead, now)
            add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)
        return changed

    def _check_retry(self, work: UnitOfWork, follow_up: FollowUp, lead: Lead) -> None:
        if follow_up.task_id is not None:
            _check_open(work.tasks.get(follow_up.task_id), follow_up)
        needs = self.channels.get(follow_up.channel)
        if needs is Address.EMAIL and follow_up.recipient == Recipient.LEAD and lead.email_bounced:
            raise AddressBounced(follow_up.state)


def _check_open(task: Task, reminder: FollowUp) -> None:
    if task.state is not TaskState.OPEN:
        raise TaskHasEnded(reminder.state, task.state)
