"""Define the bodies of completions of tasks."""

from typing import Annotated, Self

import msgspec
from msgspec import UNSET, UnsetType

from leads_adapters.http.schemas.common import OR_BLANK, Outcome, Reason, Status
from leads_adapters.http.schemas.leads import LeadView
from leads_adapters.http.schemas.tasks import NextTask, TaskView
from leads_domain.use_cases.complete_task import Completion


class NewCompletion(msgspec.Struct, forbid_unknown_fields=True):
    """The outcome of a task, and what follows from it. A reason needs a status."""

    outcome: Outcome
    status: Status | None | UnsetType = UNSET
    status_reason: Annotated[Reason | None | UnsetType, OR_BLANK] = UNSET
    next: Annotated[NextTask | None | UnsetType, OR_BLANK] = UNSET


class CompletionView(msgspec.Struct):
    """A task that is done, its lead, and the next task."""

    task: TaskView
    lead: LeadView
    next: TaskView | None

    @classmethod
    def of(cls, completion: Completion) -> Self:
        """Return the view of a completion."""
        next = completion.next
        return cls(TaskView.of(completion.task), LeadView.of(completion.lead), TaskView.of(next) if next else None)
