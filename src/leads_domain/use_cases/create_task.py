"""Create a task for a colleague."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast

from leads_domain.checking import check_fields, check_text, check_time, missing_fields, optional
from leads_domain.contact import EmailAddress
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.events import Event
from leads_domain.follow_up import FollowUpId
from leads_domain.lead import Lead, LeadId
from leads_domain.notifier import Address
from leads_domain.ports import UnitOfWork
from leads_domain.reminder import remind
from leads_domain.sources import Clock, IdSource, Normalizer
from leads_domain.task import TEXT_MAX, Task, TaskId
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.next_due import add_due_time
from leads_domain.use_cases.trigger_follow_up import Channels

FIRST_YEAR = 1970
"""The first year in which a task can be due."""


class TaskInput(TypedDict, total=False):
    """A task as a client requests it. An assignee or a choice that is left out, null or blank has a default."""

    text: str
    due_at: datetime
    assignee: str | None
    remind: bool | None


class TaskDetails(TypedDict, total=False):
    """The values of a new task after validation."""

    text: str
    due_at: datetime
    assignee: EmailAddress | None
    remind: bool | None


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Create a task, by default for the owner of the lead. A reminder goes through the default channel."""

    clock: Clock
    ids: IdSource
    normalizer: Normalizer
    channels: Channels
    default_channel: str

    def check(self, values: TaskInput) -> TaskDetails:
        """Return the validated values; raises `ValidationFailed` with all errors."""
        errors = missing_fields(values, "text", "due_at") + self._reminder_errors(values)
        return cast(TaskDetails, check_fields(values, RULES, self.normalizer, *errors))

    def __call__(self, work: UnitOfWork, lead_id: LeadId, values: TaskInput, *, actor: str) -> Task:
        """Return the stored task; raises `NotFound`, or `ValidationFailed` also if there is no assignee."""
        details = self.check(values)
        lead = work.leads.get_for_update(lead_id)
        assignee = first_assignee(details.get("assignee"), lead.owner)
        now = self.clock.now()
        task, events = self.create(work, lead, assignee, details, now)
        add_due_time(work, lead, task.due_at, now)
        add_events(work, lead_id, events, now=now, actor=actor, ids=self.ids)
        return task

    def create(
        self, work: UnitOfWork, lead: Lead, assignee: EmailAddress, details: TaskDetails, now: datetime
    ) -> tuple[Task, list[Event]]:
        """Store a task of a locked lead, and its reminder; return the task and the events.

        The next due time of the lead is not updated.
        """
        task, events = Task.create(
            TaskId(self.ids.new()),
            lead.id,
            assignee=assignee,
            text=details["text"],
            due_at=details["due_at"],
            remind=_reminds(details),
            now=now,
        )
        work.tasks.add(task)
        if task.remind:
            reminder, scheduled = remind(task, lead, self.default_channel, FollowUpId(self.ids.new()), now)
            work.follow_ups.add(reminder)
            events += scheduled
        return task, events

    def _reminder_errors(self, values: TaskInput) -> list[FieldError]:
        if not _reminds(values) or self.channels[self.default_channel] is not Address.PHONE:
            return []
        message = f"The default channel {self.default_channel} needs a phone number, and an assignee has none."
        return [FieldError("/remind", f"{message} Leave `remind` out.")]


def first_assignee(*candidates: EmailAddress | None, pointer: str = "/assignee") -> EmailAddress:
    """Return the first address; raises `ValidationFailed` if there is none."""
    for candidate in candidates:
        if candidate is not None:
            return candidate
    raise ValidationFailed.because("The lead has no owner. Set its `owner` first, or send an `assignee`.", pointer)


def _reminds(values: TaskInput | TaskDetails) -> bool:
    """Return whether the task has a reminder. By default it has none."""
    return values.get("remind") is True


RULES: Mapping[str, Callable[[Any, Normalizer], object]] = {
    "text": lambda text, _: check_text(text, max_length=TEXT_MAX),
    "due_at": lambda at, _: check_time(at, first_year=FIRST_YEAR),
    "assignee": optional(lambda text, normalizer: normalizer.email(text)),
    "remind": lambda remind, _: remind,
}
"""The rule of each value of a new task."""
