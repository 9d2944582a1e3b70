"""Complete a task: record its outcome, change the status of the lead, and create the next task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict, cast

from leads_domain.checking import check_fields, check_text, missing_fields, optional
from leads_domain.details import REASON_MAX, Details
from leads_domain.errors import FieldError
from leads_domain.events import Event
from leads_domain.lead import Lead, Precondition, any_version
from leads_domain.pipeline import Status
from leads_domain.ports import UnitOfWork
from leads_domain.task import OUTCOME_MAX, Task, TaskId
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.cancel_follow_ups import cancel_reminders
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.change_task import lock_task
from leads_domain.use_cases.create_task import CreateTask, TaskDetails, TaskInput, first_assignee
from leads_domain.use_cases.next_due import next_due


class CompletionInput(TypedDict, total=False):
    """A completion as a client requests it. All except the outcome can be left out or null."""

    outcome: str
    status: Status | None
    status_reason: str | None
    next: TaskInput | None


class CompletionDetails(TypedDict, total=False):
    """A completion after validation."""

    outcome: str
    status: Status | None
    status_reason: str | None
    next: TaskDetails | None


@dataclass(frozen=True, slots=True)
class Completion:
    """A completed task, its lead, and the next task if there is one, all as stored."""

    task: Task
    lead: Lead
    next: Task | None


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """Complete an open task, all or nothing: a transition that the pipeline does not allow leaves the task open.

    Its scheduled reminder is cancelled. By default the next task has the same assignee, else the owner of the lead.
    """

    change_lead: ChangeLead
    create_task: CreateTask

    def check(self, values: CompletionInput) -> CompletionDetails:
        """Return the validated values; raises `ValidationFailed` with all errors."""
        errors = missing_fields(values, "outcome") + self._status_errors(values)
        return cast(CompletionDetails, check_fields(values, _RULES, self.create_task, *errors))

    def __call__(
        self,
        work: UnitOfWork,
        id: TaskId,
        values: CompletionInput,
        *,
        actor: str,
        precondition: Precondition = any_version,
    ) -> Completion:
        """Return what is stored.

        Raises `NotFound`, `VersionMismatch` for the task, `ValidationFailed`, `IllegalTaskState` unless the task is
        open, or `IllegalTransition`.
        """
        details = self.check(values)
        lead, task = lock_task(work, id)
        task.check_version(precondition)
        now = self.change_lead.clock.now()
        done, events = task.complete(details["outcome"], now)
        reason = details.get("status_reason")
        changes = Details(status_reason=reason) if reason else Details()
        changed, lead_events = self.change_lead.apply(work, lead, details.get("status"), changes, now)
        work.tasks.save(done)
        events += [*cancel_reminders(work, lead.id, id, now), *lead_events]
        next, next_events = self._create_next(work, changed, done, details.get("next"), now)
        changed = replace(changed, next_follow_up_at=next_due(work, lead.id))
        if changed != lead:
            changed = changed.revised(now)
            work.leads.save(changed)
        add_events(work, lead.id, [*events, *next_events], now=now, actor=actor, ids=self.change_lead.ids)
        return Completion(done, changed, next)

    def _status_errors(self, values: CompletionInput) -> list[FieldError]:
        status = values.get("status")
        if status is not None:
            return [*self.change_lead.pipeline.status_errors(status)]
        if (values.get("status_reason") or "").strip():
            return [FieldError("/status_reason", "Only a change of the status has a reason. Send `status` as well.")]
        return []

    def _create_next(
        self, work: UnitOfWork, lead: Lead, done: Task, details: TaskDetails | None, now: datetime
    ) -> tuple[Task | None, list[Event]]:
        if details is None:
            return None, []
        assignee = first_assignee(details.get("assignee"), done.assignee, lead.owner, pointer="/next/assignee")
        return self.create_task.create(work, lead, assignee, details, now)


_RULES: Mapping[str, Callable[[Any, CreateTask], object]] = {
    "outcome": lambda text, _: check_text(text, max_length=OUTCOME_MAX),
    "status": lambda status, _: status,
    "status_reason": optional(lambda text, _: check_text(text, max_length=REASON_MAX)),
    "next": lambda task, create_task: None if task is None else create_task.check(task),
}
