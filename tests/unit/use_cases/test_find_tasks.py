"""Test lists of tasks of one lead or all leads."""

from datetime import timedelta
from typing import Any

import pytest

from application import Application
from builders import NOON, a_lead, an_id
from leads_domain.errors import NotFound
from leads_domain.paging import TaskQuery
from leads_domain.task import TaskState

OPEN, DONE, CANCELLED = TaskState
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def test_the_tasks_of_a_lead_are_listed_by_due_time(app: Application) -> None:
    mia = "mia@example.com"
    lead, other = app.register(owner=mia).lead, app.register(owner=mia, email="jane@example.com").lead
    late, early = app.create_task(lead, due_at=NOON + HOUR), app.create_task(lead)
    others = app.create_task(other, due_at=NOON + HOUR / 2)

    page = app.find_tasks(TaskQuery(lead_id=lead.id, limit=1))
    assert page.items == [early]
    assert app.find_tasks(TaskQuery(lead_id=lead.id, after=page.next)).items == [late]
    assert app.find_tasks(TaskQuery()).items == [early, others, late]


def test_an_unknown_lead_has_no_list_of_tasks(app: Application) -> None:
    query = TaskQuery(lead_id=a_lead(id=an_id(9)).id)
    for use_case in (app.list_tasks, app.list_tasks.count):
        with pytest.raises(NotFound, match="No lead has the id"):
            app.database.read(use_case, query)


def test_an_open_task_is_overdue_after_its_due_time(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    overdue, cancelled = app.create_task(lead), app.create_task(lead)
    app.create_task(lead, due_at=NOON + MICROSECOND)
    app.cancel_task(cancelled)
    assert app.find_tasks(TaskQuery(), overdue=True).items == []
    app.clock.advance(MICROSECOND)
    assert app.find_tasks(TaskQuery(), overdue=True).items == [overdue]
    assert len(app.find_tasks(TaskQuery()).items) == 3


def test_overdue_combines_with_other_filters(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    first = app.create_task(lead)
    second = app.create_task(lead, due_at=NOON + HOUR, assignee="noah@example.com")
    app.clock.advance(3 * HOUR)

    def overdue(**filters: Any) -> list[str]:
        found = app.find_tasks(TaskQuery(**filters), overdue=True).items
        assert app.database.read(app.list_tasks.count, TaskQuery(**filters), overdue=True) >= len(found)
        return [each.id for each in found]

    assert overdue() == [first.id, second.id]
    assert overdue(due_before=NOON + HOUR) == [first.id]
    assert overdue(due_before=NOON + 9 * HOUR) == [first.id, second.id]
    assert overdue(due_from=NOON + HOUR) == [second.id]
    assert overdue(assignee_key="noah@example.com") == [second.id]
    assert overdue(states=(OPEN, DONE)) == [first.id, second.id]
    assert overdue(states=(DONE, CANCELLED)) == []
    assert overdue(limit=1) == [first.id]


def test_the_count_has_the_tasks_of_all_pages(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    for hours in (0, 0, 1):
        app.create_task(lead, due_at=NOON + hours * HOUR)
    app.clock.advance(MICROSECOND)

    def count(*, overdue: bool = False, **filters: Any) -> int:
        return app.database.read(app.list_tasks.count, TaskQuery(**filters), overdue=overdue)

    assert app.database.read(app.list_tasks.count, TaskQuery()) == 3
    assert count(limit=1) == 3
    assert count(lead_id=lead.id, overdue=True) == 2
    assert count(states=(DONE,), overdue=True) == 0
