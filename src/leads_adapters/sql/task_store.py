"""Store tasks in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import tasks
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, TaskQuery
from leads_domain.task import Task, TaskId, TaskState

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in tasks.columns}
_ADD = insert(tasks).values(_COLUMNS)
_BY_ID = select(tasks).where(tasks.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_UPDATE = (
    update(tasks)
    .where(tasks.c.id == bindparam("id_"))
    .values({name: column for name, column in _COLUMNS.items() if name != "id"})
)
_MOVE = update(tasks).where(tasks.c.lead_id == bindparam("from_lead")).values(lead_id=bindparam("to_lead"))
_ERASE = delete(tasks).where(tasks.c.lead_id == bindparam("lead_id"))
_OPEN_OF_LEAD = (
    select(tasks)
    .where(tasks.c.lead_id == bindparam("lead_id"), tasks.c.state == TaskState.OPEN.value)
    .order_by(tasks.c.due_at, tasks.c.id)
    .with_for_update()
)
# A recursive query steps from assignee to assignee along the index. DISTINCT would read every open task that is due.
_FIRST_KEY = select(func.min(tasks.c.assignee_key).label("key"))
_KEYS = _FIRST_KEY.cte("keys", recursive=True)
_NEXT_KEY = _FIRST_KEY.where(tasks.c.assignee_key > _KEYS.c.key).scalar_subquery()
_KEYS = _KEYS.union_all(select(_NEXT_KEY).where(_KEYS.c.key.is_not(None)))
_DUE_ASSIGNEE = (
    select(tasks.c.assignee)
    .where(
        tasks.c.assignee_key == _KEYS.c.key,
        tasks.c.state == literal_column(f"'{TaskState.OPEN.value}'"),
        tasks.c.due_at < bindparam("before"),
    )
    .order_by(tasks.c.due_at)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_ASSIGNEES_DUE = select(_KEYS.c.key, _DUE_ASSIGNEE).where(_KEYS.c.key.is_not(None))
_ID, _TEXT, _DUE_AT = map(list(_COLUMNS).index, ("id", "text", "due_at"))


class SqlTaskStore:
    """Stores tasks in the table `tasks`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, task: Task) -> None:
        """See `TaskStore.add`."""
        self._runner.change(_ADD, **_row(task))

    def get(self, id: TaskId) -> Task:
        """See `TaskStore.get`."""
        return self._get(_BY_ID, id)

    def get_for_update(self, id: TaskId) -> Task:
        """See `TaskStore.get_for_update`."""
        return self._get(_BY_ID_LOCKED, id)

    def save(self, task: Task) -> None:
        """See `TaskStore.save`."""
        values = _row(task)
        self._runner.change(_UPDATE, id_=values.pop("id"), **values)

    def page(self, query: TaskQuery) -> Page[Task, Position]:
        """See `TaskStore.page`."""
        values = _page_values(query)
        # One run for each state: each reads in the order of an index.
        runs = ({**values, "state": state.value} for state in query.states or TaskState)
        found = self._runner.page(
            _page(frozenset(values)),
            *runs,
            large=_TEXT,
            limit=query.limit,
            bytes_max=query.bytes_max,
            key=itemgetter(_DUE_AT, _ID),
        )
        items = [_task(row) for row in found.items]
        next = Position(items[-1].due_at, items[-1].id) if found.has_more else None
        return Page(items, next, found.is_cut)

    def count(self, query: TaskQuery) -> int:
        """See `TaskStore.count`."""
        values = _filter_values(query)
        statement = _count(frozenset(values))
        numbers = [self._runner.all(statement, state=state.value, **values) for state in query.states or TaskState]
        return sum(number for ((number,),) in numbers)

    def assignees_due(self, before: datetime) -> Sequence[EmailAddress]:
        """See `TaskStore.assignees_due`."""
        rows = self._runner.all(_ASSIGNEES_DUE, before=before)
        return [EmailAddress(assignee, key) for key, assignee in rows if assignee is not None]

    def open_of_lead(self, lead_id: LeadId) -> Sequence[Task]:
        """See `TaskStore.open_of_lead`."""
        return [_task(row) for row in self._runner.all(_OPEN_OF_LEAD, lead_id=lead_id)]

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `TaskStore.move`."""
        self._runner.change(_MOVE, from_lead=from_lead, to_lead=to_lead)

    def erase(self, lead_id: LeadId) -> None:
        """See `TaskStore.erase`."""
        self._runner.change(_ERASE, lead_id=lead_id)

    def _get(self, statement: Executable, id: TaskId) -> Task:
        row = self._runner.first(statement, id=id)
        if row is None:
            raise NotFound("task", id)
        return _task(row)


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "lead_id": tasks.c.lead_id == bindparam("lead_id"),
    "assignee_key": tasks.c.assignee_key == bindparam("assignee_key"),
    # Not in an index: otherwise SQLite reads all tasks of the assignee instead of the few of the lead.
    "assignee_of_lead": tasks.c.assignee_key.concat("") == bindparam("assignee_of_lead"),
    "due_from": tasks.c.due_at >= bindparam("due_from"),
    "due_before": tasks.c.due_at < bindparam("due_before"),
    "after_id": tuple_(tasks.c.due_at, tasks.c.id)
    > tuple_(bindparam("after_at", type_=tasks.c.due_at.type), bindparam("after_id", type_=tasks.c.id.type)),
}


def _page_values(query: TaskQuery) -> dict[str, Any]:
    """Return the values of the filters. Of two lower bounds, only the later one: SQLite may read from the other."""
    values = _filter_values(query)
    after = query.after
    if after is None or (query.due_from is not None and after.at < query.due_from):
        return values
    values.pop("due_from", None)
    return values | {"after_at": after.at, "after_id": after.id}


def _filter_values(query: TaskQuery) -> dict[str, Any]:
    names = ("lead_id", "assignee_key", "due_from", "due_before")
    values = {name: value for name in names if (value := getattr(query, name)) is not None}
    if values.keys() >= {"lead_id", "assignee_key"}:
        values["assignee_of_lead"] = values.pop("assignee_key")
    return values


def _conditions(filters: frozenset[str]) -> list[ColumnElement[bool]]:
    return [tasks.c.state == bindparam("state"), *(_CONDITIONS[name] for name in _CONDITIONS if name in filters)]


@lru_cache
def _page(filters: frozenset[str]) -> Select[Any]:
    ordered = select(tasks).where(*_conditions(filters)).order_by(tasks.c.due_at, tasks.c.id)
    return ordered.limit(bindparam("limit"))


@lru_cache
def _count(filters: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(tasks).where(*_conditions(filters))


def _row(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "lead_id": task.lead_id,
        "assignee": task.assignee.address if task.assignee else None,
        "assignee_key": task.assignee.key if task.assignee else None,
        "text": task.text,
        "due_at": task.due_at,
        "remind": int(task.remind),
        "state": task.state.value,
        "outcome": task.outcome,
        "done_at": task.done_at,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "version": task.version,
    }


def _task(row: Row) -> Task:
    (id, lead_id, assignee, assignee_key, text, due_at, remind, state, *rest) = row
    outcome, done_at, created_at, updated_at, version = rest
    return Task(
        id=id,
        lead_id=lead_id,
        assignee=EmailAddress(assignee, assignee_key) if assignee else None,
        text=text,
        due_at=due_at,
        remind=bool(remind),
        state=TaskState(state),
        outcome=outcome,
        done_at=done_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )
