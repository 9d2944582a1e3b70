"""The contract of the `TaskStore` port."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given

from builders import NOON, a_lead, a_task, an_email, an_id
from contracts.stores import LARGE, ON_ONE_DATABASE, SMALL, StoreContract, all_pages, assert_pages_end_by_size, text_of
from databases import RunningDatabase
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task, TaskId, TaskState
from strategies import tasks

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
LEAD, OTHER_LEAD = LeadId(an_id(1)), LeadId(an_id(2))
NUMBERS = count(1000)
MIA, NOAH = an_email("mia@example.com"), an_email("Noah@example.com")
STATES: list[dict[str, Any]] = [
    {},
    {"state": TaskState.DONE, "outcome": "They buy.", "done_at": NOON},
    {"state": TaskState.CANCELLED},
]


def add(work: UnitOfWork, *tasks: Task) -> None:
    """Add tasks."""
    for task in tasks:
        work.tasks.add(task)


def get(work: UnitOfWork, id: str) -> Task:
    """Return a task."""
    return work.tasks.get(TaskId(id))


def save(work: UnitOfWork, task: Task) -> None:
    """Lock a task, and store it."""
    work.tasks.get_for_update(task.id)
    work.tasks.save(task)


def page(work: UnitOfWork, query: TaskQuery) -> Page[Task, Position]:
    """Return a page of tasks."""
    return work.tasks.page(query)


def number_of(work: UnitOfWork, query: TaskQuery) -> int:
    """Return the number of tasks that match the query."""
    return work.tasks.count(query)


def of_lead(work: UnitOfWork, lead: LeadId) -> Sequence[Task]:
    """Return all tasks of a lead."""
    return page(work, TaskQuery(lead_id=lead)).items


def open_of_lead(work: UnitOfWork, lead: LeadId) -> Sequence[Task]:
    """Return the open tasks of a lead."""
    return work.tasks.open_of_lead(lead)


def a_sequence(size: int) -> list[Task]:
    """Return tasks of one lead. The first is due at noon, each other one minute after the previous."""
    return [a_task(id=an_id(number), due_at=NOON + number * MINUTE) for number in range(size)]


class TaskStoreContract(StoreContract):
    """See `StoreContract`. The database contains two leads."""

    @pytest.fixture(autouse=True)
    def _leads(self, database: RunningDatabase) -> None:
        database.write(lambda work: work.leads.add(a_lead(id=LEAD)))
        database.write(lambda work: work.leads.add(a_lead(id=OTHER_LEAD, email=an_email("jane@example.com"))))

    @ON_ONE_DATABASE
    @given(tasks(), tasks())
    def test_returns_every_task_as_it_was_added_and_saved(
        self, database: RunningDatabase, before: Task, after: Task
    ) -> None:
        before = replace(before, id=TaskId(an_id(next(NUMBERS))), lead_id=LEAD)
        after = replace(after, id=before.id, lead_id=LEAD)
        database.write(add, before)
        assert database.read(get, before.id) == before

        database.write(save, after)
        assert database.read(get, before.id) == after

    def test_does_not_find_an_unknown_task(self, database: RunningDatabase) -> None:
        with pytest.raises(NotFound) as missing:
            database.read(get, an_id(9))
        assert (missing.value.kind, missing.value.id) == ("task", an_id(9))
        with pytest.raises(NotFound, match=f"No task has the id {an_id(9)}."):
            database.write(lambda work: work.tasks.get_for_update(TaskId(an_id(9))))

    def test_locks_a_task_and_returns_it_unchanged(self, database: RunningDatabase) -> None:
        database.write(add, a_task())

        assert database.write(lambda work: work.tasks.get_for_update(a_task().id)) == a_task()

    def test_saves_only_the_given_task(self, database: RunningDatabase) -> None:
        sequence = a_sequence(3)
        database.write(add, *sequence)
        database.write(save, replace(sequence[1], text="Changed"))

        assert database.read(of_lead, LEAD) == [sequence[0], replace(sequence[1], text="Changed"), sequence[2]]

    def test_finds_the_open_tasks_of_a_lead_by_due_time_then_id(self, database: RunningDatabase) -> None:
        sequence = a_sequence(4)
        sequence[2] = replace(sequence[2], due_at=sequence[1].due_at, assignee=None)
        ended = [a_task(id=an_id(10 + number), **state) for number, state in enumerate(STATES[1:])]
        other = a_task(id=an_id(20), lead_id=OTHER_LEAD)
        database.write(add, *ended, other, sequence[2], sequence[0], sequence[3], sequence[1])

        assert list(database.write(open_of_lead, LEAD)) == sequence
        assert list(database.write(open_of_lead, OTHER_LEAD)) == [other]
        assert list(database.write(open_of_lead, LeadId(an_id(3)))) == []

    @pytest.mark.parametrize("states", [(), (TaskState.OPEN, TaskState.CANCELLED)])
    def test_pages_end_by_the_size_of_the_tasks(self, database: RunningDatabase, states: tuple[TaskState, ...]) -> None:
        sizes = [SMALL, LARGE, SMALL, SMALL] * 4
        stored = [
            replace(each, text=text_of(size), **STATES[2 * (number % 2)])
            for number, (each, size) in enumerate(zip(a_sequence(len(sizes)), sizes, strict=True))
        ]
        database.write(add, *stored)

        def page_of(after: Position | None, limit: int, bytes_max: int) -> Page[Task, Position]:
            return database.read(page, TaskQuery(states=states, after=after, limit=limit, bytes_max=bytes_max))

        assert_pages_end_by_size(page_of, stored, sizes)

    @pytest.mark.parametrize("size", [1, 3, 7, 100])
    def test_combines_all_filters_page_by_page(self, database: RunningDatabase, size: int) -> None:
        stored = [
            a_task(
                id=an_id(100 + number),
                lead_id=(LEAD, OTHER_LEAD)[number % 2],
                assignee=(MIA, NOAH, None)[number % 3],
                due_at=NOON + number % 5 * MINUTE,
                **STATES[number // 2 % 3],
            )
            for number in range(60)
        ]
        database.write(add, *stored[::2], *stored[1::2])
        for lead_id, states, assignee_key, (due_from, due_before) in product(
            (None, LEAD),
            ((), (TaskState.DONE,), (TaskState.OPEN, TaskState.CANCELLED)),
            (None, NOAH.key, "nobody@example.com"),
            self._ranges(),
        ):
            query = TaskQuery(
                lead_id=lead_id,
                states=states,
                assignee_key=assignee_key,
                due_from=due_from,
                due_before=due_before,
                limit=size,
            )
            expected = [
                each
                for each in stored
                if lead_id in (None, each.lead_id)
                and (not states or each.state in states)
                and assignee_key in (None, each.assignee and each.assignee.key)
                and (due_from is None or each.due_at >= due_from)
                and (due_before is None or each.due_at < due_before)
            ]
            expected.sort(key=lambda each: (each.due_at, each.id))

            def after(position: Position | None, query: TaskQuery = query) -> Page[Task, Position]:
                return database.read(page, replace(query, after=position))

            assert all_pages(after, size=size) == expected
            assert database.read(number_of, query) == len(expected)

    @staticmethod
    def _ranges() -> list[tuple[datetime | None, datetime | None]]:
        middle = NOON + 2 * MINUTE
        return [(None, None), (None, middle), (middle, None), (middle, middle + MICROSECOND), (middle, middle)]

    def test_moves_only_the_tasks_of_the_given_lead_unchanged(self, database: RunningDatabase) -> None:
        moved = [a_task(id=an_id(number), **state) for number, state in enumerate(STATES)]
        other = a_task(id=an_id(9), lead_id=OTHER_LEAD)
        database.write(add, *moved, other)
        database.write(lambda work: work.tasks.move(LEAD, OTHER_LEAD))

        assert database.read(of_lead, LEAD) == []
        assert database.read(of_lead, OTHER_LEAD) == [*(replace(each, lead_id=OTHER_LEAD) for each in moved), other]

    def test_erases_only_the_tasks_of_the_given_lead(self, database: RunningDatabase) -> None:
        erased = [a_task(id=an_id(number), **state) for number, state in enumerate(STATES)]
        other = a_task(id=an_id(9), lead_id=OTHER_LEAD)
        database.write(add, *erased, other)
        database.write(lambda work: work.tasks.erase(LEAD))

        assert database.read(page, TaskQuery()).items == [other]

    def test_finds_the_assignees_of_open_tasks_that_are_due(self, database: RunningDatabase) -> None:
        mia_again = EmailAddress("MIA@example.com", MIA.key)
        oma = an_email("oma@example.com")
        tasks = [
            *a_sequence(3),
            a_task(id=an_id(3), assignee=NOAH, due_at=NOON + MINUTE, lead_id=OTHER_LEAD),
            a_task(id=an_id(4), assignee=mia_again),
            a_task(id=an_id(5), assignee=None),
            *(a_task(id=an_id(10 + number), assignee=oma, **state) for number, state in enumerate(STATES[1:])),
        ]
        database.write(add, *tasks)

        def assignees(before: datetime) -> list[str]:
            found = database.read(lambda work: work.tasks.assignees_due(before))
            assert {str(each) for each in found} <= {str(MIA), str(mia_again), str(NOAH)}
            return sorted(each.key for each in found)

        assert assignees(NOON) == []
        assert assignees(NOON + MICROSECOND) == [MIA.key]
        assert assignees(NOON + MINUTE) == [MIA.key]
        assert assignees(NOON + MINUTE + MICROSECOND) == [MIA.key, NOAH.key]
