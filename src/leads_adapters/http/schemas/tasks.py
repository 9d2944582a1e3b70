"""Define the bodies of tasks."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import (
    NULL,
    OR_BLANK,
    Assignee,
    DueTime,
    Id,
    Outcome,
    TaskText,
    Utc,
)
from leads_adapters.http.schemas.views import View
from leads_domain.task import TaskState

Remind = Annotated[
    bool,
    Meta(
        description="Schedule a follow-up to the assignee, on the default channel, at the due time. False by default.",
        examples=[True],
    ),
]


class NewTask(msgspec.Struct, forbid_unknown_fields=True):
    """A task to create. By default its assignee is the owner of the lead."""

    text: TaskText
    due_at: DueTime
    assignee: Annotated[Assignee | None | UnsetType, OR_BLANK] = UNSET
    remind: Annotated[Remind | None | UnsetType, OR_BLANK] = UNSET


class NextTask(NewTask, forbid_unknown_fields=True):
    """The next task. By default its assignee is that of the completed task."""


class TaskPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Merge Patch (RFC 7396): omitted fields keep their values."""

    text: TaskText | UnsetType = UNSET
    due_at: DueTime | UnsetType = UNSET
    assignee: Assignee | UnsetType = UNSET


class TaskView(View):
    """A task."""

    id: Id
    lead_id: Id
    assignee: (
        Annotated[
            Assignee,
            Meta(description="Null for a task of a rule until the lead has an owner, who becomes the assignee."),
        ]
        | None
    )
    text: TaskText
    due_at: Utc
    state: Annotated[TaskState, Meta(examples=["open"])]
    outcome: Annotated[Outcome | None, NULL]
    done_at: Annotated[Utc | None, NULL]
    created_at: Utc
    updated_at: Utc
    version: Annotated[int, Meta(description="Increases with every change.", examples=[1])]
