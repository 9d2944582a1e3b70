"""Test the states of a follow-up and the policy of its retries."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, a_follow_up, an_id
from leads_domain.errors import IllegalFollowUpState
from leads_domain.events import Event, EventType
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState, Lease, Recipient, RetryPolicy
from leads_domain.lead import LeadId
from strategies import ended_follow_ups, follow_ups, scheduled_follow_ups

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LATER = NOON + HOUR

Step = tuple[str, timedelta | None]


def event_data(follow_up: FollowUp) -> dict[str, Any]:
    """Return the data that every event of this follow-up has."""
    return {"follow_up_id": follow_up.id, "channel": follow_up.channel, "recipient": str(follow_up.recipient)}


def test_a_new_follow_up_is_attempted_first_when_it_is_due() -> None:
    follow_up, events = FollowUp.schedule(
        FollowUpId(an_id(2)),
        LeadId(an_id(1)),
        recipient=Recipient.OWNER,
        channel="smtp",
        message="Call John",
        due_at=LATER,
        now=NOON,
    )
    assert follow_up == a_follow_up(recipient=Recipient.OWNER, channel="smtp", message="Call John", due_at=LATER)
    assert follow_up.next_attempt_at == LATER
    data = {
        "follow_up_id": an_id(2),
        "channel": "smtp",
        "recipient": "owner",
        "due_at": "2026-01-05T13:00:00.000000Z",
    }
    assert events == [Event(EventType.FOLLOW_UP_SCHEDULED, data)]


def test_a_claim_counts_an_attempt_and_sets_a_lease() -> None:
    claimed = a_follow_up().claim("dispatcher 1", LATER, NOON + MINUTE)
    assert claimed == a_follow_up(
        attempts=1, claims=1, lease=Lease(owner="dispatcher 1", until=LATER), updated_at=NOON + MINUTE
    )


def test_a_second_claim_replaces_the_lease_and_counts_another_claim() -> None:
    first = a_follow_up().claim("dispatcher 1", LATER, NOON)
    second = first.claim("dispatcher 2", LATER + HOUR, LATER)
    assert second.lease == Lease(owner="dispatcher 2", until=LATER + HOUR)
    assert (second.claims, second.attempts) == (first.claims + 1, first.attempts + 1)


def test_an_accepted_notice_ends_a_follow_up_as_sent() -> None:
    claimed = a_follow_up(last_error="timed out", attempts=1, claims=1).claim("dispatcher", LATER, NOON)
    sent, events = claimed.succeed(LATER)
    assert sent == a_follow_up(
        state=FollowUpState.SENT, attempts=2, claims=2, next_attempt_at=None, sent_at=LATER, updated_at=LATER
    )
    assert events == [Event(EventType.FOLLOW_UP_SENT, {**event_data(claimed), "attempt": 2})]


def test_a_failed_attempt_is_retried_after_the_wait() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    retried, events = claimed.fail_attempt("timed out", 5 * MINUTE, LATER)
    assert retried == a_follow_up(
        attempts=1, claims=1, last_error="timed out", next_attempt_at=LATER + 5 * MINUTE, updated_at=LATER
    )
    failed_attempt = {**event_data(claimed), "attempt": 1, "error": "timed out"}
    assert events == [Event(EventType.FOLLOW_UP_ATTEMPT_FAILED, failed_attempt)]


def test_the_last_failed_attempt_ends_a_follow_up_as_failed() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    failed, events = claimed.fail_attempt("no such mailbox", None, LATER)
    assert failed == a_follow_up(
        state=FollowUpState.FAILED,
        attempts=1,
        claims=1,
        last_error="no such mailbox",
        next_attempt_at=None,
        updated_at=LATER,
    )
    facts = {**event_data(claimed), "error": "no such mailbox"}
    assert events == [
        Event(EventType.FOLLOW_UP_ATTEMPT_FAILED, {**facts, "attempt": 1}),
        Event(EventType.FOLLOW_UP_FAILED, {**facts, "attempts": 1}),
    ]


def test_a_cancelled_follow_up_has_no_next_attempt() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    cancelled, events = claimed.cancel(LATER)
    assert cancelled == a_follow_up(
        state=FollowUpState.CANCELLED, attempts=1, claims=1, next_attempt_at=None, updated_at=LATER
    )
    assert events == [Event(EventType.FOLLOW_UP_CANCELLED, event_data(claimed))]


@given(ended_follow_ups())
def test_an_ended_follow_up_can_neither_be_cancelled_nor_changed(ended: FollowUp) -> None:
    for step, action in ((ended.cancel, "cancelled"), (ended.reschedule, "changed")):
        with pytest.raises(IllegalFollowUpState) as caught:
            step(LATER)
        assert str(caught.value) == f"A follow-up that is {ended.state.value} cannot be {action}."
        assert caught.value.state == ended.state


def test_a_postponed_follow_up_is_attempted_at_its_new_due_time() -> None:
    waiting = a_follow_up(attempts=2, claims=2, last_error="busy", next_attempt_at=NOON + MINUTE)
    postponed, events = waiting.reschedule(NOON, due_at=LATER)
    assert postponed == replace(waiting, due_at=LATER, next_attempt_at=LATER)
    rescheduled = {**event_data(waiting), "due_at": "2026-01-05T13:00:00.000000Z"}
    assert events == [Event(EventType.FOLLOW_UP_RESCHEDULED, rescheduled)]


def test_a_new_message_does_not_change_the_next_attempt() -> None:
    waiting = a_follow_up(next_attempt_at=LATER)
    changed, events = waiting.reschedule(NOON + MINUTE, message="Hi!")
    assert changed == replace(waiting, message="Hi!", updated_at=NOON + MINUTE)
    assert [event.type for event in events] == [EventType.FOLLOW_UP_RESCHEDULED]


@given(scheduled_follow_ups())
def test_changing_a_follow_up_to_its_current_values_has_no_effect(follow_up: FollowUp) -> None:
    for changes in ({}, {"due_at": follow_up.due_at}, {"message": follow_up.message}):
        assert follow_up.reschedule(LATER, **changes) == (follow_up, [])


def test_rescheduling_does_not_stop_the_current_attempt() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    postponed = claimed.reschedule(NOON, due_at=LATER + HOUR)[0]
    assert postponed.lease == claimed.lease
    assert postponed.succeed(NOON)[0].state is FollowUpState.SENT
    assert postponed.fail_attempt("busy", MINUTE, NOON)[0].next_attempt_at == LATER + HOUR


def test_a_retry_is_due_at_once_and_resets_the_number_of_attempts() -> None:
    failed = a_follow_up(
        state=FollowUpState.FAILED, attempts=8, claims=8, last_error="refused", next_attempt_at=None, updated_at=NOON
    )
    retried, events = failed.retry(LATER)
    assert retried == a_follow_up(attempts=0, claims=8, last_error="refused", next_attempt_at=LATER, updated_at=LATER)
    rescheduled = {**event_data(failed), "due_at": "2026-01-05T12:00:00.000000Z"}
    assert events == [Event(EventType.FOLLOW_UP_RESCHEDULED, rescheduled)]


@given(follow_ups().filter(lambda follow_up: follow_up.state is not FollowUpState.FAILED))
def test_only_a_failed_follow_up_can_be_retried(follow_up: FollowUp) -> None:
    with pytest.raises(IllegalFollowUpState) as caught:
        follow_up.retry(LATER)
    assert str(caught.value) == f"A follow-up that is {follow_up.state.value} cannot be retried."


END_STATES = [FollowUpState.SENT, FollowUpState.FAILED, FollowUpState.CANCELLED]


@pytest.mark.parametrize("state", END_STATES)
@pytest.mark.parametrize(
    ("step", "participle"),
    [
        pytest.param(lambda ended: ended.claim("dispatcher", LATER, NOON), "claimed", id="claim"),
        pytest.param(lambda ended: ended.succeed(LATER), "sent", id="succeed"),
        pytest.param(lambda ended: ended.fail_attempt("timed out", MINUTE, LATER), "attempted", id="fail and retry"),
        pytest.param(lambda ended: ended.fail_attempt("refused", None, LATER), "attempted", id="fail permanently"),
    ],
)
def test_an_ended_follow_up_is_not_attempted_again(
    step: Callable[[FollowUp], object], participle: str, state: FollowUpState
) -> None:
    with pytest.raises(IllegalFollowUpState, match=rf"^A follow-up that is {state.value} cannot be {participle}\.$"):
        step(a_follow_up(state=state, next_attempt_at=None))


def steps() -> st.SearchStrategy[list[Step]]:
    """Generate steps of a follow-up in any order, each with the wait after a failed attempt."""
    waits = st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=7))
    return st.lists(
        st.tuples(st.sampled_from(["claim", "succeed", "fail_attempt", "postpone", "retry", "cancel"]), waits),
        max_size=12,
    )


@given(follow_ups(), steps())
def test_no_sequence_of_steps_makes_a_follow_up_inconsistent(follow_up: FollowUp, steps: list[Step]) -> None:
    for minute, step in enumerate(steps):
        before = follow_up
        follow_up = _after(before, step, minute)
        scheduled = follow_up.state is FollowUpState.SCHEDULED
        assert (follow_up.next_attempt_at is not None) == scheduled
        assert (follow_up.sent_at is not None) == (follow_up.state is FollowUpState.SENT)
        assert scheduled or follow_up.lease is None
        assert follow_up.claims >= before.claims
        was_retried = before.state is FollowUpState.FAILED and scheduled
        assert follow_up.attempts == 0 if was_retried else follow_up.attempts >= before.attempts
        assert before.state in (FollowUpState.SCHEDULED, follow_up.state) or was_retried


def _after(follow_up: FollowUp, step: Step, minute: int) -> FollowUp:
    (action, wait), now = step, LATER + minute * MINUTE
    steps: dict[str, Callable[[], FollowUp]] = {
        "claim": lambda: follow_up.claim("dispatcher", now + HOUR, now),
        "succeed": lambda: follow_up.succeed(now)[0],
        "fail_attempt": lambda: follow_up.fail_attempt("timed out", wait, now)[0],
        "postpone": lambda: follow_up.reschedule(now, due_at=now + (wait or HOUR))[0],
        "retry": lambda: follow_up.retry(now)[0],
        "cancel": lambda: follow_up.cancel(now)[0],
    }
    try:
        return steps[action]()
    except IllegalFollowUpState:
        assert follow_up.state is not (FollowUpState.FAILED if action == "retry" else FollowUpState.SCHEDULED)
        return follow_up


@given(scheduled_follow_ups())
def test_an_attempt_does_not_change_what_was_scheduled(follow_up: FollowUp) -> None:
    outcomes = [
        follow_up.claim("dispatcher", LATER, NOON),
        follow_up.succeed(LATER)[0],
        follow_up.fail_attempt("timed out", MINUTE, LATER)[0],
        follow_up.fail_attempt("refused", None, LATER)[0],
        follow_up.cancel(LATER)[0],
    ]
    for outcome in outcomes:
        for field in ("id", "lead_id", "recipient", "channel", "message", "due_at", "created_at"):
            assert getattr(outcome, field) == getattr(follow_up, field)


@given(scheduled_follow_ups())
def test_the_data_of_events_is_json(follow_up: FollowUp) -> None:
    events = [
        *follow_up.succeed(LATER)[1],
        *follow_up.fail_attempt("refused", None, LATER)[1],
        *follow_up.cancel(LATER)[1],
    ]
    for event in events:
        assert json.loads(json.dumps(event.data)) == event.data


def test_the_maximum_wait_doubles_up_to_the_longest_and_ends_with_the_last_attempt() -> None:
    policy = RetryPolicy(attempts=6, first=MINUTE, longest=10 * MINUTE)
    maxima = [policy.wait_after(attempt, 1) for attempt in range(1, 8)]
    assert maxima == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 10 * MINUTE, None, None]


@given(st.integers(min_value=1, max_value=7), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_wait_is_the_drawn_fraction_of_its_maximum(attempt: int, fraction: float) -> None:
    policy = RetryPolicy()
    wait, maximum = policy.wait_after(attempt, fraction), policy.wait_after(attempt, 1)
    assert maximum is not None
    assert wait == fraction * maximum
    assert timedelta(0) <= wait <= maximum


def test_by_default_a_follow_up_is_attempted_eight_times_in_about_two_hours() -> None:
    policy = RetryPolicy()
    maxima = [policy.wait_after(attempt, 1) for attempt in range(1, 9)]
    assert maxima == [MINUTE * 2**doublings for doublings in range(7)] + [None]


@given(
    st.integers(min_value=1, max_value=60),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=HOUR),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)),
)
def test_each_maximum_wait_is_twice_the_previous_or_the_longest(
    attempts: int, first: timedelta, extra: timedelta
) -> None:
    policy = RetryPolicy(attempts=attempts, first=first, longest=first + extra)
    maxima = [policy.wait_after(attempt, 1) for attempt in range(1, attempts + 1)]
    expected, maximum = list[timedelta | None](), first
    for _ in range(attempts - 1):
        expected.append(maximum)
        maximum = min(maximum + maximum, policy.longest)
    assert maxima == [*expected, None]


def test_a_policy_with_many_attempts_stays_at_its_longest_wait() -> None:
    policy = RetryPolicy(attempts=100, first=6 * HOUR, longest=timedelta(days=7))
    assert policy.wait_after(99, 1) == timedelta(days=7)
