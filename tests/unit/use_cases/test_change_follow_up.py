"""Putting a follow-up off, rewording it, cancelling it, trying it again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from application import ACTOR, LEASE, Application
from builders import NOON, a_follow_up, an_id
from leads_domain.errors import AttemptInProgress, IllegalFollowUpState, NotFound, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.notifier import Refused, TryAgain

HOUR = timedelta(hours=1)


def test_a_follow_up_that_is_put_off_is_owed_then(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead, due_at=NOON + HOUR)
    now = app.clock.advance(HOUR / 2)
    put_off = app.reschedule(follow_up, due_at=NOON + 2 * HOUR)

    assert put_off == replace(follow_up, due_at=NOON + 2 * HOUR, next_attempt_at=NOON + 2 * HOUR, updated_at=now)
    assert app.follow_up(follow_up) == put_off
    assert app.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    newest = app.timeline(lead)[0]
    assert (newest.type.value, newest.at, newest.actor) == ("follow_up.rescheduled", now, ACTOR)
    assert newest.data["due_at"] == "2026-01-05T14:00:00.000000Z"
    app.clock.time = NOON + 2 * HOUR
    assert [claimed.follow_up.id for claimed in app.claim()] == [follow_up.id]


def test_a_lead_is_followed_up_next_by_whatever_is_then_the_first(app: Application) -> None:
    lead = app.register().lead
    first, second = app.trigger(lead, due_at=NOON + HOUR), app.trigger(lead, due_at=NOON + 2 * HOUR)

    app.reschedule(first, due_at=NOON + 3 * HOUR)
    assert app.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    app.cancel(second)
    assert app.lead(lead).next_follow_up_at == NOON + 3 * HOUR
    app.cancel(first)
    assert app.lead(lead).next_follow_up_at is None


def test_a_reworded_follow_up_goes_out_with_its_new_message(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    before = app.lead(lead)
    assert app.reschedule(follow_up, message="  Hi!  ").message == "Hi!"
    assert app.lead(lead) == before
    (claimed,) = app.claim()
    assert claimed.notice.message == "Hi!"


def test_a_message_that_is_being_sent_cannot_be_reworded(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, message="First")
    (claimed,) = app.claim()
    with pytest.raises(AttemptInProgress) as refusal:
        app.reschedule(follow_up, message="Second", due_at=NOON + HOUR)

    assert refusal.value.state == "scheduled"
    assert app.reschedule(follow_up, message="First") == claimed.follow_up
    assert app.record(claimed)
    assert (app.follow_up(follow_up).state, app.follow_up(follow_up).message) == (FollowUpState.SENT, "First")


def test_a_message_can_be_reworded_between_two_attempts(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, message="First")
    app.record(app.claim()[0], TryAgain("busy"))
    app.reschedule(follow_up, message="Second")
    app.clock.advance(HOUR)

    assert app.claim()[0].notice.message == "Second"


def test_a_late_attempt_at_an_earlier_wording_is_not_recorded_as_the_later_one(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, message="First")
    (late,) = app.claim()
    app.clock.advance(LEASE)
    reworded = app.reschedule(follow_up, message="Second")

    assert not app.record(late)
    assert app.follow_up(follow_up) == reworded
    (claimed,) = app.claim()
    assert claimed.notice.message == "Second"
    assert app.record(claimed)


def test_to_change_nothing_changes_nothing(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    app.clock.advance(HOUR)
    before, story = app.lead(lead), app.event_types(lead)

    for changes in ({}, {"due_at": follow_up.due_at}, {"message": follow_up.message}):
        assert app.reschedule(follow_up, **changes) == follow_up
    assert (app.follow_up(follow_up), app.lead(lead), app.event_types(lead)) == (follow_up, before, story)


def test_a_new_time_is_kept_in_utc(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    put_off = app.reschedule(follow_up, due_at=datetime(2026, 2, 1, 9, 30, tzinfo=timezone(HOUR)))
    assert repr(put_off.due_at) == repr(datetime(2026, 2, 1, 8, 30, tzinfo=UTC))


def test_all_that_is_wrong_with_a_change_is_told_at_once(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    with pytest.raises(ValidationFailed) as refusal:
        app.reschedule(follow_up, message=" ", due_at=datetime.max.replace(tzinfo=timezone(-HOUR)))
    assert {fault.pointer for fault in refusal.value.errors} == {"/message", "/due_at"}
    assert app.follow_up(follow_up) == follow_up


def test_what_has_failed_is_sent_when_it_is_retried(app: Application) -> None:
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


def test_a_dispatcher_that_comes_back_after_a_retry_records_nothing(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (old,) = app.claim()
    app.record(old, Refused("no"))
    app.retry(follow_up)
    (new,) = app.claim()

    assert not app.record(old)
    assert app.record(new)


STEPS: dict[str, Callable[[Application, FollowUp], object]] = {
    "changed": lambda app, follow_up: app.reschedule(follow_up, message="Hi!"),
    "cancelled": Application.cancel,
    "retried": Application.retry,
}


@pytest.mark.parametrize(
    ("intention", "error", "state"),
    [
        ("changed", None, "sent"),
        ("cancelled", None, "sent"),
        ("retried", None, "sent"),
        ("changed", Refused("no"), "failed"),
        ("cancelled", Refused("no"), "failed"),
    ],
)
def test_what_has_ended_is_left_as_it_is(app: Application, intention: str, error: Any, state: str) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    app.record(app.claim()[0], error)
    before, story = app.follow_up(follow_up), app.event_types(lead)

    with pytest.raises(IllegalFollowUpState, match=f"A follow-up that is {state} cannot be {intention}."):
        STEPS[intention](app, follow_up)
    assert (app.follow_up(follow_up), app.event_types(lead)) == (before, story)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_changing_an_unknown_follow_up_is_not_found(
    app: Application, step: Callable[[Application, FollowUp], object]
) -> None:
    with pytest.raises(NotFound, match="No follow-up has the id"):
        step(app, a_follow_up(id=an_id(9)))
