"""Define the filters of lists of tasks, which both lists share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar.di import Provide
from litestar.params import FromQuery, QueryParameter
from msgspec import UNSET, Meta

from leads_adapters.database import Database
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.pages import json_page, read_page
from leads_adapters.http.pagination import Cursors, page_response
from leads_adapters.http.query import invalid_parameter
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.common import ADDRESS, Time
from leads_adapters.http.schemas.tasks import TaskView
from leads_adapters.http.schemas.views import PageView
from leads_domain.checking import check_fields, check_time
from leads_domain.errors import ValidationFailed
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Normalizer
from leads_domain.task import TaskState
from leads_domain.use_cases.find_tasks import ListTasks

InStates = Annotated[
    tuple[TaskState, ...],
    Meta(description="Only tasks in one of these states."),
    QueryParameter(name="state"),  # Litestar reserves the argument `state`
]
OfAssignee = Annotated[
    str,
    Meta(description="Only tasks whose assignee has this e-mail address, in any spelling.", extra_json_schema=ADDRESS),
]
Overdue = Annotated[bool, Meta(description="Only open tasks whose due time has passed.")]
DueFrom = Annotated[Time, Meta(description="Only tasks that are due at this time or later.")]
DueBefore = Annotated[Time, Meta(description="Only tasks that are due before this time.")]

_RULES: Mapping[str, Callable[[Any, Normalizer], object]] = {
    "assignee": lambda address, normalizer: normalizer.email(address).key,
    "due_from": lambda at, _: check_time(at),
    "due_before": lambda at, _: check_time(at),
}


@dataclass(frozen=True, slots=True)
class FilteredTasks:
    """The query for the filters of a request, and the means to run it."""

    database: Database
    list_tasks: ListTasks
    query: TaskQuery
    overdue: bool

    async def page(
        self, request: ApiRequest, lead: LeadId | None, *, limit: int, cursor: str | None, count: bool
    ) -> JsonResponse[PageView[TaskView]]:
        """Return a page of the tasks of a lead, or of all leads."""
        query = replace(self.query, lead_id=lead)
        cursors = Cursors.of_positions("tasks", query, self.overdue)
        query = replace(query, limit=limit, after=cursors.decode(cursor))

        def read(work: UnitOfWork, bytes_max: int) -> Page[bytes, Position]:
            page = self.list_tasks(work, replace(query, bytes_max=bytes_max), overdue=self.overdue)
            return json_page(page, TaskView.of)

        page = await read_page(self.database, read)
        total = await self.database.read_long(self.list_tasks.count, query, overdue=self.overdue) if count else UNSET
        return page_response(request, cursors, page, total)


def filtered_tasks_provider(database: Database, normalizer: Normalizer, list_tasks: ListTasks) -> Provide:
    """Return the provider of `FilteredTasks`. It raises `MalformedRequest` if a filter is invalid."""

    def provide(
        states: InStates = (),
        assignee: FromQuery[OfAssignee | None] = None,
        overdue: FromQuery[Overdue] = False,
        due_from: FromQuery[DueFrom | None] = None,
        due_before: FromQuery[DueBefore | None] = None,
    ) -> FilteredTasks:
        values = {"assignee": assignee, "due_from": due_from, "due_before": due_before}
        sent: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        try:
            checked = check_fields(sent, _RULES, normalizer)
        except ValidationFailed as invalid:
            raise invalid_parameter(invalid) from None
        key = checked.pop("assignee", None)
        query = TaskQuery(states=tuple(dict.fromkeys(states)), assignee_key=key, **checked)
        return FilteredTasks(database, list_tasks, query, overdue)

    return Provide(provide, sync_to_thread=False)
