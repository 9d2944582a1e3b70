"""Change or cancel an open task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast

from leads_domain.checking import check_fields
from leads_domain.lead import Lead, Precondition, any_version
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource, Normalizer
from leads_domain.task import Task, TaskChanges, TaskId
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.cancel_follow_ups import cancel_reminders
from leads_domain.use_cases.create_task import RULES
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.next_due import update_next_due
from leads_domain.use_cases.update_reminder import UpdateReminder


class TaskChangesInput(TypedDict, total=False):
    """Changes to an open task as a client sends them."""

    text: str
    due_at: datetime
    assignee: str


_RULES: Mapping[str, Callable[[Any, Normalizer], object]] = {
    **RULES,
    "assignee": lambda text, normalizer: normalizer.email(text),
}


@dataclass(frozen=True, slots=True)
class ChangeTask:
    """Change an open task, its reminder, and the next due time of its lead."""

    clock: Clock
    ids: IdSource
    normalizer: Normalizer
    update_reminder: UpdateReminder

    def check(self, values: TaskChangesInput) -> TaskChanges:
        """Return the validated changes; raises `ValidationFailed` with all errors."""
        return cast(TaskChanges, check_fields(values, _RULES, self.normalizer))

    def __call__(
        self,
        work: UnitOfWork,
        id: TaskId,
        values: TaskChangesInput,
        *,
        actor: str,
        precondition: Precondition = any_version,
    ) -> Task:
        """Return the stored task.

        Raises `NotFound`, `VersionMismatch`, `ValidationFailed`, or `IllegalTaskState` unless the task is open.
        """
        changes = self.check(values)
        lead, task = lock_task(work, id)
        task.check_version(precondition)
        now = self.clock.now()
        changed, events = task.change(changes, now)
        if events:
            work.tasks.save(changed)
            events += self.update_reminder(work, lead, task, changed, now)
            update_next_due(work, lead, now)
            add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)
        return changed


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Cancel an open task and its scheduled reminder, and update the next due time of its lead."""

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: TaskId, *, actor: str, precondition: Precondition = any_version) -> Task:
        """Return the stored task; raises `NotFound`, `VersionMismatch` or `IllegalTaskState`."""
        lead, task = lock_task(work, id)
        task.check_version(precondition)
        now = self.clock.now()
        cancelled, events = task.cancel(now)
        work.tasks.save(cancelled)
        events += cancel_reminders(work, lead.id, id, now)
        update_next_due(work, lead, now)
        add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)
        return cancelled


def lock_task(work: UnitOfWork, id: TaskId) -> tuple[Lead, Task]:
    """Lock and return the lead of a task, then the task; raises `NotFound`."""
    lead = lock_lead(work, work.tasks.get(id).lead_id)
    return lead, work.tasks.get_for_update(id)
