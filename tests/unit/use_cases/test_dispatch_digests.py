"""Test the planning, the claims and the outcomes of digests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application import LEASE, RETRY, Application
from builders import NOON
from databases import DATABASES, USE_CASE_STORES, memory_database
from digests import BERLIN, MIA, MORNING, SCHEDULE, Digests
from leads_domain.delivery import INTERRUPTED, Claimed
from leads_domain.digest import OUTDATED_AFTER, Digest, DigestId, DigestState
from leads_domain.digest_schedule import DigestSchedule, end_of_day
from leads_domain.errors import NotFound
from leads_domain.follow_up import Lease
from leads_domain.notifier import NoticeKind, Refused, TryAgain
from leads_domain.use_cases.dispatch_digests import CLAIMED_MAX, ROUNDS_MAX, STORED_FOR

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOAH = "noah@example.com"


@pytest.fixture(params=USE_CASE_STORES)
def digests(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Digests]:
    with DATABASES[request.param](tmp_path) as database:
        yield Digests(Application(database))


def recipients(claimed: list[Claimed[Digest]]) -> list[str]:
    return sorted(str(each.notice.email) for each in claimed)


def test_each_colleague_with_something_to_do_gets_one_digest(digests: Digests) -> None:
    digests.task(MIA)
    digests.task("Mia@Example.com", due_at=MORNING - DAY)
    digests.task(NOAH)
    digests.fail_follow_up("oma@example.com")
    digests.fail_follow_up(MIA)

    claimed = digests.claim()
    assert [each.lower() for each in recipients(claimed)] == [MIA, NOAH, "oma@example.com"]
    assert digests.claim("two") == []


def test_nothing_to_tell_means_no_digest(digests: Digests) -> None:
    tomorrow = end_of_day(MORNING, SCHEDULE.zone)
    digests.task(MIA, due_at=tomorrow)
    digests.fail_follow_up(owner=None)
    lead = digests.task(NOAH)
    digests.app.erase(lead)

    assert digests.claim() == []
    assert digests.next_attempts() == {"smtp": MORNING + DAY}


def test_digests_are_planned_at_the_hour_of_each_day(digests: Digests) -> None:
    digests.task(due_at=MORNING - DAY)
    digests.app.clock.time = MORNING - timedelta(microseconds=1)
    assert digests.next_attempts() == {"smtp": MORNING}
    assert digests.claim() == []
    for day in range(3):
        digests.app.clock.time = MORNING + day * DAY
        assert digests.next_attempts() == {"smtp": MORNING + day * DAY}
        (claimed,) = digests.claim()
        assert digests.record(claimed)
        assert digests.next_attempts() == {"smtp": MORNING + (day + 1) * DAY}
        digests.app.clock.advance(10 * HOUR)
        assert digests.claim() == []


def test_a_service_that_was_down_at_the_hour_plans_later_on_the_same_day(digests: Digests) -> None:
    digests.task(due_at=MORNING - DAY)
    digests.app.clock.advance(15 * HOUR)
    assert len(digests.claim()) == 1


def test_a_changed_hour_zone_or_channel_sends_no_second_digest_on_a_day(digests: Digests) -> None:
    digests.task(due_at=MORNING - DAY)
    assert len(digests.claim()) == 1
    for zone, at in (("Europe/Berlin", time(9)), ("Europe/Berlin", time(7)), ("Europe/London", time(8))):
        digests.configure(DigestSchedule(zone=ZoneInfo(zone), days=frozenset(range(7)), at=at), "log")
        digests.app.clock.advance(2 * HOUR)
        assert [each for each in digests.claim() if each.item.attempts == 1] == []


def test_a_digest_that_waits_goes_to_the_channel_that_is_configured_now(digests: Digests) -> None:
    digests.task()
    (claimed,) = digests.claim()
    digests.record(claimed, TryAgain("busy"))
    digests.configure(SCHEDULE, "log")
    digests.app.clock.time = digests.next_attempts()["log"]
    (again,) = digests.claim()
    assert (again.notice.channel, again.item.id) == ("log", claimed.item.id)


def test_a_notice_names_the_colleague_and_no_lead(digests: Digests) -> None:
    digests.task()
    (claimed,) = digests.claim()
    notice = claimed.notice

    assert (notice.kind, notice.channel, notice.attempt) == (NoticeKind.DIGEST, "smtp", 1)
    assert (notice.name, notice.email, notice.phone) == (MIA, MIA, None)
    assert (notice.follow_up_id, notice.idempotency_key) == (claimed.item.id, claimed.item.id)
    assert (notice.lead_id, notice.lead, notice.details) == ("", {}, "")
    assert claimed.refusal is None
    assert notice.subject == "1 task due today"


def test_all_attempts_of_a_digest_have_the_same_key(digests: Digests) -> None:
    digests.task()
    keys = []
    for attempt in range(1, RETRY.attempts + 1):
        (claimed,) = digests.claim()
        keys.append(claimed.notice.idempotency_key)
        assert claimed.notice.attempt == attempt
        digests.record(claimed, TryAgain("busy"))
        digests.app.clock.time = digests.next_attempts()["smtp"]

    assert len({*keys}) == 1
    assert (digests.stored(claimed).state, digests.stored(claimed).last_error) == (DigestState.FAILED, "busy")


def test_a_failed_attempt_is_retried_and_a_success_ends_the_digest(digests: Digests) -> None:
    digests.task()
    (claimed,) = digests.claim()
    assert digests.record(claimed, TryAgain("busy\x00", timedelta(minutes=5)))
    assert digests.stored(claimed).last_error == "busy "
    assert digests.next_attempts() == {"smtp": MORNING + timedelta(minutes=5)}

    digests.app.clock.advance(timedelta(minutes=5))
    (again,) = digests.claim()
    assert digests.record(again)
    assert replace(digests.stored(again), updated_at=NOON) == replace(
        again.item, state=DigestState.SENT, next_attempt_at=None, lease=None, last_error=None, updated_at=NOON
    )
    digests.app.clock.advance(HOUR)
    assert digests.claim() == []


def test_a_refusal_fails_the_digest_at_once(digests: Digests) -> None:
    digests.task()
    (claimed,) = digests.claim()
    assert digests.record(claimed, Refused("No such mailbox."))
    assert digests.stored(claimed).state is DigestState.FAILED


def test_an_interrupted_digest_is_claimed_again_when_its_lease_expires(digests: Digests) -> None:
    digests.task()
    (first,) = digests.claim("one")
    assert digests.claim("two") == []
    digests.app.clock.advance(LEASE)
    (second,) = digests.claim("two")

    assert second.item.lease == Lease(owner="two", until=digests.app.clock.now() + LEASE)
    assert digests.record(first) is False
    assert digests.record(second) is True
    assert digests.record(second) is False


def test_the_outcome_of_a_deleted_digest_is_not_recorded(digests: Digests) -> None:
    digests.task()
    (claimed,) = digests.claim()
    assert digests.record(replace(claimed, item=replace(claimed.item, id=DigestId(digests.app.ids.new())))) is False


def test_a_digest_with_only_interrupted_attempts_fails(digests: Digests) -> None:
    digests.task()
    for _ in range(RETRY.attempts):
        (claimed,) = digests.claim()
        assert claimed.refusal is None
        digests.app.clock.advance(LEASE)
    (claimed,) = digests.claim()
    assert claimed.refusal == INTERRUPTED


def test_a_digest_that_comes_half_a_day_too_late_is_not_sent(digests: Digests) -> None:
    digests.task()
    digests.claim()
    digests.app.clock.advance(OUTDATED_AFTER + LEASE)
    (claimed,) = digests.claim()
    assert claimed.refusal == "It could not be sent in time."


def test_a_digest_with_nothing_left_to_tell_is_empty(digests: Digests) -> None:
    done, other = digests.task(), digests.task(NOAH)
    (first, second) = sorted(digests.claim(), key=lambda each: str(each.notice.email))
    for each in (first, second):
        digests.record(each, TryAgain("busy"))
    digests.app.erase(done)
    digests.app.clock.time = digests.next_attempts()["smtp"]

    (claimed,) = digests.claim(limit=1)
    assert claimed.notice.email == NOAH
    assert (digests.stored(first).state, digests.stored(first).lease) == (DigestState.EMPTY, None)
    digests.app.erase(other)
    digests.app.clock.advance(LEASE)
    assert digests.claim() == []
    assert digests.stored(second).state is DigestState.EMPTY


def test_up_to_the_limit_and_no_more_than_four_are_claimed_at_once(digests: Digests) -> None:
    for number in range(9):
        digests.task(f"{number}@example.com")
    assert [len(digests.claim(limit=limit)) for limit in (3, CLAIMED_MAX, 32, 32)] == [3, CLAIMED_MAX, 2, 0]


def test_ended_digests_are_deleted_after_a_month(digests: Digests) -> None:
    digests.task(due_at=MORNING - DAY)
    (claimed,) = digests.claim()
    digests.record(claimed)
    digests.app.clock.time = MORNING + STORED_FOR
    digests.claim()
    assert digests.stored(claimed).state is DigestState.SENT
    digests.app.clock.time = MORNING + STORED_FOR + DAY
    digests.claim()
    with pytest.raises(NotFound):
        digests.stored(claimed)


def test_a_clock_set_back_sends_no_second_digest(digests: Digests) -> None:
    digests.task(due_at=MORNING - DAY)
    (claimed,) = digests.claim()
    digests.record(claimed)
    digests.app.clock.advance(-HOUR)
    assert digests.claim() == []
    digests.app.clock.advance(HOUR)
    assert digests.claim() == []


OUTCOMES = (None, None, TryAgain("busy"), Refused("no"), "crash")


@given(
    start=st.integers(0, 24 * 60),
    at=st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    steps=st.lists(
        st.tuples(st.integers(1, 60) | st.integers(1, 2_000), st.lists(st.sampled_from(OUTCOMES), min_size=1)),
        min_size=1,
        max_size=30,
    ),
)
def test_each_colleague_gets_one_digest_on_each_day_with_a_look_after_the_hour(
    start: int, at: time, steps: list[tuple[int, list[Any]]]
) -> None:
    """Look at random times around a clock change, with failing channels and crashes."""
    with memory_database(Path()) as database:
        digests = Digests(Application(database))
        digests.app.clock.time = datetime(2026, 10, 24, tzinfo=UTC) + start * timedelta(minutes=1)
        digests.configure(DigestSchedule(zone=BERLIN, days=frozenset(range(7)), at=at))
        lead = digests.task(MIA, due_at=NOON)
        digests.task(NOAH, lead, due_at=NOON)
        expected, planned, sent = set(), set(), []
        for minutes, outcomes in steps:
            now = digests.app.clock.now().astimezone(BERLIN)
            if now.time() >= at:
                expected |= {(now.date(), MIA), (now.date(), NOAH)}
            for each, outcome in zip(digests.claim(), cycle(outcomes), strict=False):
                planned.add((each.item.id, each.item.planned_at.astimezone(BERLIN).date(), str(each.item.recipient)))
                if outcome != "crash" and each.refusal is None:
                    assert digests.record(each, outcome)
                    sent += [each.item.id] if outcome is None else []
            digests.app.clock.advance(timedelta(minutes=minutes))

        assert sorted((day, recipient) for _, day, recipient in planned) == sorted(expected)
        assert len(sent) == len({*sent})


def test_one_claim_ends_only_some_of_many_digests_with_nothing_to_tell(digests: Digests) -> None:
    leads = [digests.task(f"{number}@example.com") for number in range(CLAIMED_MAX * ROUNDS_MAX + 1)]
    digests.claim(limit=1)
    for lead in leads:
        digests.app.erase(lead)
    digests.app.clock.advance(LEASE)

    assert digests.claim(limit=CLAIMED_MAX) == []
    assert digests.next_attempts()["smtp"] <= digests.app.clock.now()
    assert digests.claim(limit=CLAIMED_MAX) == []
    assert digests.next_attempts()["smtp"] > digests.app.clock.now()
