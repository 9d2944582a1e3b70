"""Tasks: what a person must do about a lead, with a due time. The service only reminds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, TypedDict

from leads_domain.contact import EmailAddress
from leads_domain.errors import IllegalTaskState, VersionMismatch
from leads_domain.events import Event, EventType, Json, rfc3339
from leads_domain.lead import LeadId, Precondition

TaskId = NewType("TaskId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

TEXT_MAX = 1_000
OUTCOME_MAX = 1_000


class TaskState(StrEnum):
    """The state of a task: `open`, and then exactly one of the other two."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskChanges(TypedDict, total=False):
    """Validated changes to an open task. A field that is left out keeps its value."""

    text: str
    due_at: datetime
    assignee: EmailAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that a person must do about a lead. It stays open, and then overdue, until a person completes it.

    `assignee` is None only for a task that a rule has created for the owner of a lead without an owner. With `remind`,
    a follow-up reminds the assignee at the due time. Only a task that is done has `outcome` and `done_at`. `version`
    counts the changes.
    """

    id: TaskId
    lead_id: LeadId
    assignee: EmailAddress | None
    text: str
    due_at: datetime
    remind: bool = False
    state: TaskState = TaskState.OPEN
    outcome: str | None = None
    done_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(
        cls,
        id: TaskId,
        lead_id: LeadId,
        *,
        assignee: EmailAddress | None,
        text: str,
        due_at: datetime,
        remind: bool,
        now: datetime,
    ) -> tuple["Task", list[Event]]:
        """Return a new task. If `due_at` is in the past, it is overdue immediately."""
        task = cls(
            id=id,
            lead_id=lead_id,
            assignee=assignee,
            text=text,
            due_at=due_at,
            remind=remind,
            created_at=now,
            updated_at=now,
        )
        return task, [task._event(EventType.TASK_CREATED, **_content(task))]

    def check_version(self, precondition: Precondition) -> None:
        """Raise `VersionMismatch` unless the precondition permits this version."""
        if not precondition(self.version):
            raise VersionMismatch(self.version, "task")

    def change(self, changes: TaskChanges, now: datetime) -> tuple["Task", list[Event]]:
        """Replace the fields in `changes`; raises `IllegalTaskState` unless the task is open."""
        self._check_open("changed")
        changed = replace(self, **changes)
        if changed == self:
            return self, []
        before, after = _content(self), _content(changed)
        differences: dict[str, Json] = {
            field: {"from": before[field], "to": after[field]} for field in before if before[field] != after[field]
        }
        return self._revised(now, **changes), [self._event(EventType.TASK_CHANGED, changes=differences)]

    def complete(self, outcome: str, now: datetime) -> tuple["Task", list[Event]]:
        """Mark the task as done, with the outcome; raises `IllegalTaskState` unless it is open."""
        self._check_open("completed")
        done = self._revised(now, state=TaskState.DONE, outcome=outcome, done_at=max(now, self.updated_at))
        return done, [self._event(EventType.TASK_DONE, outcome=outcome)]

    def cancel(self, now: datetime) -> tuple["Task", list[Event]]:
        """Cancel the task; raises `IllegalTaskState` unless it is open."""
        self._check_open("cancelled")
        return self._revised(now, state=TaskState.CANCELLED), [self._event(EventType.TASK_CANCELLED)]

    def _check_open(self, action: str) -> None:
        if self.state is not TaskState.OPEN:
            raise IllegalTaskState(self.state, action)

    def _revised(self, now: datetime, **values: Any) -> "Task":
        """Return the next version. A change is no earlier than the last one, even if the clock was set back."""
        return replace(self, updated_at=max(now, self.updated_at), version=self.version + 1, **values)

    def _event(self, type: EventType, **data: Json) -> Event:
        return Event(type, {"task_id": self.id, **data})


def _content(task: Task) -> Mapping[str, Json]:
    assignee = str(task.assignee) if task.assignee else None
    return {"assignee": assignee, "text": task.text, "due_at": rfc3339(task.due_at)}
