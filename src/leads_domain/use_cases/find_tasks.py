"""List and count tasks."""

from dataclasses import dataclass, replace

from leads_domain.paging import Page, Position, TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.task import Task, TaskState


@dataclass(frozen=True, slots=True)
class ListTasks:
    """List tasks by due time. A task is overdue if it is open and past its due time."""

    clock: Clock

    def __call__(self, work: UnitOfWork, query: TaskQuery, *, overdue: bool = False) -> Page[Task, Position]:
        """Return a page of tasks; raises `NotFound` if the lead of the query does not exist."""
        store_query = self._store_query(work, query, overdue)
        return work.tasks.page(store_query) if store_query else Page([], None)

    def count(self, work: UnitOfWork, query: TaskQuery, *, overdue: bool = False) -> int:
        """Return the number of tasks on all pages; raises `NotFound` if the lead of the query does not exist."""
        store_query = self._store_query(work, query, overdue)
        return work.tasks.count(store_query) if store_query else 0

    def _store_query(self, work: UnitOfWork, query: TaskQuery, overdue: bool) -> TaskQuery | None:
        """Return the query for the store; None if no task can match."""
        if query.lead_id is not None:
            work.leads.get(query.lead_id)
        if not overdue:
            return query
        if query.states and TaskState.OPEN not in query.states:
            return None
        now = self.clock.now()
        return replace(query, states=(TaskState.OPEN,), due_before=min(query.due_before or now, now))
