"""A follow-up's life: owed, attempted, and ended exactly once."""

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


def the_facts_of(follow_up: FollowUp) -> dict[str, Any]:
    """What every event tells of its follow-up."""
    return {"follow_up_id": follow_up.id, "channel": follow_up.channel, "recipient": str(follow_up.recipient)}


def test_a_new_follow_up_is_owed_from_its_due_time_on() -> None:
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


def test_a_claim_counts_an_attempt_and_gives_out_a_lease() -> None:
    claimed = a_follow_up().claim("dispatcher 1", LATER, NOON + MINUTE)
    assert claimed == a_follow_up(
        attempts=1, claims=1, lease=Lease(owner="dispatcher 1", until=LATER), updated_at=NOON + MINUTE
    )


def test_whoever_claims_again_takes_the_lease_over_under_another_token() -> None:
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
    assert events == [Event(EventType.FOLLOW_UP_SENT, {**the_facts_of(claimed), "attempt": 2})]


def test_a_failed_attempt_is_repeated_after_the_wait() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    again, events = claimed.fail_attempt("timed out", 5 * MINUTE, LATER)
    assert again == a_follow_up(
        attempts=1, claims=1, last_error="timed out", next_attempt_at=LATER + 5 * MINUTE, updated_at=LATER
    )
    failed_attempt = {**the_facts_of(claimed), "attempt": 1, "error": "timed out"}
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
    facts = {**the_facts_of(claimed), "error": "no such mailbox"}
    assert events == [
        Event(EventType.FOLLOW_UP_ATTEMPT_FAILED, {**facts, "attempt": 1}),
        Event(EventType.FOLLOW_UP_FAILED, {**facts, "attempts": 1}),
    ]


def test_a_cancelled_follow_up_is_owed_no_more() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    cancelled, events = claimed.cancel(LATER)
    assert cancelled == a_follow_up(
        state=FollowUpState.CANCELLED, attempts=1, claims=1, next_attempt_at=None, updated_at=LATER
    )
    assert events == [Event(EventType.FOLLOW_UP_CANCELLED, the_facts_of(claimed))]


@given(ended_follow_ups())
def test_what_has_ended_can_neither_be_cancelled_nor_changed(ended: FollowUp) -> None:
    for step, intention in ((ended.cancel, "cancelled"), (ended.reschedule, "changed")):
        with pytest.raises(IllegalFollowUpState) as refusal:
            step(LATER)
        assert str(refusal.value) == f"A follow-up that is {ended.state.value} cannot be {intention}."
        assert refusal.value.state == ended.state


def test_a_follow_up_that_is_put_off_is_attempted_at_its_new_time() -> None:
    waiting = a_follow_up(attempts=2, claims=2, last_error="busy", next_attempt_at=NOON + MINUTE)
    put_off, events = waiting.reschedule(NOON, due_at=LATER)
    assert put_off == replace(waiting, due_at=LATER, next_attempt_at=LATER)
    rescheduled = {**the_facts_of(waiting), "due_at": "2026-01-05T13:00:00.000000Z"}
    assert events == [Event(EventType.FOLLOW_UP_RESCHEDULED, rescheduled)]


def test_a_follow_up_that_is_reworded_is_attempted_when_it_would_have_been() -> None:
    waiting = a_follow_up(next_attempt_at=LATER)
    reworded, events = waiting.reschedule(NOON + MINUTE, message="Hi!")
    assert reworded == replace(waiting, message="Hi!", updated_at=NOON + MINUTE)
    assert [event.type for event in events] == [EventType.FOLLOW_UP_RESCHEDULED]


@given(scheduled_follow_ups())
def test_to_change_a_follow_up_to_what_it_is_changes_nothing(follow_up: FollowUp) -> None:
    for changes in ({}, {"due_at": follow_up.due_at}, {"message": follow_up.message}):
        assert follow_up.reschedule(LATER, **changes) == (follow_up, [])


def test_an_attempt_under_way_is_not_called_back_by_putting_it_off() -> None:
    claimed = a_follow_up().claim("dispatcher", LATER, NOON)
    put_off = claimed.reschedule(NOON, due_at=LATER + HOUR)[0]
    assert put_off.lease == claimed.lease
    assert put_off.succeed(NOON)[0].state is FollowUpState.SENT
    assert put_off.fail_attempt("busy", MINUTE, NOON)[0].next_attempt_at == LATER + HOUR


def test_what_has_failed_is_tried_again_at_once_and_as_often_as_at_first() -> None:
    failed = a_follow_up(
        state=FollowUpState.FAILED, attempts=8, claims=8, last_error="refused", next_attempt_at=None, updated_at=NOON
    )
    again, events = failed.retry(LATER)
    assert again == a_follow_up(attempts=0, claims=8, last_error="refused", next_attempt_at=LATER, updated_at=LATER)
    rescheduled = {**the_facts_of(failed), "due_at": "2026-01-05T12:00:00.000000Z"}
    assert events == [Event(EventType.FOLLOW_UP_RESCHEDULED, rescheduled)]


@given(follow_ups().filter(lambda follow_up: follow_up.state is not FollowUpState.FAILED))
def test_only_what_has_failed_can_be_retried(follow_up: FollowUp) -> None:
    with pytest.raises(IllegalFollowUpState) as refusal:
        follow_up.retry(LATER)
    assert str(refusal.value) == f"A follow-up that is {follow_up.state.value} cannot be retried."


ENDS = [FollowUpState.SENT, FollowUpState.FAILED, FollowUpState.CANCELLED]


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda ended: ended.claim("dispatcher", LATER, NOON), id="claim"),
        pytest.param(lambda ended: ended.succeed(LATER), id="succeed"),
        pytest.param(lambda ended: ended.fail_attempt("timed out", MINUTE, LATER), id="fail and try again"),
        pytest.param(lambda ended: ended.fail_attempt("refused", None, LATER), id="fail for good"),
    ],
)
def test_what_has_ended_is_not_attempted_again(step: Callable[[FollowUp], object], state: FollowUpState) -> None:
    with pytest.raises(IllegalFollowUpState, match=f"A follow-up that is {state.value} cannot be"):
        step(a_follow_up(state=state, next_attempt_at=None))


def steps() -> st.SearchStrategy[list[Step]]:
    """What may be asked of a follow-up, sensibly or not, with the wait after each failed attempt."""
    waits = st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=7))
    return st.lists(
        st.tuples(st.sampled_from(["claim", "succeed", "fail_attempt", "put_off", "retry", "cancel"]), waits),
        max_size=12,
    )


@given(follow_ups(), steps())
def test_whatever_is_asked_in_whatever_order_a_follow_up_never_contradicts_itself(
    follow_up: FollowUp, asked: list[Step]
) -> None:
    for minute, step in enumerate(asked):
        before = follow_up
        follow_up = _after(before, step, minute)
        scheduled = follow_up.state is FollowUpState.SCHEDULED
        assert (follow_up.next_attempt_at is not None) == scheduled
        assert (follow_up.sent_at is not None) == (follow_up.state is FollowUpState.SENT)
        assert scheduled or follow_up.lease is None
        assert follow_up.claims >= before.claims
        retried = before.state is FollowUpState.FAILED and scheduled
        assert follow_up.attempts == 0 if retried else follow_up.attempts >= before.attempts
        assert before.state in (FollowUpState.SCHEDULED, follow_up.state) or retried


def _after(follow_up: FollowUp, step: Step, minute: int) -> FollowUp:
    (intention, wait), now = step, LATER + minute * MINUTE
    steps: dict[str, Callable[[], FollowUp]] = {
        "claim": lambda: follow_up.claim("dispatcher", now + HOUR, now),
        "succeed": lambda: follow_up.succeed(now)[0],
        "fail_attempt": lambda: follow_up.fail_attempt("timed out", wait, now)[0],
        "put_off": lambda: follow_up.reschedule(now, due_at=now + (wait or HOUR))[0],
        "retry": lambda: follow_up.retry(now)[0],
        "cancel": lambda: follow_up.cancel(now)[0],
    }
    try:
        return steps[intention]()
    except IllegalFollowUpState:
        assert follow_up.state is not (FollowUpState.FAILED if intention == "retry" else FollowUpState.SCHEDULED)
        return follow_up


@given(scheduled_follow_ups())
def test_what_a_follow_up_is_and_what_it_promised_never_changes(follow_up: FollowUp) -> None:
    outcomes = [
        follow_up.claim("dispatcher", LATER, NOON),
        follow_up.succeed(LATER)[0],
        follow_up.fail_attempt("timed out", MINUTE, LATER)[0],
        follow_up.fail_attempt("refused", None, LATER)[0],
        follow_up.cancel(LATER)[0],
    ]
    for outcome in outcomes:
        for member in ("id", "lead_id", "recipient", "channel", "message", "due_at", "created_at"):
            assert getattr(outcome, member) == getattr(follow_up, member)


@given(scheduled_follow_ups())
def test_what_is_told_of_a_follow_up_is_ready_for_json(follow_up: FollowUp) -> None:
    events = [
        *follow_up.succeed(LATER)[1],
        *follow_up.fail_attempt("refused", None, LATER)[1],
        *follow_up.cancel(LATER)[1],
    ]
    for event in events:
        assert json.loads(json.dumps(event.data)) == event.data


def test_the_bounds_of_the_waits_double_from_the_first_up_to_the_longest_and_end_with_the_last_attempt() -> None:
    policy = RetryPolicy(attempts=6, first=MINUTE, longest=10 * MINUTE)
    bounds = [policy.wait_after(attempt, 1) for attempt in range(1, 8)]
    assert bounds == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 10 * MINUTE, None, None]


@given(st.integers(min_value=1, max_value=7), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_wait_is_the_given_fraction_of_its_bound(attempt: int, fraction: float) -> None:
    policy = RetryPolicy()
    wait, bound = policy.wait_after(attempt, fraction), policy.wait_after(attempt, 1)
    assert bound is not None
    assert wait == fraction * bound
    assert timedelta(0) <= wait <= bound


def test_by_default_a_follow_up_is_attempted_eight_times_within_at_most_about_two_hours() -> None:
    policy = RetryPolicy()
    bounds = [policy.wait_after(attempt, 1) for attempt in range(1, 9)]
    assert bounds == [MINUTE * 2**doublings for doublings in range(7)] + [None]


@given(
    st.integers(min_value=1, max_value=60),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=HOUR),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)),
)
def test_each_bound_is_double_the_one_before_or_the_longest(attempts: int, first: timedelta, extra: timedelta) -> None:
    policy = RetryPolicy(attempts=attempts, first=first, longest=first + extra)
    bounds = [policy.wait_after(attempt, 1) for attempt in range(1, attempts + 1)]
    expected, bound = list[timedelta | None](), first
    for _ in range(attempts - 1):
        expected.append(bound)
        bound = min(bound + bound, policy.longest)
    assert bounds == [*expected, None]


def test_a_slow_and_patient_policy_stays_at_its_longest_wait() -> None:
    policy = RetryPolicy(attempts=100, first=6 * HOUR, longest=timedelta(days=7))
    assert policy.wait_after(99, 1) == timedelta(days=7)
