"""Store tasks in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from leads_adapters.memory.sizes import json_size
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, TaskQuery, cut
from leads_domain.task import Task, TaskId, TaskState


class MemoryTaskStore:
    """A store of tasks in a dictionary."""

    def __init__(self, stored: dict[TaskId, Task]) -> None:
        self._stored = stored

    def add(self, task: Task) -> None:
        """See `TaskStore.add`."""
        self._stored[task.id] = task

    save = add

    def get(self, id: TaskId) -> Task:
        """See `TaskStore.get`."""
        if id not in self._stored:
            raise NotFound("task", id)
        return self._stored[id]

    get_for_update = get

    def page(self, query: TaskQuery) -> Page[Task, Position]:
        """See `TaskStore.page`."""
        found = sorted(
            (
                each
                for each in self._matching(query)
                if query.after is None or (each.due_at, each.id) > (query.after.at, query.after.id)
            ),
            key=lambda each: (each.due_at, each.id),
        )
        page = cut(((each, json_size(each.text)) for each in found), limit=query.limit, bytes_max=query.bytes_max)
        next = Position(page.items[-1].due_at, page.items[-1].id) if page.has_more else None
        return Page(page.items, next, page.is_cut)

    def count(self, query: TaskQuery) -> int:
        """See `TaskStore.count`."""
        return len(self._matching(query))

    def assignees_due(self, before: datetime) -> Sequence[EmailAddress]:
        """See `TaskStore.assignees_due`."""
        due = (each for each in self._stored.values() if each.state is TaskState.OPEN and each.due_at < before)
        return [*{each.assignee.key: each.assignee for each in due if each.assignee}.values()]

    def open_of_lead(self, lead_id: LeadId) -> Sequence[Task]:
        """See `TaskStore.open_of_lead`."""
        return self.page(TaskQuery(lead_id=lead_id, states=(TaskState.OPEN,), limit=len(self._stored))).items

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `TaskStore.move`."""
        for each in self._matching(TaskQuery(lead_id=from_lead)):
            self._stored[each.id] = replace(each, lead_id=to_lead)

    def erase(self, lead_id: LeadId) -> None:
        """See `TaskStore.erase`."""
        for each in self._matching(TaskQuery(lead_id=lead_id)):
            del self._stored[each.id]

    def _matching(self, query: TaskQuery) -> list[Task]:
        return [
            each
            for each in self._stored.values()
            if query.lead_id in (None, each.lead_id)
            and (not query.states or each.state in query.states)
            and query.assignee_key in (None, each.assignee and each.assignee.key)
            and (query.due_from is None or each.due_at >= query.due_from)
            and (query.due_before is None or each.due_at < query.due_before)
        ]
