"""Putting a follow-up off, rewording it, cancelling it, trying it again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from builders import NOON, a_follow_up, an_id
from desk import ACTOR, LEASE, Desk
from leads_domain.errors import AttemptInProgress, IllegalFollowUpState, NotFound, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.notifier import Refused, TryAgain

HOUR = timedelta(hours=1)


def test_a_follow_up_that_is_put_off_is_owed_then(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead, due_at=NOON + HOUR)
    now = desk.clock.advance(HOUR / 2)
    put_off = desk.reschedule(follow_up, due_at=NOON + 2 * HOUR)

    assert put_off == replace(follow_up, due_at=NOON + 2 * HOUR, next_attempt_at=NOON + 2 * HOUR, updated_at=now)
    assert desk.follow_up(follow_up) == put_off
    assert desk.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    newest = desk.timeline(lead)[0]
    assert (newest.type.value, newest.at, newest.actor) == ("follow_up.rescheduled", now, ACTOR)
    assert newest.data["due_at"] == "2026-01-05T14:00:00.000000Z"
    desk.clock.time = NOON + 2 * HOUR
    assert [claimed.follow_up.id for claimed in desk.claim()] == [follow_up.id]


def test_a_lead_is_followed_up_next_by_whatever_is_then_the_first(desk: Desk) -> None:
    lead = desk.register().lead
    first, second = desk.trigger(lead, due_at=NOON + HOUR), desk.trigger(lead, due_at=NOON + 2 * HOUR)

    desk.reschedule(first, due_at=NOON + 3 * HOUR)
    assert desk.lead(lead).next_follow_up_at == NOON + 2 * HOUR
    desk.cancel(second)
    assert desk.lead(lead).next_follow_up_at == NOON + 3 * HOUR
    desk.cancel(first)
    assert desk.lead(lead).next_follow_up_at is None


def test_a_reworded_follow_up_goes_out_with_its_new_message(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    before = desk.lead(lead)
    assert desk.reschedule(follow_up, message="  Hi!  ").message == "Hi!"
    assert desk.lead(lead) == before
    (claimed,) = desk.claim()
    assert claimed.notice.message == "Hi!"


def test_a_message_that_is_being_sent_cannot_be_reworded(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead, message="First")
    (claimed,) = desk.claim()
    with pytest.raises(AttemptInProgress) as refusal:
        desk.reschedule(follow_up, message="Second", due_at=NOON + HOUR)

    assert refusal.value.state == "scheduled"
    assert desk.reschedule(follow_up, message="First") == claimed.follow_up
    assert desk.record(claimed)
    assert (desk.follow_up(follow_up).state, desk.follow_up(follow_up).message) == (FollowUpState.SENT, "First")


def test_a_message_can_be_reworded_between_two_attempts(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead, message="First")
    desk.record(desk.claim()[0], TryAgain("busy"))
    desk.reschedule(follow_up, message="Second")
    desk.clock.advance(HOUR)

    assert desk.claim()[0].notice.message == "Second"


def test_a_late_attempt_at_an_earlier_wording_is_not_recorded_as_the_later_one(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead, message="First")
    (late,) = desk.claim()
    desk.clock.advance(LEASE)
    reworded = desk.reschedule(follow_up, message="Second")

    assert not desk.record(late)
    assert desk.follow_up(follow_up) == reworded
    (claimed,) = desk.claim()
    assert claimed.notice.message == "Second"
    assert desk.record(claimed)


def test_to_change_nothing_changes_nothing(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    desk.clock.advance(HOUR)
    before, story = desk.lead(lead), desk.story(lead)

    for changes in ({}, {"due_at": follow_up.due_at}, {"message": follow_up.message}):
        assert desk.reschedule(follow_up, **changes) == follow_up
    assert (desk.follow_up(follow_up), desk.lead(lead), desk.story(lead)) == (follow_up, before, story)


def test_a_new_time_is_kept_in_utc(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    put_off = desk.reschedule(follow_up, due_at=datetime(2026, 2, 1, 9, 30, tzinfo=timezone(HOUR)))
    assert repr(put_off.due_at) == repr(datetime(2026, 2, 1, 8, 30, tzinfo=UTC))


def test_all_that_is_wrong_with_a_change_is_told_at_once(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    with pytest.raises(ValidationFailed) as refusal:
        desk.reschedule(follow_up, message=" ", due_at=datetime.max.replace(tzinfo=timezone(-HOUR)))
    assert {fault.pointer for fault in refusal.value.errors} == {"/message", "/due_at"}
    assert desk.follow_up(follow_up) == follow_up


def test_what_has_failed_is_sent_when_it_is_retried(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    desk.record(desk.claim()[0], Refused("no"))
    now = desk.clock.advance(HOUR)
    retried = desk.retry(follow_up)

    assert (retried.state, retried.attempts, retried.next_attempt_at) == (FollowUpState.SCHEDULED, 0, now)
    assert (retried.due_at, retried.last_error) == (NOON, "no")
    assert desk.lead(lead).next_follow_up_at == NOON
    (claimed,) = desk.claim()
    assert claimed.notice.idempotency_key == follow_up.id
    assert desk.record(claimed)
    assert desk.story(lead)[-2:] == ["follow_up.rescheduled", "follow_up.sent"]


def test_a_dispatcher_that_comes_back_after_a_retry_records_nothing(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    (old,) = desk.claim()
    desk.record(old, Refused("no"))
    desk.retry(follow_up)
    (new,) = desk.claim()

    assert not desk.record(old)
    assert desk.record(new)


STEPS: dict[str, Callable[[Desk, FollowUp], object]] = {
    "changed": lambda desk, follow_up: desk.reschedule(follow_up, message="Hi!"),
    "cancelled": Desk.cancel,
    "retried": Desk.retry,
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
def test_what_has_ended_is_left_as_it_is(desk: Desk, intention: str, error: Any, state: str) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    desk.record(desk.claim()[0], error)
    before, story = desk.follow_up(follow_up), desk.story(lead)

    with pytest.raises(IllegalFollowUpState, match=f"A follow-up that is {state} cannot be {intention}."):
        STEPS[intention](desk, follow_up)
    assert (desk.follow_up(follow_up), desk.story(lead)) == (before, story)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_is_not_there_cannot_be_changed(desk: Desk, step: Callable[[Desk, FollowUp], object]) -> None:
    with pytest.raises(NotFound, match="There is no follow-up with the id"):
        step(desk, a_follow_up(id=an_id(9)))
