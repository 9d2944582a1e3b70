"""Test how a task of a lead is created, with its reminder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, a_task, an_email, an_id
from leads_domain.errors import FieldError, NotFound, ValidationFailed
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpState
from leads_domain.notifier import Refused
from leads_domain.use_cases.create_task import CreateTask, TaskInput

HOUR = timedelta(hours=1)


def test_a_task_is_for_the_owner_by_default_with_a_reminder_on_the_default_channel(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    now = app.clock.advance(HOUR)
    task = app.create_task(lead, due_at=now + HOUR)

    assert task == a_task(id=task.id, lead_id=lead.id, due_at=now + HOUR, remind=True, created_at=now, updated_at=now)
    assert app.task(task) == task
    [reminder] = app.follow_ups(lead)
    assert (reminder.task_id, reminder.recipient, reminder.channel) == (task.id, "mia@example.com", "log")
    assert (reminder.due_at, reminder.message) == (now + HOUR, "John Doe: Call about the quote")


def test_a_task_has_all_requested_values(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    task = app.create_task(lead, text=" Call.\nThen write. ", assignee="noah@example.com", due_at=NOON, remind=False)

    assert (task.text, task.assignee, task.remind) == ("Call.\nThen write.", an_email("noah@example.com"), False)
    assert app.follow_ups(lead) == []


@pytest.mark.parametrize("missing", [None, "", " "])
def test_a_value_that_is_null_or_blank_has_its_default(app: Application, missing: str | None) -> None:
    lead = app.register(owner="mia@example.com").lead
    task = app.create_task(lead, assignee=missing, remind=None)
    assert (task.assignee, task.remind) == (an_email("mia@example.com"), False)


def test_a_task_has_no_reminder_unless_it_is_requested(app: Application) -> None:
    lead = app.register().lead
    values: TaskInput = {"text": "Call", "due_at": NOON, "assignee": "mia@example.com"}
    assert app.database.write(app.create_task_of_lead, lead.id, values, actor=ACTOR).remind is False
    assert app.follow_ups(lead) == []


def test_the_timeline_shows_actor_and_time(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    now = app.clock.advance(HOUR)
    task = app.create_task(lead, due_at=now)

    scheduled, created = app.timeline(lead)[:2]
    assert (created.type, created.at, created.actor) == (EventType.TASK_CREATED, now, ACTOR)
    assert created.data == {
        "task_id": task.id,
        "assignee": "mia@example.com",
        "text": "Call about the quote",
        "due_at": "2026-01-05T13:00:00.000000Z",
    }
    assert scheduled.type == EventType.FOLLOW_UP_SCHEDULED


def test_a_lead_without_an_owner_needs_an_assignee(app: Application) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.create_task(lead)
    detail = "The lead has no owner. Set its `owner` first, or send an `assignee`."
    assert caught.value.errors == (FieldError("/assignee", detail),)
    assert app.create_task(lead, assignee="mia@example.com").assignee == an_email("mia@example.com")


def test_all_errors_are_reported_together(app: Application) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.database.write(app.create_task_of_lead, lead.id, {"assignee": "mia"}, actor=ACTOR)
    assert [error.pointer for error in caught.value.errors] == ["/text", "/due_at", "/assignee"]
    with pytest.raises(ValidationFailed) as caught:
        app.create_task(lead, text=" ", due_at=datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), assignee="mia")
    assert [error.pointer for error in caught.value.errors] == ["/text", "/due_at", "/assignee"]
    assert app.lead(lead) == lead


def test_the_longest_text_is_stored_and_a_longer_one_refused(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    assert len(app.create_task(lead, text="x" * 1_000).text) == 1_000
    with pytest.raises(ValidationFailed, match="Must have 1 to 1000 characters, but has 1001"):
        app.create_task(lead, text="x" * 1_001)


def test_a_task_can_be_due_from_1970_to_9999(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    first, last = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
    east = timezone(timedelta(hours=1))
    assert repr(app.create_task(lead, due_at=first.astimezone(east)).due_at) == repr(first)
    assert app.create_task(lead, due_at=last).due_at == last
    for at in (first.replace(tzinfo=east), last.replace(tzinfo=timezone(-HOUR))):
        with pytest.raises(ValidationFailed) as caught:
            app.create_task(lead, due_at=at)
        assert caught.value.errors == (FieldError("/due_at", "Must be in the years 1970 to 9999, also in UTC."),)


def test_an_unknown_lead_has_no_task(app: Application) -> None:
    with pytest.raises(NotFound) as missing:
        app.create_task(a_lead(id=an_id(9)))
    assert (missing.value.kind, missing.value.id) == ("lead", an_id(9))


def test_a_default_channel_that_needs_a_phone_number_cannot_remind(app: Application) -> None:
    by_phone = CreateTask(app.clock, app.ids, app.change_lead.normalizer, app.create_task_of_lead.channels, "sms")
    values: TaskInput = {"text": "Call", "due_at": NOON, "assignee": "mia@example.com", "remind": True}
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.database.write(by_phone, lead.id, values, actor=ACTOR)
    detail = "The default channel sms needs a phone number, and an assignee has none. Leave `remind` out."
    assert caught.value.errors == (FieldError("/remind", detail),)
    assert app.database.write(by_phone, lead.id, {**values, "remind": False}, actor=ACTOR).remind is False


def test_a_lead_shows_its_next_task(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    now = app.clock.advance(HOUR)

    app.create_task(lead, due_at=now + 2 * HOUR, remind=False)
    first = app.lead(lead)
    assert first == replace(lead, next_follow_up_at=now + 2 * HOUR, version=2, updated_at=now)
    app.create_task(lead, due_at=now + 3 * HOUR)
    assert app.lead(lead) == first
    app.trigger(lead, due_at=now + HOUR)
    assert app.lead(lead).next_follow_up_at == now + HOUR
    app.create_task(lead, due_at=now - HOUR)
    assert app.lead(lead).next_follow_up_at == now - HOUR


def test_a_task_keeps_the_lead_overdue_after_its_reminder_is_sent(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    app.create_task(lead, due_at=NOON)
    [claimed] = app.claim()
    assert (claimed.notice.email, claimed.notice.name) == ("mia@example.com", "mia@example.com")
    app.record(claimed)

    assert [each.state for each in app.follow_ups(lead)] == [FollowUpState.SENT]
    assert app.lead(lead).next_follow_up_at == NOON
    assert app.lead(lead).version == 2


def test_a_reminder_can_fail_visibly(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    task = app.create_task(lead, due_at=NOON)
    [claimed] = app.claim()
    app.record(claimed, Refused("unknown address"))

    assert app.event_types(lead)[-1] == "follow_up.failed"
    assert app.task(task) == task
    assert app.lead(lead).next_follow_up_at == NOON
