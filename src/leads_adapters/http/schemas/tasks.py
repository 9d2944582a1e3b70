"""Define the bodies of tasks."""

from typing import Annotated

from msgspec import Meta

from leads_adapters.http.schemas.common import NULL, Assignee, Id, Outcome, TaskText, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.task import TaskState


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
