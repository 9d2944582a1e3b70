"""Test how a task is changed and cancelled, and what becomes of its reminder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application import ACTOR, LEASE, Application
from builders import NOON, a_task, an_email, an_id
from leads_domain.errors import FieldError, IllegalTaskState, NotFound, ValidationFailed, VersionMismatch
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead, Precondition
from leads_domain.notifier import Refused
from leads_domain.task import Task, TaskState
from leads_domain.use_cases.create_task import CreateTask

SCHEDULED, SENT, FAILED, CANCELLED = FollowUpState
HOUR = timedelta(hours=1)


@pytest.fixture
def lead(app: Application) -> Lead:
    """Create a lead of Mia."""
    return app.register(owner="mia@example.com").lead


@pytest.fixture
def task(app: Application, lead: Lead) -> Task:
    """Create a task of Mia with a reminder at 1 p.m."""
    return app.create_task(lead, due_at=NOON + HOUR)


def states(app: Application, lead: Lead) -> list[FollowUpState]:
    """Return the states of the reminders of a lead, oldest first."""
    return [each.state for each in sorted(app.follow_ups(lead), key=lambda each: each.id)]


def scheduled(app: Application, lead: Lead) -> FollowUp:
    """Return the only scheduled follow-up of a lead."""
    [found] = [each for each in app.follow_ups(lead) if each.state is SCHEDULED]
    return found


def test_only_the_values_in_the_change_are_replaced(app: Application, lead: Lead, task: Task) -> None:
    now = app.clock.advance(HOUR)
    changed = app.change_task(task, text=" Send the offer. ", assignee="noah@example.com")

    noah = an_email("noah@example.com")
    assert changed == replace(task, text="Send the offer.", assignee=noah, version=2, updated_at=now)
    assert app.task(task) == changed
    changed_event = next(each for each in app.timeline(lead) if each.type is EventType.TASK_CHANGED)
    assert (changed_event.at, changed_event.actor) == (now, ACTOR)
    assert changed_event.data == {
        "task_id": task.id,
        "changes": {
            "assignee": {"from": "mia@example.com", "to": "noah@example.com"},
            "text": {"from": "Call about the quote", "to": "Send the offer."},
        },
    }


@pytest.mark.parametrize("changes", [{}, {"text": " Call about the quote", "assignee": "mia@example.com"}])
def test_a_change_without_differences_records_nothing(
    app: Application, lead: Lead, task: Task, changes: dict[str, Any]
) -> None:
    before = app.personal_data(lead)
    app.clock.advance(HOUR)
    assert app.change_task(task, **changes) == task
    assert app.personal_data(lead) == before


def test_a_reminder_moves_with_the_due_time(app: Application, lead: Lead, task: Task) -> None:
    reminder = scheduled(app, lead)
    for due_at in (NOON + 3 * HOUR, NOON + 2 * HOUR):
        app.change_task(task, due_at=due_at)
        assert app.lead(lead).next_follow_up_at == due_at
        assert (scheduled(app, lead).id, scheduled(app, lead).due_at) == (reminder.id, due_at)
    assert app.event_types(lead)[-2:] == ["task.changed", "follow_up.rescheduled"]


def test_a_new_text_or_assignee_replaces_the_reminder(app: Application, lead: Lead, task: Task) -> None:
    app.change_task(task, text="Send the offer.")
    assert states(app, lead) == [CANCELLED, SCHEDULED]
    assert scheduled(app, lead).message == "John Doe: Send the offer."
    app.change_task(task, assignee="noah@example.com", due_at=NOON)
    assert states(app, lead) == [CANCELLED, CANCELLED, SCHEDULED]
    assert (scheduled(app, lead).recipient, scheduled(app, lead).due_at) == ("noah@example.com", NOON)
    assert app.event_types(lead)[-3:] == ["task.changed", "follow_up.cancelled", "follow_up.scheduled"]


def test_a_task_that_moves_to_a_later_time_reminds_again(app: Application, lead: Lead, task: Task) -> None:
    app.clock.advance(HOUR)
    app.record(app.claim()[0])
    app.change_task(task, due_at=NOON)
    app.change_task(task, text="Send the offer.")
    assert states(app, lead) == [SENT]
    app.change_task(task, due_at=NOON + 9 * HOUR)
    assert states(app, lead) == [SENT, SCHEDULED]
    assert (scheduled(app, lead).due_at, scheduled(app, lead).task_id) == (NOON + 9 * HOUR, task.id)


def test_another_assignee_is_reminded_too(app: Application, lead: Lead, task: Task) -> None:
    app.clock.advance(HOUR)
    app.record(app.claim()[0], Refused("unknown address"))
    app.change_task(task, assignee="noah@example.com")
    assert states(app, lead) == [FAILED, SCHEDULED]
    assert scheduled(app, lead).recipient == "noah@example.com"


def test_a_reminder_that_is_being_sent_is_replaced(app: Application, lead: Lead, task: Task) -> None:
    app.clock.advance(HOUR)
    [claimed] = app.claim()
    app.change_task(task, due_at=NOON + 9 * HOUR)
    assert app.record(claimed) is False
    assert states(app, lead) == [CANCELLED, SCHEDULED]
    assert scheduled(app, lead).due_at == NOON + 9 * HOUR


def test_a_reminder_keeps_its_channel(app: Application, lead: Lead) -> None:
    by_mail = CreateTask(app.clock, app.ids, app.change_lead.normalizer, {"smtp": None}, "smtp")
    task = app.database.write(by_mail, lead.id, {"text": "Call", "due_at": NOON, "remind": True}, actor=ACTOR)
    app.cancel_task(app.create_task(lead, due_at=NOON - HOUR))
    app.record(app.claim("smtp")[0])
    app.change_task(task, due_at=NOON + HOUR)
    assert scheduled(app, lead).channel == "smtp"
    app.change_task(task, text="Write")
    assert scheduled(app, lead).channel == "smtp"


def test_a_change_concerns_no_other_follow_up(app: Application, lead: Lead, task: Task) -> None:
    other, message = app.create_task(lead, due_at=NOON), app.trigger(lead, due_at=NOON)
    others = [each for each in app.follow_ups(lead) if each.task_id != task.id]
    app.change_task(task, due_at=NOON - HOUR)
    app.change_task(task, text="Write")
    app.cancel_task(task)
    assert [each for each in app.follow_ups(lead) if each.task_id != task.id] == others
    assert (app.task(other), app.follow_up(message)) == (other, message)


def test_a_task_without_a_reminder_gets_none(app: Application, lead: Lead) -> None:
    task = app.create_task(lead, due_at=NOON, remind=False)
    app.change_task(task, text="Write", assignee="noah@example.com", due_at=NOON + HOUR)
    assert app.follow_ups(lead) == []
    assert app.lead(lead).next_follow_up_at == NOON + HOUR


def test_all_errors_are_reported_together(app: Application, lead: Lead, task: Task) -> None:
    before = app.personal_data(lead)
    with pytest.raises(ValidationFailed) as caught:
        app.change_task(task, text=" ", due_at=datetime(1969, 12, 31, tzinfo=UTC), assignee="")
    assert [error.pointer for error in caught.value.errors] == ["/text", "/due_at", "/assignee"]
    with pytest.raises(ValidationFailed) as caught:
        app.change_task(task, text="x" * 1_001)
    assert caught.value.errors == (FieldError("/text", "Must have 1 to 1000 characters, but has 1001."),)
    assert app.personal_data(lead) == before


def test_a_cancelled_task_cancels_its_reminder(app: Application, lead: Lead, task: Task) -> None:
    app.trigger(lead, due_at=NOON + 5 * HOUR)
    now = app.clock.advance(HOUR)
    cancelled = app.cancel_task(task)

    assert cancelled == replace(task, state=TaskState.CANCELLED, version=2, updated_at=now)
    assert app.task(task) == cancelled
    assert states(app, lead) == [CANCELLED, SCHEDULED]
    assert app.lead(lead).next_follow_up_at == NOON + 5 * HOUR
    assert app.event_types(lead)[-2:] == ["task.cancelled", "follow_up.cancelled"]


def test_a_reminder_that_is_being_sent_is_cancelled_with_its_task(app: Application, lead: Lead, task: Task) -> None:
    app.clock.advance(HOUR)
    [claimed] = app.claim()
    app.cancel_task(task)
    assert app.record(claimed) is False
    app.clock.advance(LEASE)
    assert app.claim() == []
    assert states(app, lead) == [CANCELLED]


def test_a_finished_task_cannot_be_changed(app: Application, lead: Lead, task: Task) -> None:
    app.cancel_task(task)
    before = app.personal_data(lead)
    for action, past in ((app.change_task, "changed"), (app.cancel_task, "cancelled")):
        with pytest.raises(IllegalTaskState, match=rf"^A task that is cancelled cannot be {past}\.$"):
            action(task)
    assert app.personal_data(lead) == before


def test_another_version_than_expected_is_not_changed(app: Application, lead: Lead, task: Task) -> None:
    before = app.personal_data(lead)
    second: Precondition = lambda version: version == 2  # noqa: E731
    with pytest.raises(VersionMismatch, match="The task is at version 1"):
        app.database.write(app.change_open_task, task.id, {"text": "Write"}, actor=ACTOR, precondition=second)
    with pytest.raises(VersionMismatch, match="The task is at version 1"):
        app.database.write(app.cancel_open_task, task.id, actor=ACTOR, precondition=second)
    assert app.personal_data(lead) == before
    app.change_task(task, text="Write")
    assert app.database.write(app.cancel_open_task, task.id, actor=ACTOR, precondition=second).version == 3


def test_an_unknown_task_is_not_found(app: Application) -> None:
    for action in (app.change_task, app.cancel_task):
        with pytest.raises(NotFound, match=f"No task has the id {an_id(9)}"):
            action(a_task(id=an_id(9)))


def test_a_task_of_a_merged_lead_is_changed_with_its_new_lead(app: Application, lead: Lead, task: Task) -> None:
    target = app.register(email="jane@example.com").lead
    app.merge(target, lead)
    app.change_task(task, due_at=NOON)
    assert app.lead(target).next_follow_up_at == NOON
    assert app.event_types(target)[-2:] == ["task.changed", "follow_up.rescheduled"]


def test_a_task_of_an_erased_lead_is_not_found(app: Application, lead: Lead, task: Task) -> None:
    app.erase(lead)
    with pytest.raises(NotFound):
        app.change_task(task, text="Write")
