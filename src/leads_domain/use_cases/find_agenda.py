"""Find what people must look at today: their tasks, and messages that failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from leads_domain.follow_up import FollowUp
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task, TaskState
from leads_domain.use_cases.find_leads import find_leads

RECENTLY = timedelta(days=7)
"""The time for which a failure is shown."""

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Listed(Generic[ItemT]):
    """The first items of a list, and the number of all."""

    items: Sequence[ItemT]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The open tasks that are overdue or due later today, the follow-ups that failed lately, and their leads.

    Tasks are ordered by due time. The last failure comes first.
    """

    overdue: Listed[Task]
    due_today: Listed[Task]
    failed: Listed[FollowUp]
    leads: Mapping[LeadId, Lead]

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to look at."""
        return not (self.overdue.total or self.due_today.total or self.failed.total)


def find_agenda(work: UnitOfWork, person: str | None, *, now: datetime, end_of_day: datetime, limit: int) -> Agenda:
    """Return the agenda of the person with this e-mail key, or of all people, with up to `limit` items of each list.

    A person has the tasks assigned to them, and the failed follow-ups of the leads they own.
    """
    open_tasks = TaskQuery(states=(TaskState.OPEN,), assignee_key=person, limit=limit)
    overdue = _tasks(work, replace(open_tasks, due_before=now))
    due_today = _tasks(work, replace(open_tasks, due_from=now, due_before=end_of_day))
    since = now - RECENTLY
    failed = Listed(
        work.follow_ups.recently_failed(since, owner_key=person, limit=limit),
        work.follow_ups.count_recently_failed(since, owner_key=person),
    )
    ids = {each.lead_id for each in (*overdue.items, *due_today.items)} | {each.lead_id for each in failed.items}
    return Agenda(overdue=overdue, due_today=due_today, failed=failed, leads=find_leads(work, ids))


def _tasks(work: UnitOfWork, query: TaskQuery) -> Listed[Task]:
    return Listed(work.tasks.page(query).items, work.tasks.count(query))
