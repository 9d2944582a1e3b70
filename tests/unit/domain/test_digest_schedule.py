"""Test when digests are planned, around clock changes and after restarts, in several time zones."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_domain.digest_schedule import DigestSchedule, end_of_day
from unit.domain.test_working_hours import CLOCK_CHANGES

EVERY_DAY = frozenset(range(7))
WORKDAYS = frozenset(range(5))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def schedule(at: str, days: frozenset[int] = EVERY_DAY, zone: str = "Europe/Berlin") -> DigestSchedule:
    return DigestSchedule(zone=ZoneInfo(zone), days=days, at=time.fromisoformat(at))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("at", "now", "planned_at", "expected"),
    [
        pytest.param("08:00", "2026-01-05T07:59+01:00", None, "2026-01-05T08:00+01:00", id="before the hour"),
        pytest.param("08:00", "2026-01-05T08:00+01:00", None, "2026-01-05T08:00+01:00", id="at the hour"),
        pytest.param("08:00", "2026-01-05T21:30+01:00", "2026-01-02T08:00+01:00", "2026-01-05T21:30+01:00", id="late"),
        pytest.param("08:00", "2026-01-05T08:00+01:00", "2026-01-05T08:00+01:00", "2026-01-06T08:00+01:00", id="done"),
        pytest.param("08:00", "2026-01-06T00:01+01:00", "2026-01-05T08:00+01:00", "2026-01-06T08:00+01:00", id="night"),
        pytest.param("08:00", "2026-01-10T09:00+01:00", "2026-01-09T08:00+01:00", "2026-01-12T08:00+01:00", id="sat"),
        pytest.param("00:00", "2026-01-05T23:59+01:00", "2026-01-05T00:00+01:00", "2026-01-06T00:00+01:00", id="0:00"),
        pytest.param("02:30", "2026-03-28T12:00+01:00", "2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", id="skip"),
        pytest.param("02:30", "2026-10-24T12:00+02:00", "2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", id="twice"),
        pytest.param("02:30", "2026-10-25T02:30+01:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00", id="again"),
    ],
)
def test_digests_are_planned_once_a_day(at: str, now: str, planned_at: str | None, expected: str) -> None:
    days = WORKDAYS if at == "08:00" else EVERY_DAY
    planned = moment(planned_at) if planned_at else None
    assert schedule(at, days).next_planning(moment(now), planned) == moment(expected)


def test_a_day_that_begins_twice_has_one_digest() -> None:
    zone = schedule("00:00", zone="America/St_Johns")  # on 2010-11-07 at 00:01, the clocks went back to 23:01
    planned_at = moment("2010-11-07T02:30Z")
    assert zone.next_planning(planned_at, None) == planned_at
    assert zone.next_planning(moment("2010-11-07T02:45Z"), planned_at) == moment("2010-11-08T03:30Z")


def test_a_clock_set_back_by_less_than_a_day_plans_nothing_again() -> None:
    planned_at = moment("2026-01-06T08:00+01:00")
    assert schedule("08:00").next_planning(planned_at - 12 * 60 * MINUTE, planned_at) == moment(
        "2026-01-07T08:00+01:00"
    )


def test_a_time_of_a_clock_that_was_far_ahead_does_not_count() -> None:
    now = moment("2026-01-06T09:00+01:00")
    assert schedule("08:00").next_planning(now, moment("2099-01-01T08:00Z")) == now


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        ("2026-01-05T22:59Z", "Europe/Berlin", "2026-01-05T23:00Z"),
        ("2026-01-05T23:00Z", "Europe/Berlin", "2026-01-06T23:00Z"),
        ("2026-03-28T23:00Z", "Europe/Berlin", "2026-03-29T22:00Z"),
        ("2026-10-24T22:00Z", "Europe/Berlin", "2026-10-25T23:00Z"),
        pytest.param("2024-04-25T12:00Z", "Africa/Cairo", "2024-04-25T22:00Z", id="a skipped midnight"),
    ],
)
def test_the_day_ends_at_the_next_local_midnight(now: str, zone: str, end: str) -> None:
    assert end_of_day(moment(now), ZoneInfo(zone)) == moment(end)


zones = st.sampled_from(sorted(CLOCK_CHANGES))
days_of_week = st.frozensets(st.integers(0, 6), min_size=1)
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
pauses = st.lists(st.one_of(st.integers(1, 90), st.integers(1, 3 * 24 * 60)), min_size=1, max_size=60)


@given(zones, days_of_week, times, st.data(), pauses)
def test_each_day_is_planned_once_at_the_first_look_after_the_hour(
    zone: str, days: frozenset[int], at: time, data: st.DataObject, pauses: list[int]
) -> None:
    """Look at random moments around a clock change, as a service that is down at times."""
    plan = DigestSchedule(zone=ZoneInfo(zone), days=days, at=at)
    now = moment(data.draw(st.sampled_from(CLOCK_CHANGES[zone]))) - data.draw(st.integers(0, 5 * 24 * 60)) * MINUTE
    planned_at: datetime | None = None
    planned_days: list[date] = []
    for pause in pauses:
        local = now.astimezone(ZoneInfo(zone))
        is_open = local.weekday() in days and local.time() >= at
        is_new = not planned_days or local.date() > planned_days[-1]
        next_planning = plan.next_planning(now, planned_at)
        assert (next_planning == now) == (is_open and is_new)
        assert next_planning >= now
        assert next_planning.astimezone(UTC) - now.astimezone(UTC) < 10 * DAY
        if next_planning == now:
            planned_at = now
            planned_days.append(local.date())
        now += pause * MINUTE
    assert len(planned_days) == len({*planned_days})


@given(zones, zones, days_of_week, times, times, st.data())
def test_a_changed_hour_or_zone_plans_no_day_again(
    zone: str, new_zone: str, days: frozenset[int], at: time, new_at: time, data: st.DataObject
) -> None:
    change = moment(data.draw(st.sampled_from(CLOCK_CHANGES[zone])))
    planned_at = DigestSchedule(zone=ZoneInfo(zone), days=days, at=at).next_planning(change, None)
    new = DigestSchedule(zone=ZoneInfo(new_zone), days=days, at=new_at)
    again = new.next_planning(planned_at + MINUTE, planned_at)
    day_before, day = (each.astimezone(ZoneInfo(new_zone)).date() for each in (planned_at, again))
    assert day > day_before
    assert day.weekday() in days
