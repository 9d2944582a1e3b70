"""Test the states and the events of a task."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from builders import NOON, a_task, an_email, an_id
from leads_domain.errors import IllegalTaskState, VersionMismatch
from leads_domain.events import Event, EventType
from leads_domain.lead import LeadId
from leads_domain.task import Task, TaskId, TaskState
from strategies import tasks

LATER = NOON + timedelta(hours=1)
DONE = a_task(state=TaskState.DONE, outcome="They buy.", done_at=LATER, updated_at=LATER, version=2)
CANCELLED = a_task(state=TaskState.CANCELLED, updated_at=LATER, version=2)
STEPS: dict[str, Callable[[Task], Any]] = {
    "changed": lambda task: task.change({"text": "Meet"}, LATER),
    "completed": lambda task: task.complete("They buy.", LATER),
    "cancelled": lambda task: task.cancel(LATER),
}


def test_a_new_task_is_open() -> None:
    task, events = Task.create(
        TaskId(an_id(4)),
        LeadId(an_id(1)),
        assignee=an_email("mia@example.com"),
        text="Call about the quote",
        due_at=LATER,
        remind=True,
        now=NOON,
    )
    data = {"assignee": "mia@example.com", "text": "Call about the quote", "due_at": "2026-01-05T13:00:00.000000Z"}
    assert task == a_task(due_at=LATER, remind=True)
    assert events == [Event(EventType.TASK_CREATED, {"task_id": an_id(4), **data})]


def test_completing_a_task_records_the_outcome_and_the_time() -> None:
    assert a_task().complete("They buy.", LATER) == (
        DONE,
        [Event(EventType.TASK_DONE, {"task_id": an_id(4), "outcome": "They buy."})],
    )


def test_cancelling_a_task_ends_it_without_an_outcome() -> None:
    assert a_task().cancel(LATER) == (CANCELLED, [Event(EventType.TASK_CANCELLED, {"task_id": an_id(4)})])


def test_a_change_replaces_only_the_given_fields_and_tells_the_differences() -> None:
    noah = an_email("noah@example.com")
    changed, events = a_task().change({"assignee": noah, "text": "Call about the quote", "due_at": LATER}, LATER)

    assert changed == a_task(assignee=noah, due_at=LATER, updated_at=LATER, version=2)
    differences = {
        "assignee": {"from": "mia@example.com", "to": "noah@example.com"},
        "due_at": {"from": "2026-01-05T12:00:00.000000Z", "to": "2026-01-05T13:00:00.000000Z"},
    }
    assert events == [Event(EventType.TASK_CHANGED, {"task_id": an_id(4), "changes": differences})]


def test_the_first_assignee_replaces_none() -> None:
    _, [event] = a_task(assignee=None).change({"assignee": an_email("mia@example.com")}, LATER)
    assert event.data["changes"] == {"assignee": {"from": None, "to": "mia@example.com"}}


@given(tasks())
def test_a_change_to_the_same_values_has_no_effect(task: Task) -> None:
    task = replace(task, state=TaskState.OPEN, outcome=None, done_at=None, assignee=an_email())
    assert task.change({"text": task.text, "due_at": task.due_at, "assignee": an_email()}, LATER) == (task, [])


@pytest.mark.parametrize("action", STEPS)
@pytest.mark.parametrize("ended", [DONE, CANCELLED])
def test_an_ended_task_does_not_change(ended: Task, action: str) -> None:
    with pytest.raises(IllegalTaskState, match=f"^A task that is {ended.state} cannot be {action}.$") as illegal:
        STEPS[action](ended)
    assert illegal.value.state == ended.state


@pytest.mark.parametrize("action", STEPS)
def test_a_change_is_no_earlier_than_the_last_one(action: str) -> None:
    changed, _ = STEPS[action](a_task(updated_at=LATER + timedelta(days=1)))
    assert changed.updated_at == LATER + timedelta(days=1)
    assert changed.done_at in (None, changed.updated_at)


def test_a_precondition_can_forbid_a_version() -> None:
    a_task(version=3).check_version(lambda version: version == 3)
    with pytest.raises(VersionMismatch, match=r"^The task is at version 3, ") as mismatch:
        a_task(version=3).check_version(lambda version: version == 2)
    assert mismatch.value.version == 3
