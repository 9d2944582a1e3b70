"""Test how follow-ups are rescheduled, changed, cancelled and retried."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from application import ACTOR, LEASE, Application
from builders import NOON, a_follow_up, an_id
from leads_domain.errors import AttemptInProgress, IllegalFollowUpState, NotFound, TaskHasEnded, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.notifier import Refused, TryAgain

HOUR = timedelta(hours=1)


def test_a_postponed_follow_up_is_due_at_the_new_time(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead, due_at=NOON + HOUR)
    now = app.clock.advance(HOUR / 2)
    postponed = app.reschedule(follow_up, due_at=NOON + 2 * HOUR)

    assert postponed == replace(follow_up, due_at=NOON + 2 * HOUR, next_attempt_at=NOON + 2 * HOUR, updated_at=now)
    assert app.follow_up(follow_up) == postponed
    assert app.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    newest = app.timeline(lead)[0]
    assert (newest.type.value, newest.at, newest.actor) == ("follow_up.rescheduled", now, ACTOR)
    assert newest.data["due_at"] == "2026-01-05T14:00:00.000000Z"
    app.clock.time = NOON + 2 * HOUR
    assert [claimed.item.id for claimed in app.claim()] == [follow_up.id]


def test_the_next_follow_up_of_a_lead_is_the_earliest_scheduled_one(app: Application) -> None:
    lead = app.register().lead
    first, second = app.trigger(lead, due_at=NOON + HOUR), app.trigger(lead, due_at=NOON + 2 * HOUR)

    app.reschedule(first, due_at=NOON + 3 * HOUR)
    assert app.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    app.cancel(second)
    assert app.lead(lead).next_follow_up_at == NOON + 3 * HOUR
    app.cancel(first)
    assert app.lead(lead).next_follow_up_at is None


def test_a_follow_up_is_sent_with_its_new_message(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    before = app.lead(lead)
    assert app.reschedule(follow_up, message="  Hi!  ").message == "Hi!"
    assert app.lead(lead) == before
    (claimed,) = app.claim()
    assert claimed.notice.message == "Hi!"


def test_the_message_cannot_change_during_an_attempt(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, message="First")
    (claimed,) = app.claim()
    with pytest.raises(AttemptInProgress) as caught:
        app.reschedule(follow_up, message="Second", due_at=NOON + HOUR)

    assert caught.value.state == "scheduled"
    assert app.reschedule(follow_up, message="First") == claimed.item
    assert app.record(claimed)
    assert (app.follow_up(follow_up).state, app.follow_up(follow_up).message) == (FollowUpState.SENT, "First")


def test_the_message_can_change_between_two_attempts(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, message="First")
    app.record(app.claim()[0], TryAgain("busy"))
    app.reschedule(follow_up, message="Second")
    app.clock.advance(HOUR)

    assert app.claim()[0].notice.message == "Second"


def test_an_outcome_for_an_earlier_message_is_not_recorded(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, message="First")
    (late,) = app.claim()
    app.clock.advance(LEASE)
    changed = app.reschedule(follow_up, message="Second")

    assert not app.record(late)
    assert app.follow_up(follow_up) == changed
    (claimed,) = app.claim()
    assert claimed.notice.message == "Second"
    assert app.record(claimed)


def test_a_change_to_the_current_values_has_no_effect(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    app.clock.advance(HOUR)
    before, event_types = app.lead(lead), app.event_types(lead)

    for changes in ({}, {"due_at": follow_up.due_at}, {"message": follow_up.message}):
        assert app.reschedule(follow_up, **changes) == follow_up
    assert (app.follow_up(follow_up), app.lead(lead), app.event_types(lead)) == (follow_up, before, event_types)


def test_a_new_due_time_is_stored_in_utc(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    postponed = app.reschedule(follow_up, due_at=datetime(2026, 2, 1, 9, 30, tzinfo=timezone(HOUR)))
    assert repr(postponed.due_at) == repr(datetime(2026, 2, 1, 8, 30, tzinfo=UTC))


def test_all_errors_of_a_change_are_reported_together(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    with pytest.raises(ValidationFailed) as caught:
        app.reschedule(follow_up, message=" ", due_at=datetime.max.replace(tzinfo=timezone(-HOUR)))
    assert {error.pointer for error in caught.value.errors} == {"/message", "/due_at"}
    assert app.follow_up(follow_up) == follow_up


def test_a_failed_follow_up_is_sent_after_a_retry(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    app.record(app.claim()[0], Refused("no"))
    now = app.clock.advance(HOUR)
    retried = app.retry(follow_up)

    assert (retried.state, retried.attempts, retried.next_attempt_at) == (FollowUpState.SCHEDULED, 0, now)
    assert (retried.due_at, retried.last_error) == (NOON, "no")
    assert app.lead(lead).next_follow_up_at == NOON
    (claimed,) = app.claim()
    assert claimed.notice.idempotency_key == follow_up.id
    assert app.record(claimed)
    assert app.event_types(lead)[-2:] == ["follow_up.rescheduled", "follow_up.sent"]


@pytest.mark.parametrize("end", ["complete_task", "cancel_task"])
def test_a_failed_reminder_is_retried_only_while_its_task_is_open(app: Application, end: str) -> None:
    lead = app.register(owner="mia@example.com").lead
    task = app.create_task(lead, due_at=NOON)
    [reminder] = app.follow_ups(lead)
    app.record(app.claim()[0], Refused("no"))
    assert app.retry(reminder).state is FollowUpState.SCHEDULED
    app.record(app.claim()[0], Refused("no"))
    getattr(app, end)(task)

    before = app.lead(lead), app.follow_ups(lead)
    with pytest.raises(TaskHasEnded, match=r"^The follow-up reminds of a task that is \w+\. It cannot be retried\.$"):
        app.retry(reminder)
    assert (app.lead(lead), app.follow_ups(lead)) == before


def test_an_outcome_from_before_a_retry_is_not_recorded(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (old,) = app.claim()
    app.record(old, Refused("no"))
    app.retry(follow_up)
    (new,) = app.claim()

    assert not app.record(old)
    assert app.record(new)


ACTIONS: dict[str, Callable[[Application, FollowUp], object]] = {
    "changed": lambda app, follow_up: app.reschedule(follow_up, message="Hi!"),
    "cancelled": Application.cancel,
    "retried": Application.retry,
}


@pytest.mark.parametrize(
    ("action", "error", "state"),
    [
        ("changed", None, "sent"),
        ("cancelled", None, "sent"),
        ("retried", None, "sent"),
        ("changed", Refused("no"), "failed"),
        ("cancelled", Refused("no"), "failed"),
    ],
)
def test_an_ended_follow_up_is_not_changed(app: Application, action: str, error: Any, state: str) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    app.record(app.claim()[0], error)
    before, event_types = app.follow_up(follow_up), app.event_types(lead)

    with pytest.raises(IllegalFollowUpState, match=f"A follow-up that is {state} cannot be {action}."):
        ACTIONS[action](app, follow_up)
    assert (app.follow_up(follow_up), app.event_types(lead)) == (before, event_types)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_changing_an_unknown_follow_up_is_not_found(
    app: Application, action: Callable[[Application, FollowUp], object]
) -> None:
    with pytest.raises(NotFound, match="No follow-up has the id"):
        action(app, a_follow_up(id=an_id(9)))


def test_a_change_concerns_no_other_lead(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    app.trigger(other, due_at=NOON)
    follow_up = app.trigger(lead, due_at=NOON + HOUR)
    before = app.personal_data(other)
    app.reschedule(follow_up, due_at=NOON + 2 * HOUR)
    assert app.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    app.cancel(follow_up)
    assert app.lead(lead).next_follow_up_at is None
    assert app.personal_data(other) == before


def test_the_target_is_changed_if_the_lead_was_merged_after_the_follow_up_was_read(app: Application) -> None:
    target, duplicate = app.register().lead, app.register(email="jon@example.com").lead
    follow_up = app.trigger(duplicate, due_at=NOON + HOUR)
    app.merge(target, duplicate)
    app.database.write(lambda work: work.follow_ups.save(follow_up))  # as another transaction still sees it
    app.cancel(follow_up)
    assert app.event_types(target)[-1] == "follow_up.cancelled"
