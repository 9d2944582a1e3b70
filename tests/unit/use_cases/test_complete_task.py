"""Test how a task is completed, together with the status of its lead and the next task."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application import ACTOR, Application
from builders import NOON, a_rule, a_task, an_email, an_id
from leads_domain.errors import (
    FieldError,
    IllegalTaskState,
    IllegalTransition,
    NotFound,
    ValidationFailed,
    VersionMismatch,
)
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.task import Task, TaskState

HOUR = timedelta(hours=1)
NEXT: dict[str, Any] = {"text": "Send the offer", "due_at": NOON + 24 * HOUR}
SCHEDULED, SENT, FAILED, CANCELLED = FollowUpState


@pytest.fixture
def lead(app: Application) -> Lead:
    """Create a lead of Mia."""
    return app.register(owner="mia@example.com").lead


@pytest.fixture
def task(app: Application, lead: Lead) -> Task:
    """Create a task of Noah with a reminder at 1 p.m."""
    return app.create_task(lead, assignee="noah@example.com", due_at=NOON + HOUR)


def test_a_task_is_done_with_its_outcome(app: Application, lead: Lead, task: Task) -> None:
    lead = app.lead(lead)
    now = app.clock.advance(HOUR)
    completion = app.complete_task(task, outcome=" Call\nagain ")

    done = replace(task, state=TaskState.DONE, outcome="Call\nagain", done_at=now, updated_at=now, version=2)
    assert completion.task == app.task(task) == done
    assert completion.lead == app.lead(lead) == replace(lead, next_follow_up_at=None, version=3, updated_at=now)
    assert completion.next is None
    entry = next(each for each in app.timeline(lead) if each.type is EventType.TASK_DONE)
    assert (entry.at, entry.actor, entry.data) == (now, ACTOR, {"task_id": task.id, "outcome": "Call\nagain"})


def test_the_scheduled_reminder_is_cancelled(app: Application, lead: Lead, task: Task) -> None:
    other = app.create_task(lead, due_at=NOON + 9 * HOUR)
    app.clock.advance(HOUR)
    [claimed] = app.claim()
    app.complete_task(task)
    assert app.record(claimed) is False
    assert [(each.task_id, each.state) for each in app.follow_ups(lead)] == [
        (task.id, CANCELLED),
        (other.id, SCHEDULED),
    ]


def test_status_and_next_task_change_in_one_version(app: Application, lead: Lead, task: Task) -> None:
    now = app.clock.advance(HOUR)
    completion = app.complete_task(task, status="contacted", status_reason="She called", next=NEXT)

    assert completion.lead == app.lead(lead)
    assert (completion.lead.status, completion.lead.status_reason) == ("contacted", "She called")
    assert (completion.lead.version, completion.lead.next_follow_up_at) == (3, NEXT["due_at"])
    created = a_task(
        id=completion.next.id if completion.next else None,
        lead_id=lead.id,
        assignee=task.assignee,
        **NEXT,
        created_at=now,
        updated_at=now,
    )
    assert completion.next == created
    assert app.tasks(lead) == [completion.task, created]
    assert app.event_types(lead)[-4:] == ["task.done", "follow_up.cancelled", "lead.status_changed", "task.created"]


def test_the_next_task_has_all_requested_values(app: Application, lead: Lead, task: Task) -> None:
    completion = app.complete_task(task, next={**NEXT, "assignee": "ann@example.com", "remind": True})
    assert completion.next is not None
    assert (completion.next.assignee, completion.next.remind) == (an_email("ann@example.com"), True)
    [reminder] = [each for each in app.follow_ups(lead) if each.state is SCHEDULED]
    assert (reminder.task_id, reminder.recipient) == (completion.next.id, "ann@example.com")


def test_the_next_task_of_an_unassigned_task_is_the_owners(app: Application, lead: Lead) -> None:
    unassigned = a_task(id=an_id(77), lead_id=lead.id, assignee=None)
    app.database.write(lambda work: work.tasks.add(unassigned))
    completion = app.complete_task(unassigned, next=NEXT)
    assert completion.next is not None
    assert completion.next.assignee == lead.owner


def test_the_next_task_needs_an_assignee(app: Application) -> None:
    lead = app.register().lead
    unassigned = a_task(id=an_id(77), lead_id=lead.id, assignee=None)
    app.database.write(lambda work: work.tasks.add(unassigned))
    with pytest.raises(ValidationFailed) as caught:
        app.complete_task(unassigned, next=NEXT)
    assert [error.pointer for error in caught.value.errors] == ["/next/assignee"]
    assert app.tasks(lead) == [unassigned]
    assert app.event_types(lead) == ["lead.created"]


@pytest.mark.parametrize("missing", [None, {"status": None, "status_reason": None, "next": None}])
def test_a_value_that_is_null_changes_nothing(app: Application, lead: Lead, missing: dict[str, Any] | None) -> None:
    lost = app.change(lead, "lost", status_reason="No budget")
    task = app.create_task(lost)
    completion = app.complete_task(task, **missing or {})
    assert (completion.lead.status, completion.lead.status_reason, completion.next) == ("lost", "No budget", None)


def test_the_current_status_can_get_another_reason(app: Application, lead: Lead) -> None:
    lost = app.change(lead, "lost", status_reason="No budget")
    task = app.create_task(lost)
    completion = app.complete_task(task, status="lost", status_reason="No time")
    assert (completion.lead.status_reason, completion.lead.version) == ("No time", 4)
    assert app.complete_task(app.create_task(lost), status="lost").lead.status_reason == "No time"


def test_the_lead_stays_unchanged_if_nothing_in_it_changes(app: Application, lead: Lead) -> None:
    for _ in range(2):
        app.create_task(lead)
    before = app.lead(lead)
    app.clock.advance(HOUR)
    assert app.complete_task(app.tasks(lead)[0]).lead == app.lead(lead) == before


def test_the_rules_of_the_new_status_apply(app: Application) -> None:
    app = Application(app.database, [a_rule("new"), a_rule("contacted", after=2 * HOUR)])
    lead = app.register(owner="mia@example.com").lead
    completion = app.complete_task(app.create_task(lead, remind=False), status="contacted", next=NEXT)
    assert completion.lead.next_follow_up_at == NOON + 2 * HOUR
    assert [(each.rule_status, each.state) for each in app.follow_ups(lead)] == [
        ("contacted", SCHEDULED),
        ("new", CANCELLED),
    ]


def test_a_completion_that_closes_the_lead_leaves_other_tasks_open(app: Application, lead: Lead, task: Task) -> None:
    other, message = app.create_task(lead, due_at=NOON + 9 * HOUR), app.trigger(lead, due_at=NOON + 5 * HOUR)
    closed = app.complete_task(task, status="lost", status_reason="No budget").lead
    assert closed.next_follow_up_at == NOON + 9 * HOUR
    assert app.task(other) == other
    assert app.follow_up(message).state is CANCELLED
    assert [each.task_id for each in app.follow_ups(lead) if each.state is SCHEDULED] == [other.id]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"status": "qualified"}, IllegalTransition),
        ({"status": "lost"}, ValidationFailed),
        ({"outcome": ""}, ValidationFailed),
        ({"status": "won"}, ValidationFailed),
    ],
)
def test_an_illegal_completion_leaves_everything_as_it_was(
    app: Application, lead: Lead, task: Task, values: dict[str, Any], error: type[Exception]
) -> None:
    before = app.personal_data(lead)
    with pytest.raises(error):
        app.complete_task(task, next=NEXT, **values)
    assert app.personal_data(lead) == before


def test_all_errors_are_reported_together(app: Application, task: Task) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.complete_task(task, outcome="x" * 1_001, status="won", next={"text": "", "assignee": "mia"})
    pointers = ["/status", "/outcome", "/next/due_at", "/next/text", "/next/assignee"]
    assert [error.pointer for error in caught.value.errors] == pointers
    with pytest.raises(ValidationFailed) as caught:
        app.database.write(app.complete_open_task, task.id, {"status_reason": "No budget"}, actor=ACTOR)
    assert caught.value.errors == (
        FieldError("/outcome", "This field is required."),
        FieldError("/status_reason", "Only a change of the status has a reason. Send `status` as well."),
    )


def test_an_empty_value_is_refused(app: Application, task: Task) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.complete_task(task, status="", next={})
    assert [error.pointer for error in caught.value.errors] == ["/status", "/next/text", "/next/due_at"]


def test_the_longest_outcome_is_stored(app: Application, task: Task) -> None:
    assert app.complete_task(task, outcome="x" * 1_000).task.outcome == "x" * 1_000


def test_a_finished_task_cannot_be_completed(app: Application, lead: Lead, task: Task) -> None:
    app.complete_task(task)
    before = app.personal_data(lead)
    actions: dict[str, Callable[[Task], object]] = {
        "completed": app.complete_task,
        "changed": app.change_task,
        "cancelled": app.cancel_task,
    }
    for past, action in actions.items():
        with pytest.raises(IllegalTaskState, match=rf"^A task that is done cannot be {past}\.$"):
            action(task)
    assert app.personal_data(lead) == before


def test_another_version_than_expected_is_not_completed(app: Application, lead: Lead, task: Task) -> None:
    before = app.personal_data(lead)
    with pytest.raises(VersionMismatch, match="The task is at version 1"):
        app.database.write(
            app.complete_open_task, task.id, {"outcome": "Done"}, actor=ACTOR, precondition=lambda version: version == 2
        )
    assert app.personal_data(lead) == before


def test_an_unknown_task_cannot_be_completed(app: Application) -> None:
    with pytest.raises(NotFound, match=f"No task has the id {an_id(9)}"):
        app.complete_task(a_task(id=an_id(9)))


def test_a_task_of_a_merged_lead_is_completed_with_its_new_lead(app: Application, lead: Lead, task: Task) -> None:
    target = app.register(email="jane@example.com").lead
    app.merge(target, lead)
    completion = app.complete_task(task, status="contacted")
    assert (completion.lead.id, completion.lead.status) == (target.id, "contacted")
