"""Create, get, list, update, complete and cancel tasks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from litestar import Controller, Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.conditional import change_options, conditional_response
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, PathId, checked_id, lead_id
from leads_adapters.http.responses import JsonResponse, etag
from leads_adapters.http.schemas.completions import CompletionView, NewCompletion
from leads_adapters.http.schemas.tasks import NewTask, TaskPatch, TaskView
from leads_adapters.http.schemas.views import PageView
from leads_adapters.http.task_filters import FilteredTasks
from leads_domain.access import Permission
from leads_domain.paging import LIMIT_DEFAULT
from leads_domain.task import Task, TaskId
from leads_domain.use_cases.change_task import CancelTask, ChangeTask
from leads_domain.use_cases.complete_task import CompleteTask, Completion
from leads_domain.use_cases.create_task import CreateTask


@dataclass(frozen=True, slots=True)
class TaskServices:
    """The dependencies of the handlers. `on_scheduled` is called after each change, which can schedule a reminder."""

    database: Database
    write: IdempotentWrites
    create_task: CreateTask
    change_task: ChangeTask
    complete_task: CompleteTask
    cancel_task: CancelTask
    on_scheduled: Callable[[], None]


class LeadTaskController(Controller):
    """The resource `/leads/{id}/tasks`."""

    path = "/leads/{id:str}/tasks"
    tags = ("Tasks",)

    @post(opt=requires(Permission.CHANGE))
    async def create_task(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[NewTask], tasks: Injected[TaskServices]
    ) -> Response[TaskView]:
        """Create a task.

        A task is something that a person does. By default it is for the owner of the lead. It stays open until a person
        completes or cancels it.
        """
        response: Response[TaskView] = await tasks.write(
            request, _created_response, tasks.create_task, lead_id(id), sent_fields(data), actor=request.user.name
        )
        tasks.on_scheduled()
        return response

    @get(opt=requires(Permission.READ))
    async def list_tasks_of_lead(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        filtered_tasks: Injected[FilteredTasks],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
    ) -> Response[PageView[TaskView]]:
        """List the tasks of a lead.

        Ordered by due time. A task must match all filters.
        """
        return await filtered_tasks.page(request, lead_id(id), limit=limit, cursor=cursor, count=count)


class TaskController(Controller):
    """The resource `/tasks`."""

    path = "/tasks"
    tags = ("Tasks",)

    @get(opt=requires(Permission.READ))
    async def list_tasks(
        self,
        request: ApiRequest,
        filtered_tasks: Injected[FilteredTasks],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
    ) -> Response[PageView[TaskView]]:
        """List tasks.

        The tasks of all leads, ordered by due time. A task must match all filters.
        """
        return await filtered_tasks.page(request, None, limit=limit, cursor=cursor, count=count)

    @get("/{id:str}", opt=requires(Permission.READ, conditional=True))
    async def get_task(
        self, request: ApiRequest, id: FromPath[PathId], database: Injected[Database]
    ) -> Response[TaskView]:
        """Get a task."""
        task_id = _task_id(id)
        return conditional_response(request, await database.read(lambda work: work.tasks.get(task_id)), TaskView.of)

    @patch("/{id:str}", opt=requires(Permission.CHANGE, conditional=True), raises=[problems.IllegalTaskState])
    async def update_task(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[TaskPatch], tasks: Injected[TaskServices]
    ) -> Response[TaskView]:
        """Update a task.

        A JSON Merge Patch (RFC 7396) of an open task; `application/merge-patch+json` is accepted as well. The reminder
        moves along: to the new due time, with the new text, to the new assignee.
        """
        changed = await tasks.database.write(
            tasks.change_task, _task_id(id), sent_fields(data), **change_options(request)
        )
        tasks.on_scheduled()
        return _task_response(changed)

    @post(
        "/{id:str}/complete",
        status_code=200,
        opt=requires(Permission.CHANGE, conditional=True),
        raises=[problems.IllegalTaskState, problems.IllegalTransition],
    )
    async def complete_task(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[NewCompletion], tasks: Injected[TaskServices]
    ) -> Response[CompletionView]:
        """Complete a task.

        The task is done, the lead moves to `status`, and the task in `next` is created: all of it, or nothing if the
        pipeline does not allow the transition. Only an open task can be completed.
        """
        response: Response[CompletionView] = await tasks.write(
            request,
            _completion_response,
            tasks.complete_task,
            _task_id(id),
            sent_fields(data),
            **change_options(request),
        )
        tasks.on_scheduled()
        return response

    @post(
        "/{id:str}/cancel",
        status_code=200,
        opt=requires(Permission.CHANGE, conditional=True),
        raises=[problems.IllegalTaskState],
    )
    async def cancel_task(
        self, request: ApiRequest, id: FromPath[PathId], tasks: Injected[TaskServices]
    ) -> Response[TaskView]:
        """Cancel a task.

        Only an open task can be cancelled. Its reminder is cancelled as well.
        """
        return await tasks.write(request, _task_response, tasks.cancel_task, _task_id(id), **change_options(request))


def _task_id(text: str) -> TaskId:
    return TaskId(checked_id(text, "task"))


def _created_response(task: Task) -> JsonResponse[TaskView]:
    return _task_response(task, 201, {"location": f"/tasks/{task.id}"})


def _task_response(
    task: Task, status_code: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse[TaskView]:
    headers = {**etag(task.version), **(headers or {})}
    return JsonResponse(TaskView.of(task), status_code=status_code, headers=headers, lead_id=task.lead_id)


def _completion_response(completion: Completion) -> JsonResponse[CompletionView]:
    return JsonResponse(CompletionView.of(completion), status_code=200, lead_id=completion.lead.id)
